"""Cache of pictures and walks, so that analyses that share them paint them once.

A picture depends on its condition, its seed and its sampling settings, and not on the other
pictures of its batch, so these three are its key. The least recently used entries are dropped
first. Knows nothing of networks: a target with another network needs another cache.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.types import Progress, Step

ROOM = 256 * 2**20
"""Bytes of tensors that are kept at most."""

PLAIN = {"interval", "sampler", "steps"}
"""Options, beside the scale, of a walk that can be cached; one with its own start cannot."""

Paint = Callable[[list[int]], Generator[Progress, None, Tensor]]
"""Indices of the missing rows, in rising order -> as many rows."""


class Memory:
    """A least-recently-used cache of tensors, and of values computed from them.

    Args:
        room: bytes of tensors that are kept at most.
    """

    def __init__(self, room: int = ROOM):
        self.room, self._held = room, 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._kept)

    def get(self, key: Hashable) -> Any | None:
        """Return the cached value or None, and mark it as recently used."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def keep(self, key: Hashable, value: Any, tensors: Iterable[Tensor] = ()) -> None:
        """Keep a value that holds `tensors`, unless it is larger than the whole cache."""
        size = sum(one.nbytes for one in tensors)
        if size > self.room:
            return
        self._held += size - self._kept.pop(key, (None, 0))[1]
        self._kept[key] = (value, size)
        while self._held > self.room:
            self._held -= self._kept.popitem(last=False)[1][1]

    def rows(self, keys: Sequence[Hashable], paint: Paint) -> Generator[Progress, None, Tensor]:
        """Return (n, ...) one row per key; rows that are not cached are painted, each once.

        Args:
            keys: n >= 1 keys; equal keys stand for equal rows.
            paint: paints the missing rows.
        """
        known: dict[Hashable, Any] = {key: self.get(key) for key in keys}
        first: dict[Hashable, int] = {}
        for i, key in enumerate(keys):
            if known[key] is None:
                first.setdefault(key, i)
        if first:
            made = yield from paint(list(first.values()))
            for key, row in zip(first, made, strict=True):
                known[key] = row.clone()  # a view would hold the whole batch
                self.keep(key, known[key], [row])
        return torch.stack([known[key] for key in keys])

    def steps(self, keys: Sequence[Hashable], walk: Callable[[], Iterator[Step]]) -> Iterator[Step]:
        """Yield the steps of a walk from the cache, or take the walk and cache its steps.

        The finished pictures are cached as well, as rows.

        Args:
            keys: keys of its pictures, as for `rows`.
            walk: takes the walk.
        """
        kept: list[Step] | None = self.get(tuple(keys))
        if kept is not None:
            yield from kept
            return
        new: list[Step] = []
        size = 0
        last: Step | None = None
        for last in walk():
            size += sum(one.nbytes for one in _tensors([last]))
            if size <= self.room:  # do not collect a walk that is too large to be cached
                new.append(last)
            yield last
        assert last is not None
        if size <= self.room:
            self.keep(tuple(keys), new, _tensors(new))
        for key, x in zip(keys, last.x_prev.clamp(-1, 1), strict=True):
            self.keep(key, x.clone(), [x])


def keys_of(how: Mapping[str, Any], c: Tensor, seeds: Sequence[int]) -> list[Hashable] | None:
    """Return the cache key of each picture of a walk; None if the walk cannot be cached.

    Args:
        how: options of the walk: `PLAIN` ones, and the guidance scale, one number or one per
            picture.
        c: (n, e) conditions.
        seeds: n random seeds.
    """
    if how.keys() - {"scale"} != PLAIN or not isinstance(how["sampler"], str):
        return None
    same = tuple(how[name] for name in sorted(PLAIN))
    scales = torch.as_tensor(how["scale"]).expand(len(c)).tolist()
    conditions = [row.numpy().tobytes() for row in c.detach().cpu()]
    return [(same, *one) for one in zip(seeds, scales, conditions, strict=True)]


def _tensors(steps: Sequence[Step]) -> Iterator[Tensor]:
    """Yield all tensors of a walk; x_prev of a step and x_t of the next one both count."""
    for step in steps:
        pred = step.pred
        every = (step.x_t, step.x_prev, pred.eps, pred.x_0, pred.x_0_cond, pred.x_0_uncond)
        yield from (one for one in every if one is not None)
