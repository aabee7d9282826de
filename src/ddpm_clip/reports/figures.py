"""What a report is made of: figures, sections of figures, and what was skipped.

Every metric's own result becomes these few words, so that a report is written once and not once a
metric. Knows nothing of how anything is measured or printed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.reports.as_json import rounded

COLUMNS = ("figure", "value", "95 % interval", "real", "best", "n")
"""Of a table of figures; `Figure.cells` is a row of it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with all that it takes to read it.

    Attributes:
        name: what was measured.
        value: of the painted pictures.
        n: how many pictures it rests on.
        unit: "%" for a share in [0, 1], else empty.
        interval: 95 %, or None where there is none.
        real: the same of real pictures at the same n, or None.
        better: "high", "low", or the value that is best, as "50 %".
    """

    name: str
    value: float
    n: int
    unit: str = ""
    interval: tuple[float, float] | None = None
    real: float | None = None
    better: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; what is not known is left out, what is no number is null."""
        interval = None if self.interval is None else [rounded(end) for end in self.interval]
        known = {
            "interval_95": interval,
            "real": rounded(self.real),
            "better": self.better,
            "unit": self.unit,
        }
        there = {name: value for name, value in known.items() if value not in (None, "")}
        return {"name": self.name, "value": rounded(self.value), "n": self.n} | there

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in a table, under `COLUMNS`."""
        said = (self.spoken(), self.spoken_interval(), self.spoken_real())
        return (self.name, *said, self.better, str(self.n))

    def spoken(self) -> str:
        """The value as people read it.

        >>> Figure("success", 0.985, 400, "%").spoken(), Figure("kid", 0.00123, 400).spoken()
        ('98.5 %', '0.00123')
        """
        return in_unit(self.value, self.unit)

    def spoken_interval(self) -> str:
        """The interval likewise, or nothing."""
        if self.interval is None:
            return ""
        low, high = (in_unit(end, self.unit) for end in self.interval)
        return f"{low} to {high}"

    def spoken_real(self) -> str:
        """What real pictures reach, or nothing."""
        return "" if self.real is None else in_unit(self.real, self.unit)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A picture for people to look at, and what is on it."""

    image: Image.Image
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together.

    Attributes:
        name: stable, for programs.
        title: for people.
        reads: one or two sentences: what it says, and how to read it.
        figures: what is looked at first.
        more: figures that are folded away, as one a prompt.
        notes: what this evaluation's own circumstances do to the figures.
        detail: the metrics' own JSON forms.
        sheet: what a person should see as well, where there is something.
    """

    name: str
    title: str
    reads: str
    figures: tuple[Figure, ...]
    more: tuple[Figure, ...] = ()
    notes: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)
    sheet: Sheet | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "title": self.title,
            "figures": [one.as_dict() for one in self.figures],
            "more": [one.as_dict() for one in self.more],
            "notes": list(self.notes),
            "detail": dict(self.detail),
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was not measured, and why: a section, an analysis. Never left out in silence.

    Attributes:
        name: stable, for programs.
        title: for people.
        why: in a sentence.
        fix: what would help, or nothing.
    """

    name: str
    title: str
    why: str
    fix: str = ""

    @classmethod
    def of(cls, name: str, title: str, error: DdpmClipError) -> "Skipped":
        """What an error stopped."""
        return cls(name, title, ": ".join(filter(None, (error.what, error.why))), error.fix)

    def reason(self) -> str:
        """Why, and in brackets what would help."""
        return f"{self.why} ({self.fix})" if self.fix else self.why


def in_unit(value: float, unit: str) -> str:
    """A number as people read it."""
    if not math.isfinite(value):
        return "no number"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.3g}"
