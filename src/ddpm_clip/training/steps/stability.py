"""What happens if a loss or gradient is NaN or infinite: skip, lower the rate, stop.

A single bad step is skipped. If several come in a row, the learning rate is halved for the rest of
the run, repeatedly if necessary; if that does not help either, the training stops. A bad step never
changes the weights.
"""

from dataclasses import dataclass, field
from typing import Any

from ddpm_clip.errors import NonFiniteError

SKIPS = 3
"""Number of bad steps in a row that are skipped at the same learning rate."""

LOWERINGS = 3
"""Number of further bad steps in a row, each of which halves the rate, before training stops."""


@dataclass(frozen=True, slots=True)
class BadStep:
    """A step that was skipped.

    Attributes:
        step: number of the step.
        lr: its learning rate.
        loss: its loss, as text because JSON has no `nan`.
        gradient_norm: its gradient norm, as text.
        pictures: names of the pictures in the batch.
    """

    step: int
    lr: float
    loss: str
    gradient_norm: str
    pictures: list[str]


@dataclass(slots=True)
class Stability:
    """Number of bad steps in a row, and how far the learning rate was lowered.

    Attributes:
        in_a_row: number of bad steps since the last good one.
        rate: factor by which the scheduled learning rate is multiplied.
        streak: those bad steps, as seen by this process.
    """

    in_a_row: int = 0
    rate: float = 1.0
    streak: list[BadStep] = field(default_factory=list)

    def went_well(self) -> None:
        """Record that a step was taken."""
        self.in_a_row = 0
        self.streak.clear()

    def stumbled(self, bad: BadStep) -> str:
        """Record a bad step; return a message that says what is done about it.

        Raises:
            NonFiniteError: skipping and lowering the rate did not help.
        """
        self.in_a_row += 1
        self.streak.append(bad)
        what = f"the loss is {bad.loss} at step {bad.step}, the gradient norm {bad.gradient_norm}"
        if self.in_a_row > SKIPS + LOWERINGS:
            raise NonFiniteError(
                what,
                f"as in the {self.in_a_row - 1} steps before, the last at the learning rate "
                f"{bad.lr:.2g}",
                "nan_report.json in the run names the pictures of these steps; the last checkpoint "
                "is sound; restart with a lower rate: --set training.lr=… --overwrite",
            )
        if self.in_a_row <= SKIPS:
            return f"{what}; this step is skipped"
        self.rate /= 2
        return f"{what}; it is skipped, and the learning rate is now {self.rate:g} of the planned"

    def as_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"in_a_row": self.in_a_row, "rate": self.rate}

    @classmethod
    def of(cls, saved: dict[str, Any]) -> "Stability":
        """Build from what `as_dict` returned; {} for a new run."""
        return cls(saved.get("in_a_row", 0), saved.get("rate", 1.0))
