"""What an analysis shows, as data: strips of pictures, curves, bars, heat maps and tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.statistics.means import means
from ddpm_clip.utils.plots.curves import Line

SPAN = ("mean", "low", "high")
"""Of `Means`."""


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
