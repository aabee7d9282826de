"""The embedding cache: each picture is embedded once, and its embedding is found by key.

It is a folder with a card (`card`), shards (`shards`) and a manifest (`manifest`). Pictures and
embeddings are matched by key and content hash, never by order. Knows nothing of embedders; it is
filled by `filling`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ddpm_clip.data.cache.card import CacheCard, agree_on_card
from ddpm_clip.data.cache.manifest import manifest_of, read_manifest, settle, write_waiting
from ddpm_clip.data.cache.shards import read_rows, shard_name, unsound, write_shard
from ddpm_clip.errors import DataError, DdpmClipWarning


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Embeddings that were found but are not read yet; `rows` reads some of them."""

    folder: Path
    dim: int
    shards: NDArray[np.int32]
    places: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.shards)

    def rows(self, which: Sequence[int] | slice, out: Tensor | None = None) -> Tensor:
        """Return embeddings (m, dim), as float32 or in the type of `out`.

        Raises:
            StorageError: A shard is damaged.
        """
        shards, places = self.shards[which], self.places[which]
        into = torch.empty(len(shards), self.dim) if out is None else out
        return read_rows(self.folder, shards, places, into)


class EmbeddingCache:
    """Embeddings of pictures in a folder; made or opened by `open_or_create`.

    Opening reads the manifest only. The first query (`missing`, `located`, `lookup`) checks each
    shard against its SHA-256; shards that fail are left out with a warning, and their embeddings
    count as missing.
    """

    def __init__(self, folder: Path, card: CacheCard):
        self.folder, self.card = folder, card
        self._manifest, self._unsettled = read_manifest(folder)
        self._sound: set[int] = set()

    @classmethod
    def open_or_create(
        cls,
        folder: str | Path,
        *,
        embedder_name: str,
        fingerprint: str,
        dim: int,
        preprocessing: str,
    ) -> "EmbeddingCache":
        """Open the cache in `folder`, or begin one there.

        Raises:
            CannotCreate: The folder holds embeddings of another embedder or preprocessing, or
                other files.
            StorageError: cache.json is damaged, or writing failed.
        """
        folder = Path(folder)
        card = CacheCard(embedder_name, fingerprint, dim, preprocessing)
        agree_on_card(folder, card)
        return cls(folder, card)

    def __len__(self) -> int:
        return len(self._manifest)

    def missing(self, keys: Sequence[str], digests: Sequence[str]) -> list[int]:
        """Return the positions of pictures without an embedding of their present content."""
        found: list[int] = np.flatnonzero(self._find(keys, digests) < 0).tolist()
        return found

    def append(self, keys: Sequence[str], digests: Sequence[str], embeddings: Tensor) -> None:
        """Add embeddings (n, dim) as one shard, synced to disk when this returns.

        Raises:
            DataError: The shape is wrong, or a value is NaN or infinite.
            StorageError: Writing failed, for example because the disk is full.
        """
        if len(keys) != len(digests) or embeddings.shape != (len(keys), self.card.dim):
            shape, wanted = tuple(embeddings.shape), (len(keys), self.card.dim)
            raise DataError(f"embeddings have shape {shape}", f"{wanted} was expected")
        if not keys:
            return
        halves = embeddings.detach().cpu().half()
        bad = (~halves.isfinite().all(dim=1)).nonzero().flatten().tolist()
        if bad:
            raise DataError(
                f"the embedding of {keys[bad[0]]} has NaN or infinite values",
                f"and so have {len(bad) - 1} others",
                "check the picture and the encoder's weights",
            )
        # the first free number, so that a half-written or damaged shard is replaced
        number = next(n for n in count() if n not in self._manifest.hashes)
        new = manifest_of(keys, digests, number, write_shard(self.folder, number, halves))
        write_waiting(self.folder, new)
        self._manifest, self._unsettled = self._manifest.joined(new), True
        self._sound.add(number)

    def settle(self) -> None:
        """Merge the tables of appended shards into the manifest; call it after the last one."""
        if self._unsettled:
            settle(self.folder, self._manifest)
            self._unsettled = False

    def located(self, keys: Sequence[str], digests: Sequence[str]) -> Located:
        """Return where the embeddings are stored, in the order of `keys`.

        Raises:
            DataError: Some are missing; the message names three of them.
        """
        lines = self._find(keys, digests)
        absent = np.flatnonzero(lines < 0)
        if len(absent):
            some = ", ".join(keys[i] for i in absent[:3])
            raise DataError(
                f"{len(absent)} of {len(keys)} pictures have no embedding in {self.folder}",
                f"for example {some}",
                "run `ddpm-clip embed` on the same pictures",
            )
        return Located(self.folder, self.card.dim, *self._manifest.places(lines))

    def lookup(
        self, keys: Sequence[str], digests: Sequence[str], out: Tensor | None = None
    ) -> Tensor:
        """Return embeddings (n, dim) float32 in the order of `keys`.

        Args:
            keys: Keys of the pictures.
            digests: Content hashes of the pictures.
            out: Tensor (n, dim) to fill instead, in its own type; may be a memory map.

        Raises:
            DataError: Some are missing; the message names three of them.
            StorageError: A shard is damaged.
        """
        return self.located(keys, digests).rows(slice(None), out)

    def _find(self, keys: Sequence[str], digests: Sequence[str]) -> NDArray[np.int64]:
        self._leave_out_damaged()
        return self._manifest.find(keys, digests)

    def _leave_out_damaged(self) -> None:
        unseen = self._manifest.hashes.keys() - self._sound
        bad = unsound(self.folder, self._manifest.hashes, unseen)
        for number in bad:
            warnings.warn(
                f"{self.folder / shard_name(number)} is damaged or missing; its embeddings "
                "count as missing",
                DdpmClipWarning,
                stacklevel=4,
            )
        if bad:
            self._manifest, self._unsettled = self._manifest.without(bad), True
        self._sound = set(self._manifest.hashes)
