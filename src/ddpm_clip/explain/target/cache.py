"""What was painted once is not painted again: pictures and walks that several analyses look at.

A picture hangs on its condition, its seed and how it is walked, and on nothing that is painted
beside it, so it can be known again by these. What has been kept longest without use gives way.
Knows nothing of any analysis, nor of networks: a target with another one has another memory.
"""

from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.types import Progress, Step

ROOM = 256 * 2**20
"""Bytes of tensors that are kept."""

PLAIN = {"interval", "sampler", "steps"}
"""What a walk may have of its own, beside its scale, to be known again: not a start of its own."""

Paint = Callable[[list[int]], Generator[Progress, None, Tensor]]
"""Numbers of what is missing, in rising order -> as many rows."""


class Memory:
    """Tensors, and whatever is made of them, by what they hang on.

    Args:
        room: bytes of tensors that are kept.
    """

    def __init__(self, room: int = ROOM):
        self.room, self._held = room, 0
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def __len__(self) -> int:
        """How many things are kept."""
        return len(self._kept)

    def get(self, key: Hashable) -> Any | None:
        """What was kept, or None; what is asked for is kept longer."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def keep(self, key: Hashable, value: Any, tensors: Iterable[Tensor] = ()) -> None:
        """Keep a value that holds `tensors`; what is larger than all the room is not kept."""
        size = sum(one.nbytes for one in tensors)
        if size > self.room:
            return
        self._held += size - self._kept.pop(key, (None, 0))[1]
        self._kept[key] = (value, size)
        while self._held > self.room:
            self._held -= self._kept.popitem(last=False)[1][1]

    def rows(self, keys: Sequence[Hashable], paint: Paint) -> Generator[Progress, None, Tensor]:
        """(n, ...) a row a key; only what is not known is painted, and that once.

        Args:
            keys: n >= 1, equal where the rows are.
            paint: makes the missing ones.
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
        """The steps of a walk, and the pictures at its end: known ones, or new ones to be kept.

        Args:
            keys: of its pictures, as for `rows`.
            walk: takes it.
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
            if size <= self.room:  # one that would not be kept is not gathered either
                new.append(last)
            yield last
        assert last is not None
        if size <= self.room:
            self.keep(tuple(keys), new, _tensors(new))
        for key, x in zip(keys, last.x_prev.clamp(-1, 1), strict=True):
            self.keep(key, x.clone(), [x])


def keys_of(how: Mapping[str, Any], c: Tensor, seeds: Sequence[int]) -> list[Hashable] | None:
    """What each picture of a walk hangs on; None where it could not be known again.

    Args:
        how: it walks: `PLAIN` options and the scale of guidance, one number or one a picture.
        c: (n, e) conditions.
        seeds: n.
    """
    if how.keys() - {"scale"} != PLAIN or not isinstance(how["sampler"], str):
        return None
    same = tuple(how[name] for name in sorted(PLAIN))
    scales = torch.as_tensor(how["scale"]).expand(len(c)).tolist()
    said = [row.numpy().tobytes() for row in c.detach().cpu()]
    return [(same, *one) for one in zip(seeds, scales, said, strict=True)]


def _tensors(steps: Sequence[Step]) -> Iterator[Tensor]:
    """All tensors of a walk; that a step begins where the last one ended is counted twice."""
    for step in steps:
        pred = step.pred
        every = (step.x_t, step.x_prev, pred.eps, pred.x_0, pred.x_0_cond, pred.x_0_uncond)
        yield from (one for one in every if one is not None)
