"""The guidance field as data: size, change of direction, frequencies, and what the test uses."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.maths.spectrum import centroid, radial_spectrum
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.explain.verdict.prerequisite import Prerequisite
from ddpm_clip.statistics.means import Means

CASES = ("whole field", "strongest part off", "as much elsewhere off")
"""What acts in the three walks that the judge compares; also keys in `report.json`."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The guidance field at s steps of b walks.

    Attributes:
        ratio: (s,) sigma/alpha.
        delta: (s, b, c, h, w) the field: predicted picture with words minus that without.
        rms: (s, b) its size, rms per pixel.
        turn: (s - 1, b) cosine of the field at one step with that at the next.
        spectrum: (s, f) share of the power at 1, 2, ... waves across the picture; sums to 1.
        waves: (s,) its mean frequency, in waves across the picture.
    """

    ratio: list[float]
    delta: Tensor
    rms: Tensor
    turn: Tensor
    spectrum: Tensor
    waves: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class FieldFindings:
    """What the test uses; it takes a judge and a requested class.

    Attributes:
        prerequisite: whether the prompt is followed at all.
        cosines: (s, b, k) cosines of the field with the direction of each class.
        margin: cosine of the field, summed over the steps, with the direction of the requested
            class, minus that with the best other one; mean over pictures.
        odds: (3, b) log-odds of the requested class, in the order of `CASES`.
        hurt: log-odds lost by switching off the strongest pixels, minus those lost elsewhere.
    """

    prerequisite: Prerequisite
    cosines: Tensor
    margin: Means
    odds: Tensor
    hurt: Means

    @property
    def more(self) -> int:
        """Number of pictures that lose more without their strongest pixels than without others."""
        return int((self.odds[2] > self.odds[1]).sum())

    @property
    def less(self) -> int:
        """Number of pictures that lose less; ties, where the judge is saturated, do not count."""
        return int((self.odds[2] < self.odds[1]).sum())


def field_of(recording: Recording) -> Field:
    """Return size, change of direction and frequencies of the recorded field."""
    delta = recording.delta
    s, b = delta.shape[:2]
    flat = delta.double().flatten(2)
    power = radial_spectrum(delta.flatten(0, 1))
    by_step = power.view(s, b, -1).mean(1)
    waves = by_step[:, 1:]  # without the constant, which is a change of brightness
    return Field(
        recording.ratio,
        delta,
        flat.square().mean(2).sqrt(),
        F.cosine_similarity(flat[1:], flat[:-1], dim=2),
        waves / waves.sum(1, keepdim=True).clamp(min=1e-30),
        centroid(by_step),
    )
