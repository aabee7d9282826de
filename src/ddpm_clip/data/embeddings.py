"""The embedding cache: each picture is embedded once, and its embedding is found by name.

A folder with a card (`cache_card`), shards and a manifest (`embedding_shards`). Rows are joined
by key and content hash, never by order. Knows no embedder: it is handed a function from items to
embeddings.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ddpm_clip.data.cache_card import CacheCard, agree_on_card
from ddpm_clip.data.embedding_shards import (
    Manifest,
    Place,
    read_manifest,
    read_rows,
    write_manifest,
    write_shard,
)
from ddpm_clip.errors import DataError
from ddpm_clip.types import Item


class EmbeddingCache:
    """Embeddings of pictures in a folder; make or open one with `open_or_create`."""

    def __init__(self, folder: Path, card: CacheCard, manifest: Manifest):
        self.folder, self.card, self._manifest = folder, card, manifest

    @classmethod
    def open_or_create(
        cls, folder: str | Path, *, embedder_name: str, fingerprint: str, dim: int,
        preprocessing: str,
    ) -> "EmbeddingCache":  # fmt: skip
        """Open the cache in `folder`, or begin one there.

        Shards that do not match their SHA-256 are left out with a warning; `missing` names
        their rows again.

        Raises:
            CannotCreate: the folder holds embeddings of another embedder or preprocessing, or
                other files. StorageError: cache.json is damaged, or writing failed.
        """
        folder = Path(folder)
        card = CacheCard(embedder_name, fingerprint, dim, preprocessing)
        agree_on_card(folder, card)
        return cls(folder, card, read_manifest(folder))

    def __len__(self) -> int:
        return len(self._manifest.places)

    def missing(self, keys: Sequence[str], digests: Sequence[str]) -> list[int]:
        """The positions that are not in the cache, or only with another content."""
        places = self._manifest.places
        return [i for i, who in enumerate(zip(keys, digests, strict=True)) if who not in places]

    def append(self, keys: Sequence[str], digests: Sequence[str], embeddings: Tensor) -> None:
        """Add embeddings (n, dim) as one shard. When this returns, the disk has them.

        Raises:
            DataError: another shape, or a number that is not finite. StorageError: disk full, …
        """
        whose = list(zip(keys, digests, strict=True))
        if embeddings.shape != (len(whose), self.card.dim):
            shape, wanted = tuple(embeddings.shape), (len(whose), self.card.dim)
            raise DataError(f"embeddings of shape {shape} do not fit", f"{wanted} was expected")
        if not whose:
            return
        halves = embeddings.detach().cpu().half()
        bad = (~halves.isfinite().all(dim=1)).nonzero().flatten().tolist()
        if bad:
            raise DataError(
                f"the embedding of {keys[bad[0]]} is not finite", f"and of {len(bad) - 1} others",
                "check the picture, and the encoder's weights",
            )  # fmt: skip
        hashes = self._manifest.hashes
        shard, digest = write_shard(self.folder, hashes, halves)
        places = {who: Place(shard, row) for row, who in enumerate(whose)}
        manifest = Manifest(self._manifest.places | places, hashes | {shard: digest})
        write_manifest(self.folder, manifest)
        self._manifest = manifest

    def lookup(self, keys: Sequence[str], digests: Sequence[str]) -> Tensor:
        """Embeddings (n, dim) float32 in the order that is asked for.

        Raises:
            DataError: some are not here; names them. StorageError: a shard is damaged.
        """
        absent = self.missing(keys, digests)
        if absent:
            some = ", ".join(keys[i] for i in absent[:3])
            raise DataError(
                f"{len(absent)} of {len(keys)} pictures have no embedding in {self.folder}",
                f"for example {some}", "run `ddpm-clip embed` on the same pictures",
            )  # fmt: skip
        places = [self._manifest.places[who] for who in zip(keys, digests, strict=True)]
        return read_rows(self.folder, places, self.card.dim)


def fill(
    cache: EmbeddingCache,
    embed_items: Callable[[Sequence[Item]], Tensor],
    keys: Sequence[str],
    digests: Sequence[str],
    item_at: Callable[[int], Item],
    *,
    batch_size: int = 64,
    batches_per_shard: int = 16,
) -> Iterator[int]:
    """Embed what is missing; yields how many of `keys` are done, first with the ones found.

    Killed at any point, it goes on from the last shard, with the same batches and so the same
    numbers. Closed or interrupted, it first stores what it has.

    Args:
        cache: is filled.
        embed_items: items -> (b, dim).
        keys: of all pictures.
        digests: content hashes of all pictures.
        item_at: gives item i; called for the missing ones only.
        batch_size: items embedded at once.
        batches_per_shard: batches between two writes.
    """
    absent = cache.missing(keys, digests)
    done = len(keys) - len(absent)
    yield done
    waiting: list[int] = []
    rows: list[Tensor] = []

    def flush() -> None:
        if rows:
            whose = [keys[i] for i in waiting], [digests[i] for i in waiting]
            cache.append(*whose, torch.cat(rows))
            waiting.clear()
            rows.clear()

    try:
        for start in range(0, len(absent), batch_size):
            batch = absent[start : start + batch_size]
            rows.append(embed_items([item_at(i) for i in batch]).detach().cpu())
            waiting += batch
            if len(rows) >= batches_per_shard:
                flush()
            done += len(batch)
            yield done
    finally:
        flush()
