"""Measure the guidance scale that was really used, from the predicted pictures.

Guidance sets x_0 = uncond + s (cond - uncond), so s is a slope that can be measured on the pixels
that no clamp has cut. An analysis that reports a weight measures it here instead of trusting its
own arguments.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import Guidance
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import MOST_BYTES, Recording

TOLERANCE = 0.02
"""Largest difference between the measured and the requested weight; float32 gave 2e-6 at most."""

FAINTEST = 1e-3
"""Rms of the field over the unclamped pixels below which no slope is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightCheck:
    """Requested and used guidance scales at s steps of b walks.

    Attributes:
        asked: (s, b) the scale requested by the settings and the guidance interval.
        used: (s, b) the measured scale; NaN where it cannot be measured.
    """

    asked: Tensor
    used: Tensor

    @property
    def worst(self) -> float | None:
        """The largest |used - asked|; None if nothing could be measured."""
        known = ~self.used.isnan()
        return float((self.used - self.asked)[known].abs().max()) if bool(known.any()) else None

    @property
    def wrong(self) -> bool:
        """Whether another weight was used than requested."""
        return self.worst is not None and self.worst > TOLERANCE

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "measured": int((~self.used.isnan()).sum()),
            "worst_deviation": self.worst,
            "tolerance": TOLERANCE,
        }


def check_weights(
    target: AnalysisTarget, recording: Recording, scale: float | Tensor | None = None
) -> WeightCheck:
    """Measure the weight at every recorded step.

    With rescaling or the dynamic clamp x_0 is no longer linear in s, so nothing is measured.

    Args:
        target: the target that walked.
        recording: the recording of its walk.
        scale: the requested scale, one number or one per picture; None takes the target's own.
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
    """Return (b,) the slope s of x_0 = uncond + s (cond - uncond), by least squares over pixels.

    It is NaN if the branches hardly differ.

    Args:
        x_0: (b, c, h, w) the prediction that the sampler used.
        cond: (b, c, h, w) the prediction with words, at the same x_t.
        uncond: (b, c, h, w) the prediction without words.
        edge: pixels of x_0 at or beyond this value were clamped and are left out.
    """
    free = (x_0.abs() < edge - 1e-6).flatten(1)
    along = (cond - uncond).double().flatten(1) * free
    moved = (x_0 - uncond).double().flatten(1) * free
    power = along.square().sum(1)
    enough = (power / free.sum(1).clamp(min=1)).sqrt() >= FAINTEST
    slope = (along * moved).sum(1) / power.clamp(min=1e-30)
    return torch.where(enough, slope, torch.nan)


def steps_kept(target: AnalysisTarget, n: int, steps: int, most: int = 12) -> list[int]:
    """Return evenly spaced positions of a walk, as many as a recording of n pictures can hold."""
    channels, height, width = target.image_shape
    room = MOST_BYTES // (16 * n * channels * height * width)
    count = max(1, min(most, room, steps))
    return sorted({round(i) for i in torch.linspace(0, steps - 1, count).tolist()})
