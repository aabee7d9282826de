"""Which guidance weight was really used: read back from the pictures that guidance made.

Guidance says x_0 = uncond + s (cond - uncond), so s is a slope, and can be measured on the pixels
that no clamp has cut. An analysis that reports a weight measures it here instead of believing its
own arguments. Knows nothing of prompts or analyses.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import Guidance
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import MOST_BYTES, Recording

TOLERANCE = 0.02
"""A measured weight may be so far from the asked one; in float32 less than 2e-6 was seen."""

FAINTEST = 1e-3
"""Rms of the field, over the pixels that count, below which it tells no slope."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightCheck:
    """Asked and used, row by row and picture by picture.

    Attributes:
        asked: (s, b) what settings and interval ask for.
        used: (s, b) what was measured; nan where it cannot be.
    """

    asked: Tensor
    used: Tensor

    @property
    def worst(self) -> float | None:
        """The largest |used - asked|; None where nothing could be measured."""
        known = ~self.used.isnan()
        return float((self.used - self.asked)[known].abs().max()) if bool(known.any()) else None

    @property
    def wrong(self) -> bool:
        """Was another weight used than was asked for?"""
        return self.worst is not None and self.worst > TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "measured": int((~self.used.isnan()).sum()),
            "worst_deviation": self.worst,
            "tolerance": TOLERANCE,
        }


def check_weights(
    target: AnalysisTarget, recording: Recording, scale: float | Tensor | None = None
) -> WeightCheck:
    """Measure the weight at every recorded row.

    Rescaling and the dynamic clamp bend the line, so with them nothing is measured.

    Args:
        target: that walked.
        recording: of its walk.
        scale: that was asked for, one number or one a picture; None is the target's own.
    """
    requested = target.guidance if scale is None else scale
    guidance, b = Guidance(requested, target.settings.interval), len(recording.x_end)
    asked = torch.stack([guidance.scales_at(ratio, b) for ratio in recording.ratio]).double()
    how = target.settings
    if how.rescale != 0 or how.clamp not in ("none", "static"):
        return WeightCheck(asked, torch.full_like(asked, torch.nan))
    edge = 1.0 if how.clamp == "static" else torch.inf
    rows = zip(recording.x_0, recording.x_0_cond, recording.x_0_uncond, strict=True)
    return WeightCheck(asked, torch.stack([weight_used(*row, edge=edge) for row in rows]))


def weight_used(x_0: Tensor, cond: Tensor, uncond: Tensor, edge: float = torch.inf) -> Tensor:
    """(b,) the slope s of x_0 = uncond + s (cond - uncond), by least squares over free pixels.

    No number where the branches hardly differ there.

    Args:
        x_0: (b, c, h, w) as the sampler had it.
        cond: (b, c, h, w) of the branch with the words, at the same x_t.
        uncond: (b, c, h, w) of the branch without.
        edge: pixels of x_0 at or beyond it were clamped, and are left out.
    """
    free = (x_0.abs() < edge - 1e-6).flatten(1)
    along = (cond - uncond).double().flatten(1) * free
    moved = (x_0 - uncond).double().flatten(1) * free
    power = along.square().sum(1)
    seen = (power / free.sum(1).clamp(min=1)).sqrt() >= FAINTEST
    slope = (along * moved).sum(1) / power.clamp(min=1e-30)
    return torch.where(seen, slope, torch.nan)


def steps_kept(target: AnalysisTarget, n: int, steps: int, most: int = 12) -> list[int]:
    """Places of a walk, evenly from first to last, that a recording of n pictures has room for."""
    channels, height, width = target.image_shape
    room = MOST_BYTES // (16 * n * channels * height * width)
    count = max(1, min(most, room, steps))
    return sorted({round(i) for i in torch.linspace(0, steps - 1, count).tolist()})
