"""Does a painted digit have the stroke, slant or extent that was asked for? Measured, not read.

The measure is that of the captions (`data/captions/digit_shapes.py`): a seven is thick where its
stroke is wider than that of half of all real sevens. Knows nothing of painting or judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.data.captions.digit_shapes import VALUES, Spread, measured, spreads
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.tensors import to_uint8


@dataclass(frozen=True, slots=True)
class DigitMeter:
    """Knows how real digits spread.

    Attributes:
        spreads: of each digit, of each attribute.
    """

    spreads: dict[str, dict[str, Spread]]

    @classmethod
    def of(cls, pixels: Tensor, digits: Sequence[str]) -> "DigitMeter":
        """Measure real pictures (n, c, h, w) uint8 and the digit of each."""
        return cls(spreads(measured(pixels.numpy()), digits))

    def holds(self, x: Tensor, asked: Sequence[dict[str, str]]) -> list[dict[str, bool]]:
        """Of each picture and asked attribute, whether it lies on the asked side of the median.

        Args:
            x: (n, c, h, w) in [-1, 1].
            asked: of each picture, {"digit": "six", "stroke": "thick", …}.

        Raises:
            UsageError: a digit that was not measured, or an unknown attribute.
        """
        shapes = measured(to_uint8(x).numpy())
        return [
            {
                name: self._spread(facts, name).holds(name, word, shapes[name][i].item())
                for name, word in facts.items()
                if name != "digit"
            }
            for i, facts in enumerate(asked)
        ]

    def _spread(self, facts: dict[str, str], attribute: str) -> Spread:
        digit = facts.get("digit", "")
        if digit not in self.spreads or attribute not in VALUES:
            raise UsageError(
                f"cannot measure {attribute!r} of {digit!r}",
                f"measured are {', '.join(VALUES)} of {', '.join(self.spreads)}",
            )
        return self.spreads[digit][attribute]
