"""What a student is taught: the losses of a distillation, each a function in `METHODS`.

`trajectory` follows recorded walks: from each state of a jump to the next (as progressive
distillation, Salimans & Ho 2022, but with the teacher's own walk in place of two student's steps).
`consistency` needs their ends only: predictions from two noise levels of one picture have to agree
(Song et al. 2023), the two coming closer and closer (Geng et al. 2024).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.diffusion.jumps import jump_target, lower_level
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.registry import Registry
from ddpm_clip.training.distillation.features import Comparison
from ddpm_clip.training.distillation.walks import Walks

AT_A_CALL = 0.5
"""Share of a consistency batch at the noise levels of the calls; the rest is at any."""

SPREAD = 2.0
"""Standard deviation of the log of these other levels, whose mean is 0."""

Student = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""(x_t (b,c,h,w), t (b,), c (b,e), c_mask (b,1), scale (b,)) -> (b,c,h,w)."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What a loss is computed from.

    Attributes:
        student: the network that is trained.
        ddpm: its schedule and parameterization.
        walks: the batch: some recorded walks.
        levels: sigma/alpha of the student's calls, falling, all of them kept in the walks.
        progress: share of the training that is done.
        halving: share of the training that makes jumps between all kept states.
        compare: distance of two pictures.
        draws: random generator of this step.
    """

    student: Student
    ddpm: DDPM
    walks: Walks
    levels: tuple[float, ...]
    progress: float
    halving: float
    compare: Comparison
    draws: torch.Generator

    def x_0(self, x_t: Tensor, t: Tensor) -> Tensor:
        """Return the student's x_0 (b, c, h, w) from x_t at timesteps t (b,), with gradients."""
        mask = torch.ones(len(x_t), 1, device=x_t.device)
        ts = t.to(x_t.device, torch.float32)
        out = self.student(x_t, ts, self.walks.c, mask, self.walks.scale).float()
        return self.ddpm.parameterization.read(out, x_t, *self.levels_at(t, x_t))[1]

    def levels_at(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return alpha and sigma at t (b,), shaped to be multiplied with pictures."""
        alpha, sigma = self.ddpm.schedule.at(t)
        shape = (-1, *[1] * (like.ndim - 1))
        return alpha.to(like).view(shape), sigma.to(like).view(shape)


def trajectory(lesson: Lesson) -> Tensor:
    """Return the distance (b,) of the end of a jump from where the teacher's walk was then.

    Each walk takes one of its jumps at random. In the first part of the training these are between
    all kept states, which are easier to learn, then between those of the student's calls.
    """
    states, kept = lesson.walks.states, lesson.walks.levels
    begins = jumps(kept, lesson.levels if lesson.progress >= lesson.halving else kept)
    ends = torch.tensor([*begins[1:], len(kept)])
    b, device = len(states), states.device
    chosen = torch.randint(len(begins), (b,), generator=lesson.draws)
    i, j = torch.tensor(begins)[chosen], ends[chosen]
    timesteps = lesson.ddpm.schedule.timestep_of(torch.tensor(kept, dtype=torch.float64))
    timesteps = torch.cat([timesteps, timesteps.new_tensor([-1.0])])  # the clean picture
    rows = torch.arange(b, device=device)
    x_t, x_s = states[rows, i.to(device)], states[rows, j.to(device)]
    at_t, at_s = (lesson.levels_at(timesteps[k], x_t) for k in (i, j))
    target = jump_target(x_t, x_s, *at_t, *at_s)
    return lesson.compare(lesson.x_0(x_t, timesteps[i]), target, j == len(kept))


def jumps(kept: Sequence[float], levels: Sequence[float]) -> list[int]:
    """Return the numbers of the kept states from which the jumps between `levels` begin.

    >>> jumps([80.0, 1.0, 0.1], [80.0, 0.1])
    [0, 2]
    """
    # Not by equality: a run may be moved to a machine whose logarithms have another last bit.
    return [min(range(len(kept)), key=lambda i: abs(kept[i] / one - 1)) for one in levels]


def consistency(lesson: Lesson) -> Tensor:
    """Return the weighted distance (b,) of two predictions of one clean picture.

    Both see the same noise, at a level t and at a lower one r, whose prediction is the target; at
    r = 0 it is the picture itself. The weight 1 / (t - r) is that of Geng et al. 2024: with more on
    high levels, whose targets are predictions of predictions, the predictions run away.
    """
    x_0 = lesson.walks.states[:, -1]
    b, schedule = len(x_0), lesson.ddpm.schedule
    top = lesson.levels[0]
    level = (SPREAD * torch.randn(b, generator=lesson.draws, dtype=torch.float64)).exp()
    calls = torch.tensor(lesson.levels, dtype=torch.float64)
    chosen = calls[torch.randint(len(calls), (b,), generator=lesson.draws)]
    level = torch.where(torch.rand(b, generator=lesson.draws) < AT_A_CALL, chosen, level)
    t = schedule.timestep_of(level.clamp(max=top))
    alpha, sigma = schedule.at(t)
    level = sigma / alpha.clamp(min=1e-12)  # as in the table, which may end lower
    below = lower_level(level, lesson.progress)
    lowest = schedule.log_ratio[0].exp()
    r = torch.where(below > lowest, schedule.timestep_of(below.clamp(min=lowest)), -1.0)
    eps = torch.randn(x_0.shape, generator=lesson.draws).to(x_0)
    (alpha_t, sigma_t), (alpha_r, sigma_r) = (lesson.levels_at(k, x_0) for k in (t, r))
    x_t, x_r = alpha_t * x_0 + sigma_t * eps, alpha_r * x_0 + sigma_r * eps
    with torch.no_grad():
        clean = (r < 0).to(x_0.device)[:, None, None, None]
        target = torch.where(clean, x_0, lesson.x_0(x_r, r.clamp(min=0)))
    below = torch.where(r < 0, 0.0, below)
    weight = (1 / (level - below)).to(x_0.device, torch.float32)
    return weight * lesson.compare(lesson.x_0(x_t, t), target)


METHODS: Registry[Callable[[Lesson], Tensor]] = Registry(
    "method of distillation", {"trajectory": trajectory, "consistency": consistency}
)
"""Name -> loss of each walk of a batch (b,)."""

SAMPLERS_OF = {"trajectory": "ddim", "consistency": "consistency"}
"""The sampler that asks a student of each method; a method that is not here takes `ddim`."""
