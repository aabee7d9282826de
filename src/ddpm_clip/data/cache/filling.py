"""Fills an embedding cache: full batches in a fixed order, pictures preprocessed in threads.

The last bits of an embedding may depend on the batch size and on the picture's position in the
batch. So each picture has a fixed position in a fixed batch of full size, whether the job runs in
one go, is resumed, or is split into parts. The embedder comes in as a function from pictures to
embeddings.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.pictures.prefetch import prefetched

Ready = TypeVar("Ready")


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures encoded together.

    Args:
        pictures: Picture numbers.
        slots: Position of each picture in the batch.
        section: Batches of the same section go into one shard.
    """

    pictures: list[int]
    slots: list[int]
    section: int


def fill(
    cache: EmbeddingCache,
    embed: Callable[[list[Ready]], Tensor],
    keys: Sequence[str],
    digests: Sequence[str],
    ready: Callable[[int], Ready | None],
    *,
    places: Sequence[int] | None = None,
    batch_size: int = 64,
    batches_per_shard: int = 16,
    workers: int = 0,
    keep_unfinished: bool = True,
) -> Iterator[int]:
    """Embed the missing pictures; yield how many of `keys` are done, starting with those found.

    If it is killed, it resumes after the last shard with the same batches, and so the same
    embeddings and files. If it is closed or interrupted, it first stores what it has; a shard may
    then be shorter, but no embedding changes.

    Args:
        cache: The cache to fill; it is settled at the end.
        embed: Function from `batch_size` preprocessed pictures to (batch_size, dim). If a batch
            has fewer pictures, the last one is repeated.
        keys: Keys of all pictures.
        digests: Content hashes of all pictures.
        ready: Function that preprocesses picture i for `embed`, or returns None if it cannot be
            used; called for the missing pictures only, in `workers` threads at once.
        places: Position of each picture in the whole job, ascending; by default 0, 1, …
        batch_size: Number of pictures encoded at once.
        batches_per_shard: Number of batches between two writes.
        workers: Threads that preprocess the next batch while one is encoded; 0 uses none.
        keep_unfinished: Whether to store an incomplete shard when interrupted.
    """
    absent = cache.missing(keys, digests)
    done = len(keys) - len(absent)
    yield done
    batches = planned(absent, len(keys), places, batch_size, batches_per_shard)
    tasks = [i for batch in batches for i in batch.pictures]
    waiting = _Waiting(cache, keys, digests)
    try:
        with closing(prefetched(ready, tasks, workers=workers, window=batch_size)) as stream:
            for batch, after in zip_longest(batches, batches[1:]):
                good = _usable(batch, stream)
                if good:
                    waiting.add([i for i, _, _ in good], _encoded(embed, good, batch_size))
                if after is None or after.section != batch.section:
                    waiting.store()
                done += len(batch.pictures)
                yield done
    finally:
        if keep_unfinished:
            waiting.store()
        cache.settle()


class _Waiting:
    """Embedded pictures that are not in a shard yet."""

    def __init__(self, cache: EmbeddingCache, keys: Sequence[str], digests: Sequence[str]):
        self._cache, self._keys, self._digests = cache, keys, digests
        self._pictures: list[int] = []
        self._rows: list[Tensor] = []

    def add(self, pictures: list[int], rows: Tensor) -> None:
        """Add pictures with their embeddings `rows` (len(pictures), dim)."""
        self._pictures += pictures
        self._rows.append(rows)

    def store(self) -> None:
        """Write them as one shard, if there are any."""
        if not self._rows:
            return
        keys = [self._keys[i] for i in self._pictures]
        self._cache.append(keys, [self._digests[i] for i in self._pictures], torch.cat(self._rows))
        self._pictures.clear()
        self._rows.clear()


def planned(
    absent: Sequence[int],
    total: int,
    places: Sequence[int] | None,
    batch_size: int,
    batches_per_shard: int,
) -> list[Batch]:
    """Return the batches to encode, with each absent picture at its fixed position.

    Where only a part of a batch is absent, because pictures were added or changed, these pictures
    are gathered into full batches, so that a few scattered changes do not cost a batch each.
    """
    at = np.arange(total) if places is None else np.asarray(places, dtype=np.int64)
    rows = np.asarray(absent, dtype=np.int64)
    batch_of = at // batch_size
    every, size = np.unique(batch_of, return_counts=True)
    touched, size_absent = np.unique(batch_of[rows], return_counts=True)
    whole = touched[size_absent == size[np.searchsorted(every, touched)]]
    own = np.isin(batch_of[rows], whole)
    batches = []
    starts = np.searchsorted(batch_of[rows[own]], whole)
    for number, part in zip(whole, np.split(rows[own], starts[1:]), strict=False):
        slots = (at[part] % batch_size).tolist()
        batches.append(Batch(part.tolist(), slots, int(number) // batches_per_shard))
    rest = rows[~own].tolist()
    for start in range(0, len(rest), batch_size):
        part = rest[start : start + batch_size]
        section = -1 - start // (batch_size * batches_per_shard)
        batches.append(Batch(part, list(range(len(part))), section))
    return batches


def _usable(batch: Batch, stream: Iterator[Ready | None]) -> list[tuple[int, int, Ready]]:
    """Return (picture, position in the batch, preprocessed) for the pictures that can be used."""
    made = [next(stream) for _ in batch.pictures]
    rows = zip(batch.pictures, batch.slots, made, strict=True)
    return [(i, slot, x) for i, slot, x in rows if x is not None]


def _encoded(
    embed: Callable[[list[Ready]], Tensor], good: list[tuple[int, int, Ready]], batch_size: int
) -> Tensor:
    """Encode one full batch and return the embeddings of the good pictures, (len(good), dim)."""
    full = [good[-1][2]] * batch_size
    for _, slot, x in good:
        full[slot] = x
    return embed(full).detach().cpu()[[slot for _, slot, _ in good]]
