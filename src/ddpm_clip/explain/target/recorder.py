"""Walks recorded: what was seen and said at chosen rows, at no change to the pictures.

A recorder listens to the steps of a walk and hands them on. Where the walk asked one branch only
(guidance off, or outside its interval) it asks the other itself, which draws no randomness. Knows
nothing of any analysis.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.types import Step

MOST_BYTES = 256 * 2**20
"""Memory that one recording may take."""

KEPT = ("x_t", "x_0", "x_0_cond", "x_0_uncond")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A walk at chosen rows, in the order in which they were visited; on the processor.

    Attributes:
        t: (s,) rows.
        steps: (s,) their places in the walk.
        alpha, sigma: (s,) their noise levels.
        x_t: (s, b, c, h, w) what the network saw.
        x_0: (s, b, c, h, w) the picture that it foresaw, guided and clamped, as the sampler had it.
        x_0_cond, x_0_uncond: (s, b, c, h, w) of the two branches.
        x_end: (b, c, h, w) the finished pictures, not clamped.
    """

    t: tuple[float, ...]
    steps: tuple[int, ...]
    alpha: Tensor
    sigma: Tensor
    x_t: Tensor
    x_0: Tensor
    x_0_cond: Tensor
    x_0_uncond: Tensor
    x_end: Tensor

    @property
    def ratio(self) -> list[float]:
        """(s,) sigma/alpha."""
        return (self.sigma / self.alpha.clamp(min=1e-12)).tolist()

    @property
    def eps(self) -> Tensor:
        """(s, b, c, h, w) the noise that goes with `x_0`."""
        return self._noise(self.x_0)

    @property
    def eps_cond(self) -> Tensor:
        """(s, b, c, h, w) the noise of the conditional branch."""
        return self._noise(self.x_0_cond)

    @property
    def eps_uncond(self) -> Tensor:
        """(s, b, c, h, w) the noise of the other branch."""
        return self._noise(self.x_0_uncond)

    @property
    def delta(self) -> Tensor:
        """(s, b, c, h, w) what the condition changes of the foreseen picture."""
        return self.x_0_cond - self.x_0_uncond

    def _noise(self, x_0: Tensor) -> Tensor:
        alpha, sigma = (one.float().view(-1, 1, 1, 1, 1) for one in (self.alpha, self.sigma))
        return (self.x_t - alpha * x_0) / sigma


@dataclass(eq=False)
class Recorder:
    """Listens to one walk.

    >>> recorder = Recorder(target, c)  # doctest: +SKIP
    >>> for step in recorder.listen(target.walk(c)): ...  # doctest: +SKIP
    >>> recorder.recording().x_0.shape  # doctest: +SKIP

    Args:
        target: that walks.
        c: (b, e) its conditions.
        at: places in the walk (0 is pure noise, -1 the last) that are kept, in any order; None
            keeps all.
        branches: ask for both branches; without, they are those of the walk or equal to `x_0`.
        count: of the walk; None is that of the target's own settings.

    Raises:
        UsageError: more than `MOST_BYTES` would be kept, or a place is not in the walk.
    """

    target: AnalysisTarget
    c: Tensor
    at: Sequence[int] | None = None
    branches: bool = True
    count: int | None = None
    _kept: dict[str, list[Tensor]] = field(default_factory=dict, init=False)
    _rows: list[tuple[int, float]] = field(default_factory=list, init=False)
    _end: Tensor | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        count = len(self.target.timesteps()) if self.count is None else self.count
        places = range(count) if self.at is None else self.at
        if any(not -count <= i < count for i in places):
            raise UsageError(f"no such place in a walk of {count} steps: {list(places)}")
        self._places = {i % count for i in places}
        channels, height, width = self.target.image_shape
        size = 4 * len(KEPT) * len(self._places) * len(self.c) * channels * height * width
        if size > MOST_BYTES:
            raise UsageError(
                f"a recording of {len(self._places)} rows of {len(self.c)} pictures takes "
                f"{size / 2**20:.0f} MiB",
                f"at most {MOST_BYTES / 2**20:.0f} MiB are kept",
                "name fewer rows, or record fewer pictures at once",
                param="at",
            )
        self._kept = {name: [] for name in KEPT}

    def listen(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The same steps, each handed on after what is wanted of it was copied."""
        ask = self.target.branches(self.c)
        for step in steps:
            if step.i in self._places:
                cond, uncond = step.pred.x_0_cond, step.pred.x_0_uncond
                if self.branches and (cond is None or uncond is None):
                    both = ask(step.x_t, step.t)
                    cond, uncond = both.x_0_cond, both.x_0_uncond
                foreseen = step.pred.x_0
                self._keep(
                    step,
                    cond if cond is not None else foreseen,
                    uncond if uncond is not None else foreseen,
                )
            self._end = step.x_prev
            yield step

    def recording(self) -> Recording:
        """What was heard so far.

        Raises:
            UsageError: nothing was.
        """
        if self._end is None or not self._rows:
            raise UsageError("nothing was recorded", "no walk was listened to")
        places, t = zip(*self._rows, strict=True)
        alpha, sigma = self.target.schedule.at(torch.tensor(t, dtype=torch.float64))
        kept = {name: torch.stack(parts) for name, parts in self._kept.items()}
        end = self._end.detach().float().cpu().clone()
        return Recording(t, places, alpha, sigma, **kept, x_end=end)

    def _keep(self, step: Step, cond: Tensor, uncond: Tensor) -> None:
        self._rows.append((step.i, step.t))
        for name, x in zip(KEPT, (step.x_t, step.pred.x_0, cond, uncond), strict=True):
            self._kept[name].append(x.detach().float().cpu().clone())


def record(
    target: AnalysisTarget,
    c: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    at: Sequence[int] | None = None,
) -> Recording:
    """A whole walk of a target, recorded; by default its own prompt, seeds and all rows."""
    c = target.conditions(seeds=seeds) if c is None else c
    recorder = Recorder(target, c, at)
    for _ in recorder.listen(target.walk(c, seeds)):
        pass
    return recorder.recording()
