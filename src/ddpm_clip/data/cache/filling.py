"""Filling an embedding cache: full batches cut in one order, pictures made ready in threads.

An encoder's last bits may depend on how many rows it is given and on which of them a picture is.
So each picture has one place in one batch of full size, whoever embeds it: a whole run, one that
goes on, or one part of many. Knows no embedder: it is handed a function from pictures to
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
from ddpm_clip.data.pictures.prefetch import ahead

Ready = TypeVar("Ready")


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures encoded together: which, in which rows of the batch, and in whose shard."""

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
    """Embed what is missing; yields how many of `keys` are done, first with the ones found.

    Killed at any point, it goes on from the last shard, with the same batches and so the same
    numbers and files. Closed or interrupted, it first stores what it has; a shard may end earlier
    then, and no number changes.

    Args:
        cache: is filled, and settled at the end.
        embed: `batch_size` ready pictures -> (batch_size, dim). Where a batch has fewer, the last
            one stands in the empty rows too.
        keys: of all pictures.
        digests: content hashes of all pictures.
        ready: what `embed` takes of picture i, or None where it cannot be used; called for the
            missing ones only, in `workers` threads at once.
        places: of each picture in the whole job, rising; by default 0, 1, …
        batch_size: pictures encoded at once.
        batches_per_shard: batches between two writes.
        workers: threads that make the next batch ready while one is encoded; 0 does it in turn.
        keep_unfinished: store the beginning of a shard when interrupted.
    """
    absent = cache.missing(keys, digests)
    done = len(keys) - len(absent)
    yield done
    batches = planned(absent, len(keys), places, batch_size, batches_per_shard)
    tasks = [i for batch in batches for i in batch.pictures]
    waiting = _Waiting(cache, keys, digests)
    try:
        with closing(ahead(ready, tasks, workers=workers, window=batch_size)) as stream:
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
    """Embedded pictures that no shard holds yet."""

    def __init__(self, cache: EmbeddingCache, keys: Sequence[str], digests: Sequence[str]):
        self._cache, self._keys, self._digests = cache, keys, digests
        self._pictures: list[int] = []
        self._rows: list[Tensor] = []

    def add(self, pictures: list[int], rows: Tensor) -> None:
        """Their embeddings are `rows` (len(pictures), dim)."""
        self._pictures += pictures
        self._rows.append(rows)

    def store(self) -> None:
        """Make a shard of them, where there are any."""
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
    """Each absent picture in its own row of its own batch.

    Of batches that are there in part only (pictures were added or changed) the rest is gathered
    into full ones, so that a changed picture here and there does not cost a batch each.
    """
    at = np.arange(total) if places is None else np.asarray(places, dtype=np.int64)
    rows = np.asarray(absent, dtype=np.int64)
    batch_of = at // batch_size
    there, size = np.unique(batch_of, return_counts=True)
    asked, size_asked = np.unique(batch_of[rows], return_counts=True)
    whole = asked[size_asked == size[np.searchsorted(there, asked)]]
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
    """Picture, row of the batch and what was made ready, of those that can be used."""
    made = [next(stream) for _ in batch.pictures]
    rows = zip(batch.pictures, batch.slots, made, strict=True)
    return [(i, slot, x) for i, slot, x in rows if x is not None]


def _encoded(
    embed: Callable[[list[Ready]], Tensor], good: list[tuple[int, int, Ready]], batch_size: int
) -> Tensor:
    """The rows of a batch that are pictures of its own, (len(good), dim)."""
    full = [good[-1][2]] * batch_size
    for _, slot, x in good:
        full[slot] = x
    return embed(full).detach().cpu()[[slot for _, slot, _ in good]]
