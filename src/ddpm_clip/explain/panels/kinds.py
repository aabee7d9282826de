"""The kinds of panel, as data: strips of pictures, curves, bars, heat maps and tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from ddpm_clip.statistics.means import means
from ddpm_clip.utils.plots.curves import Line

SPAN = ("mean", "low", "high")
"""The attributes of `Means` that a bar shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Rows of small pictures.

    Attributes:
        title: title of the panel.
        images: (rows, columns, c, h, w) in [-1, 1], one or three channels.
        row_names: one name per row, or empty.
        column_names: one short name per column, or empty.
        note: one sentence below the panel, or empty.
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
        title: title of the panel.
        lines: at least one line.
        xlabel, ylabel: axis labels, with units.
        xscale, yscale: "linear" or "log".
        ylim: limits of the y axis, or None.
        reverse: draw the x axis from high to low, as sampling goes down the noise levels.
        note: one sentence below the panel, or empty.
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
    """Bars with a name each, and intervals where measured.

    Attributes:
        title: title of the panel.
        names: names of the bars, from the top down.
        values: one value per name.
        low, high: ends of the intervals, or empty.
        xlabel: axis label, with units.
        note: one sentence below the panel, or empty.
    """

    title: str
    names: Sequence[str]
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    xlabel: str = ""
    note: str = ""


def mean_line(label: str, x: Sequence[float], values: Tensor) -> Line:
    """Return the mean of values (n, k) at k positions x, with its interval, as a line."""
    found = means(values)
    return Line(label, list(x), found.mean.tolist(), found.low.tolist(), found.high.tolist())


def mean_bars(
    title: str, names: Sequence[str], values: Sequence[Tensor], xlabel: str, note: str = ""
) -> Bars:
    """Return bars of the mean of each row of values, with intervals; rows may differ in length."""
    each = [means(row) for row in values]
    mean, low, high = ([float(getattr(one, name)) for one in each] for name in SPAN)
    return Bars(title, names, mean, low, high, xlabel, note)


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """A matrix as colours.

    Attributes:
        title: title of the panel.
        values: matrix (rows, columns); NaN is left blank.
        row_names, column_names: one name each, or empty if the matrix is a picture.
        label: label of the colour scale, with units.
        xlabel, ylabel: labels of the sides.
        numbers: write the values into the cells.
        diverging: use different colours below and above 0.
        note: one sentence below the panel, or empty.
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
        title: title of the panel.
        columns: names of the columns.
        rows: as many cells each as columns; numbers are shown with three digits.
        note: one sentence below the panel, or empty.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | int]]
    note: str = ""


Panel = Strip | Curve | Bars | Heatmap | Table
