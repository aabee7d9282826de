"""Record x_t and x_0-hat at chosen steps of a walk without changing it.

A recorder copies what it needs from each step and passes the step on. Where the walk evaluated only
one branch (guidance off, or outside its interval), the recorder evaluates the other. This draws no
random numbers, so the pictures stay the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.types import Step

MOST_BYTES = 256 * 2**20
"""Memory that one recording may take at most."""

KEPT = ("x_t", "x_0", "x_0_cond", "x_0_uncond")


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A walk at s chosen steps, in the order of the walk; tensors are on the CPU.

    Attributes:
        t: (s,) timesteps.
        steps: (s,) their positions in the walk.
        alpha, sigma: (s,) their noise levels.
        x_t: (s, b, c, h, w) noisy pictures, the network's input.
        x_0: (s, b, c, h, w) predicted pictures, guided and clamped as the sampler used them.
        x_0_cond, x_0_uncond: (s, b, c, h, w) predicted pictures of the two branches.
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
        """(s, b, c, h, w) the predicted noise that belongs to `x_0`."""
        return self._noise(self.x_0)

    @property
    def eps_cond(self) -> Tensor:
        """(s, b, c, h, w) the predicted noise of the conditional branch."""
        return self._noise(self.x_0_cond)

    @property
    def eps_uncond(self) -> Tensor:
        """(s, b, c, h, w) the predicted noise of the unconditional branch."""
        return self._noise(self.x_0_uncond)

    @property
    def delta(self) -> Tensor:
        """(s, b, c, h, w) what the condition changes in the predicted picture."""
        return self.x_0_cond - self.x_0_uncond

    def _noise(self, x_0: Tensor) -> Tensor:
        alpha, sigma = (one.float().view(-1, 1, 1, 1, 1) for one in (self.alpha, self.sigma))
        return (self.x_t - alpha * x_0) / sigma


@dataclass(eq=False)
class Recorder:
    """Records one walk.

    >>> recorder = Recorder(target, c)  # doctest: +SKIP
    >>> for step in recorder.listen(target.walk(c)): ...  # doctest: +SKIP
    >>> recorder.recording().x_0.shape  # doctest: +SKIP

    Args:
        target: the target that walks.
        c: (b, e) its conditions.
        at: positions in the walk (0 is pure noise, -1 the last step) to record, in any order; None
            records all.
        branches: evaluate both branches everywhere; if False, or if the network has none, a branch
            that the walk did not evaluate is recorded as `x_0`.
        count: number of steps of the walk; None takes that of the target's settings.

    Raises:
        UsageError: the recording would take more than `MOST_BYTES`, or a position is not in the
            walk.
    """

    target: AnalysisTarget
    c: Tensor
    at: Sequence[int] | None = None
    branches: bool = True
    count: int | None = None
    _kept: dict[str, list[Tensor]] = field(default_factory=dict, init=False)
    _recorded: list[tuple[int, float]] = field(default_factory=list, init=False)
    _end: Tensor | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        count = len(self.target.timesteps()) if self.count is None else self.count
        places = range(count) if self.at is None else self.at
        if any(not -count <= i < count for i in places):
            raise UsageError(
                f"positions {list(places)} are not all in a walk of {count} steps",
                f"positions go from {-count} to {count - 1}",
                param="at",
            )
        self._places = {i % count for i in places}
        channels, height, width = self.target.image_shape
        size = 4 * len(KEPT) * len(self._places) * len(self.c) * channels * height * width
        if size > MOST_BYTES:
            raise UsageError(
                f"a recording of {len(self._places)} steps of {len(self.c)} pictures takes "
                f"{size / 2**20:.0f} MiB",
                f"the limit is {MOST_BYTES / 2**20:.0f} MiB",
                "record fewer steps, or fewer pictures at once",
                param="at",
            )
        self._kept = {name: [] for name in KEPT}

    def listen(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Yield the same steps, after copying what is recorded of each."""
        apart = self.branches and not self.target.ddpm.calls  # a few-call network has one only
        branches = self.target.branches(self.c) if apart else None
        for step in steps:
            if step.i in self._places:
                cond, uncond = step.pred.x_0_cond, step.pred.x_0_uncond
                if branches is not None and (cond is None or uncond is None):
                    both = branches(step.x_t, step.t)
                    cond, uncond = both.x_0_cond, both.x_0_uncond
                x_0 = step.pred.x_0
                self._keep(
                    step, cond if cond is not None else x_0, uncond if uncond is not None else x_0
                )
            self._end = step.x_prev
            yield step

    def recording(self) -> Recording:
        """Return what was recorded so far.

        Raises:
            UsageError: nothing was recorded.
        """
        if self._end is None or not self._recorded:
            raise UsageError("nothing was recorded", "no step went through `listen`")
        places, t = zip(*self._recorded, strict=True)
        alpha, sigma = self.target.schedule.at(torch.tensor(t, dtype=torch.float64))
        kept = {name: torch.stack(parts) for name, parts in self._kept.items()}
        end = self._end.detach().float().cpu().clone()
        return Recording(t, places, alpha, sigma, **kept, x_end=end)

    def _keep(self, step: Step, cond: Tensor, uncond: Tensor) -> None:
        self._recorded.append((step.i, step.t))
        for name, x in zip(KEPT, (step.x_t, step.pred.x_0, cond, uncond), strict=True):
            self._kept[name].append(x.detach().float().cpu().clone())


def record(
    target: AnalysisTarget,
    c: Tensor | None = None,
    seeds: Sequence[int] | None = None,
    at: Sequence[int] | None = None,
) -> Recording:
    """Record a walk of a target; by default with its own prompt and seeds, and at all steps."""
    c = target.conditions(seeds=seeds) if c is None else c
    recorder = Recorder(target, c, at)
    for _ in recorder.listen(target.walk(c, seeds)):
        pass
    return recorder.recording()
