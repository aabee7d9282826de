"""The embedding cache: each picture is embedded once, and its embedding is found by name.

A folder with a card (`cache_card`), shards (`embedding_shards`) and a manifest
(`embedding_manifest`). Rows are joined by key and content hash, never by order. Knows no
embedder; `filling` is what fills it.
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
from ddpm_clip.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """Embeddings that were found but not read yet: a slice of them is read by `rows`."""

    folder: Path
    dim: int
    shards: NDArray[np.int32]
    places: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.shards)

    def rows(self, which: Sequence[int] | slice, out: Tensor | None = None) -> Tensor:
        """Embeddings (m, dim), float32 or as `out` is.

        Raises:
            StorageError: a shard is damaged.
        """
        shards, places = self.shards[which], self.places[which]
        into = torch.empty(len(shards), self.dim) if out is None else out
        return read_rows(self.folder, shards, places, into)


class EmbeddingCache:
    """Embeddings of pictures in a folder; make or open one with `open_or_create`.

    Opening reads the manifest only. The first question (`missing`, `located`, `lookup`) checks each
    shard against its SHA-256; those that fail are left out with a warning, and count as missing.
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
            CannotCreate: the folder holds embeddings of another embedder or preprocessing, or
                other files. StorageError: cache.json is damaged, or writing failed.
        """
        folder = Path(folder)
        card = CacheCard(embedder_name, fingerprint, dim, preprocessing)
        agree_on_card(folder, card)
        return cls(folder, card)

    def __len__(self) -> int:
        return len(self._manifest)

    def missing(self, keys: Sequence[str], digests: Sequence[str]) -> list[int]:
        """The positions that are not in the cache, or only with another content."""
        found: list[int] = np.flatnonzero(self._find(keys, digests) < 0).tolist()
        return found

    def append(self, keys: Sequence[str], digests: Sequence[str], embeddings: Tensor) -> None:
        """Add embeddings (n, dim) as one shard. When this returns, the disk has them.

        Raises:
            DataError: another shape, or a number that is not finite. StorageError: disk full, …
        """
        if len(keys) != len(digests) or embeddings.shape != (len(keys), self.card.dim):
            shape, wanted = tuple(embeddings.shape), (len(keys), self.card.dim)
            raise DataError(f"embeddings of shape {shape} do not fit", f"{wanted} was expected")
        if not keys:
            return
        halves = embeddings.detach().cpu().half()
        bad = (~halves.isfinite().all(dim=1)).nonzero().flatten().tolist()
        if bad:
            raise DataError(
                f"the embedding of {keys[bad[0]]} is not finite",
                f"and of {len(bad) - 1} others",
                "check the picture, and the encoder's weights",
            )
        # the first free number: a shard that was left half-written or is damaged gives its own up
        number = next(n for n in count() if n not in self._manifest.hashes)
        new = manifest_of(keys, digests, number, write_shard(self.folder, number, halves))
        write_waiting(self.folder, new)
        self._manifest, self._unsettled = self._manifest.joined(new), True
        self._sound.add(number)

    def settle(self) -> None:
        """Gather what was appended into the one manifest; call it when nothing more comes."""
        if self._unsettled:
            settle(self.folder, self._manifest)
            self._unsettled = False

    def located(self, keys: Sequence[str], digests: Sequence[str]) -> Located:
        """Where the embeddings lie, in the order that is asked for.

        Raises:
            DataError: some are not here; names them.
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
        """Embeddings (n, dim) float32 in the order that is asked for.

        Args:
            keys: of the pictures.
            digests: their content hashes.
            out: is filled instead, in its own type; it may be a map of a file.

        Raises:
            DataError: some are not here; names them. StorageError: a shard is damaged.
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
                f"{self.folder / shard_name(number)} is damaged or gone; its embeddings count as "
                "missing",
                stacklevel=4,
            )
        if bad:
            self._manifest, self._unsettled = self._manifest.without(bad), True
        self._sound = set(self._manifest.hashes)
