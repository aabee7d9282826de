"""What an analysis hands back: panels of data, numbers, and the verdict of a test that could fail.

Data only; `explain/drawing.py` makes pictures of them. Knows nothing of models or files.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.means import means
from ddpm_clip.utils.plots import Line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Bars", "Curve", "Explanation", "Heatmap", "Line", "Panel", "Strip", "Table", "Verdict"]

Verdict = Literal["pass", "fail", "inconclusive"]
"""Of a falsification test: it held, it did not, or there was too little to tell."""

SPAN = ("mean", "low", "high")
"""Of `Means`."""

TAKEN = ("name", "title", "caption", "test", "verdict", "seconds", "panels")
"""Keys of an explanation's JSON that its numbers may not have."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Rows of small pictures.

    Attributes:
        title: in words.
        images: (rows, columns, c, h, w) in [-1, 1], one or three channels.
        row_names: one a row, or none.
        column_names: one a column, short, or none.
        note: one sentence below, or none.
    """

    title: str
    images: Tensor
    row_names: Sequence[str] = ()
    column_names: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Lines over one axis; a `Line` has label, x, y and, where measured, low and high.

    Attributes:
        title: in words.
        lines: at least one.
        xlabel, ylabel: with units.
        xscale, yscale: "linear" or "log".
        ylim: of the y axis, where it is to be fixed.
        reverse: draw the x axis from high to low, as a walk down the noise levels goes.
        note: one sentence below, or none.
    """

    title: str
    lines: Sequence[Line]
    xlabel: str = ""
    ylabel: str = ""
    xscale: str = "linear"
    yscale: str = "linear"
    ylim: tuple[float, float] | None = None
    reverse: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One bar a name, with its interval where it was measured.

    Attributes:
        title: in words.
        names: of the bars, from the top down.
        values: one a name.
        low, high: of the intervals, or none.
        xlabel: with units.
        note: one sentence below, or none.
    """

    title: str
    names: Sequence[str]
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    xlabel: str = ""
    note: str = ""


def mean_line(label: str, x: Sequence[float], values: Tensor) -> Line:
    """The mean of values (n, k) at k places x, with its interval."""
    found = means(values)
    return Line(label, list(x), found.mean.tolist(), found.low.tolist(), found.high.tolist())


def mean_bars(
    title: str, names: Sequence[str], values: Sequence[Tensor], xlabel: str, note: str = ""
) -> Bars:
    """The mean of each row of values, a name each, with its interval; rows may differ in length."""
    each = [means(row) for row in values]
    mean, low, high = ([float(getattr(one, name)) for one in each] for name in SPAN)
    return Bars(title, names, mean, low, high, xlabel, note)


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """A matrix as colours.

    Attributes:
        title: in words.
        values: (rows, columns); what is no number is left blank.
        row_names, column_names: one each, or none where the matrix is a picture.
        label: of the colours, with units.
        xlabel, ylabel: of the sides.
        numbers: write the values into the cells.
        diverging: colours that tell below 0 from above.
        note: one sentence below, or none.
    """

    title: str
    values: Tensor
    row_names: Sequence[str] = ()
    column_names: Sequence[str] = ()
    label: str = ""
    xlabel: str = ""
    ylabel: str = ""
    numbers: bool = True
    diverging: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of words and numbers.

    Attributes:
        title: in words.
        columns: their names.
        rows: as many cells each; numbers are shown with three digits.
        note: one sentence below, or none.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | int]]
    note: str = ""


Panel = Strip | Curve | Bars | Heatmap | Table


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One analysis: what it shows, the figures, and the verdict of its falsification test.

    Attributes:
        name: as in `EXPLANATIONS`.
        title: in words.
        caption: what it shows and how to read it, in plain words.
        panels: at least one.
        test: what would have made it fail, and what was found, in a sentence or two.
        verdict: of that test.
        numbers: figures for JSON, with n and intervals; plain Python values.
        seconds: that it took; 0 where nobody looked at the clock.

    Raises:
        UsageError: no panel, an unknown verdict, or numbers that JSON cannot hold.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    test: str
    verdict: Verdict
    numbers: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.verdict not in ("pass", "fail", "inconclusive") or not self.panels:
            raise UsageError(
                f"{self.name}: no explanation with the verdict {self.verdict!r} "
                f"and {len(self.panels)} panels"
            )
        clash = [key for key in self.numbers if key in TAKEN]
        if clash:
            raise UsageError(f"{self.name}: the numbers cannot have the key {clash[0]!r}")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: name, verdict, words, and the numbers beside them."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "test": self.test,
            "caption": self.caption,
            "seconds": round(self.seconds, 2),
            **{key: jsonable(value) for key, value in self.numbers.items()},
        }

    def timed(self, seconds: float) -> "Explanation":
        """The same, and how long it took."""
        return replace(self, seconds=seconds)

    def save(self, folder: str | Path) -> list[Path]:
        """Draw every panel into a folder as NAME-1.png and so on, and NAME.json beside them.

        Raises:
            CannotCreate: nothing can be written there.
        """
        from ddpm_clip.explain.drawing import save

        return save(self, Path(folder))

    def image(self) -> "Image":
        """All panels on one sheet, with the title above and the verdict below."""
        from ddpm_clip.explain.drawing import sheet

        return sheet(self)

    def show(self) -> None:
        """Show the sheet: in a notebook below the cell, elsewhere in the system's viewer."""
        from ddpm_clip.explain.drawing import show

        show(self)


def jsonable(value: Any) -> Any:
    """Tensors and tuples as lists, numbers rounded to six digits, what is no number as None.

    >>> jsonable({"a": (1, float("nan")), "b": 1 / 3})
    {'a': [1, None], 'b': 0.333333}
    """
    if isinstance(value, Tensor):
        return jsonable(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
