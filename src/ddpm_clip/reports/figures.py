"""The content of a report: figures, sections of figures, and what was skipped.

Every metric converts its result to these types, so that reports need no code per metric.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.reports.as_json import rounded

COLUMNS = ("figure", "value", "95 % interval", "real", "best", "n")
"""Columns of a table of figures; `Figure.cells` is one row."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with its interval and its reference value.

    Attributes:
        name: what was measured.
        value: value for the painted pictures.
        n: number of pictures behind it.
        unit: "%" for a share in [0, 1], else empty.
        interval: 95 % interval, or None.
        real: the same figure for real pictures at the same n, or None.
        better: "high", "low", or the best value, such as "50 %".
    """

    name: str
    value: float
    n: int
    unit: str = ""
    interval: tuple[float, float] | None = None
    real: float | None = None
    better: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; unknown values are left out, NaN and infinity are null."""
        interval = None if self.interval is None else [rounded(end) for end in self.interval]
        known = {
            "interval_95": interval,
            "real": rounded(self.real),
            "better": self.better,
            "unit": self.unit,
        }
        given = {name: value for name, value in known.items() if value not in (None, "")}
        return {"name": self.name, "value": rounded(self.value), "n": self.n} | given

    @property
    def cells(self) -> tuple[str, ...]:
        """The figure's row in a table with `COLUMNS`."""
        texts = (self.spoken(), self.spoken_interval(), self.spoken_real())
        return (self.name, *texts, self.better, str(self.n))

    def spoken(self) -> str:
        """Return the value as text, in its unit.

        >>> Figure("success", 0.985, 400, "%").spoken(), Figure("kid", 0.00123, 400).spoken()
        ('98.5 %', '0.00123')
        """
        return in_unit(self.value, self.unit)

    def spoken_interval(self) -> str:
        """Return the interval as text, or an empty string."""
        if self.interval is None:
            return ""
        low, high = (in_unit(end, self.unit) for end in self.interval)
        return f"{low} to {high}"

    def spoken_real(self) -> str:
        """Return the real pictures' value as text, or an empty string."""
        return "" if self.real is None else in_unit(self.real, self.unit)


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A picture to look at, and its caption."""

    image: Image.Image
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together.

    Attributes:
        name: stable name, for programs.
        title: title, for people.
        reads: one or two sentences: what the section says, and how to read it.
        figures: the main figures.
        more: figures that are folded away, such as one per prompt.
        notes: how the circumstances of this evaluation affect the figures.
        detail: the metrics' own JSON forms.
        sheet: a picture that belongs to the figures, or None.
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
    """A section or analysis that was not measured, and why; a report always names it.

    Attributes:
        name: stable name, for programs.
        title: title, for people.
        why: the reason.
        fix: what would help, or empty.
    """

    name: str
    title: str
    why: str
    fix: str = ""

    @classmethod
    def of(cls, name: str, title: str, error: DdpmClipError) -> "Skipped":
        """Return what an error prevented."""
        return cls(name, title, ": ".join(filter(None, (error.what, error.why))), error.fix)

    def reason(self) -> str:
        """Return the reason, and in brackets what would help."""
        return f"{self.why} ({self.fix})" if self.fix else self.why


def in_unit(value: float, unit: str) -> str:
    """Return a number as text."""
    if not math.isfinite(value):
        return "not a number"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value:.3g}"
