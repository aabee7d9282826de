"""The guidance field as data, and what is found about it. Knows nothing of walks or drawing."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.explain.maths.spectrum import centroid, radial_spectrum
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.explain.verdict.prerequisite import Prerequisite
from ddpm_clip.statistics.means import Means

CASES = ("whole field", "strongest part off", "as much elsewhere off")


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The field at s rows of b walks.

    Attributes:
        ratio: (s,) sigma/alpha.
        delta: (s, b, c, h, w).
        rms: (s, b) its size, a pixel.
        turn: (s - 1, b) cosine between one row and the next.
        spectrum: (s, f) mean power at 1, 2, ... waves across the picture, summing to 1 a row.
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
    """What the test goes by; None where nobody judges or no class was asked for.

    Attributes:
        prerequisite: is the prompt followed at all?
        cosines: (s, b, k) of the field with the direction of each class.
        margin: of each picture, cosine of the whole field with the requested class's direction,
            less that with the best other one.
        odds: (3, b) log-odds of the requested class, in the order of `CASES`.
        hurt: log-odds lost by switching off the strongest pixels, less those lost elsewhere.
    """

    prerequisite: Prerequisite
    cosines: Tensor
    margin: Means
    odds: Tensor
    hurt: Means

    @property
    def more(self) -> int:
        """Pictures that lose more by their strongest pixels than by as many elsewhere."""
        return int((self.odds[2] > self.odds[1]).sum())

    @property
    def less(self) -> int:
        """Pictures that lose less; equal losses, of a judge that cannot be surer, count nowhere."""
        return int((self.odds[2] < self.odds[1]).sum())


def field_of(recording: Recording) -> Field:
    """Size, direction and frequencies of the recorded difference of the branches."""
    delta = recording.delta
    s, b = delta.shape[:2]
    flat = delta.double().flatten(2)
    power = radial_spectrum(delta.flatten(0, 1))
    by_row = power.view(s, b, -1).mean(1)
    waves = by_row[:, 1:]  # the constant, a change of brightness, is no wave
    return Field(
        recording.ratio,
        delta,
        flat.square().mean(2).sqrt(),
        F.cosine_similarity(flat[1:], flat[:-1], dim=2),
        waves / waves.sum(1, keepdim=True).clamp(min=1e-30),
        centroid(by_row),
    )
