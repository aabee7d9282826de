"""What is done about a loss or gradient that is no number: skip, lower the rate, stop.

A single bad step is left out. Where several come in a row the learning rate is halved, step by
step, for the rest of the run; where that does not help either, the training stops. Nothing of a
bad step reaches the weights. Knows nothing of networks, files or warnings.
"""

from dataclasses import dataclass, field
from typing import Any

from ddpm_clip.errors import NonFiniteError

SKIPS = 3
"""Bad steps in a row that are left out, with the rate as it is."""

LOWERINGS = 3
"""More of them, each with half the rate of the one before; after them it stops."""


@dataclass(frozen=True, slots=True)
class BadStep:
    """One step that was not taken.

    Attributes:
        step: its number.
        lr: the rate that it would have had.
        loss: of the batch, as text: JSON knows no `nan`.
        gradient_norm: likewise.
        pictures: the batch, by the names that the pictures have.
    """

    step: int
    lr: float
    loss: str
    gradient_norm: str
    pictures: list[str]


@dataclass(slots=True)
class Stability:
    """How many bad steps came in a row, and how far the rate was lowered.

    Attributes:
        in_a_row: bad steps since the last good one.
        rate: by which the scheduled learning rate is multiplied.
        streak: what is known of those bad steps; of this process only.
    """

    in_a_row: int = 0
    rate: float = 1.0
    streak: list[BadStep] = field(default_factory=list)

    def went_well(self) -> None:
        """A step was taken."""
        self.in_a_row = 0
        self.streak.clear()

    def stumbled(self, bad: BadStep) -> str:
        """Count a bad step; gives what is done about it.

        Raises:
            NonFiniteError: nothing helped.
        """
        self.in_a_row += 1
        self.streak.append(bad)
        told = f"the loss is {bad.loss} at step {bad.step}, the gradient norm {bad.gradient_norm}"
        if self.in_a_row > SKIPS + LOWERINGS:
            raise NonFiniteError(
                told,
                f"as in {self.in_a_row - 1} steps before it, the last at the learning rate "
                f"{bad.lr:.2g}",
                "nan_report.json in the run names the pictures of these steps; the last checkpoint "
                "is sound; to start anew with a lower rate: --set training.lr=… --overwrite",
            )
        if self.in_a_row <= SKIPS:
            return f"{told}; this step is left out"
        self.rate /= 2
        return f"{told}; it is left out, and the learning rate is {self.rate:g} of the planned one"

    def as_dict(self) -> dict[str, Any]:
        """What a resumed run needs of it."""
        return {"in_a_row": self.in_a_row, "rate": self.rate}

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Stability":
        """The inverse of `as_dict`; {} is that of a fresh run."""
        return cls(told.get("in_a_row", 0), told.get("rate", 1.0))
