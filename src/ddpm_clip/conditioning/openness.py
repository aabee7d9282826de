"""How much a text leaves open, along each direction of what pictures have in common with words.

A regression has one covariance of errors for all texts. But captions state a detail or leave it
open, and a text that states it leaves less to chance. So the variance of the errors is regressed on
the square of what the text predicts (the auxiliary regression of Breusch & Pagan 1979), and a draw
is as wide as its text leaves it.

A text about other things may predict ten times what any caption does. No prediction goes further
than the furthest of the captions, so that such a text is answered by a picture as there are.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.conditioning.regression import Canonical

LARGEST = 6.0
"""Squares of standardised predictions above this count as this: beyond it there are few texts."""

NARROWEST, WIDEST = 0.1, 2.0
"""Smallest and largest share of the average variance: no text is answered by a single picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Openness:
    """The variance that texts leave to chance, along each canonical direction.

    Attributes:
        axes: (m, m) maps image components to canonical variates, as `Canonical.axes`.
        back: (m, m) the inverse of axes.
        lines: (4, m) standard deviation of the predictions, slope of the variance over their
            standardised square, the average of that square, and the furthest prediction.
    """

    axes: Tensor
    back: Tensor
    lines: Tensor

    @classmethod
    def fit(cls, predictions: Tensor, errors: Tensor, canonical: Canonical) -> "Openness":
        """Regress squared errors (n, m) on squared predictions (n, m), both of image components."""
        predicted, missed = predictions @ canonical.axes, (errors @ canonical.axes).square()
        deviation = predicted.square().mean(0).sqrt().clamp(min=1e-12)
        stated = (predicted / deviation).square().clamp(max=LARGEST)
        usual = stated.mean(0)
        relative = missed / missed.mean(0).clamp(min=1e-12) - 1
        spread = (stated - usual).square().mean(0).clamp(min=1e-12)
        slope = ((stated - usual) * relative).mean(0) / spread
        slope = torch.where(canonical.known, slope, 0.0)
        lines = torch.stack([deviation, slope, usual, predicted.abs().amax(0)])
        return cls(canonical.axes.float(), canonical.back.float(), lines.float())

    def within(self, predictions: Tensor) -> Tensor:
        """Bring predictions (n, m) back to where those of the captions are, by direction."""
        reach = self.lines[3]
        held: Tensor = (predictions @ self.axes).clamp(-reach, reach) @ self.back
        return held

    def apply(self, residuals: Tensor, predictions: Tensor) -> Tensor:
        """Widen or narrow drawn residuals (n, m) as the texts of these predictions (n, m) do."""
        deviation, slope, usual, _ = self.lines
        stated = (predictions @ self.axes / deviation).square().clamp(max=LARGEST)
        share = (1 + slope * (stated - usual)).clamp(NARROWEST, WIDEST)
        widened: Tensor = residuals @ self.axes * share.sqrt() @ self.back
        return widened
