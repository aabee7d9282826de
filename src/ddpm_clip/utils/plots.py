"""Curves as PNG. The only file that imports matplotlib, and only when it draws.

Leaf: imports nothing of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_curve(
    steps: Sequence[int],
    losses: Sequence[float],
    path: Path,
    *,
    heldout: tuple[Sequence[int], Sequence[float]] = ((), ()),
) -> Path:
    """Two panels, the whole run and its last half, each with the held-out loss.

    Args:
        steps: of each loss.
        losses: of the training batches; drawn pale, with their running mean.
        path: of the PNG.
        heldout: (steps, losses) of the fixed held-out set.
    """
    figure = _figure(10, 3.6)
    half = len(steps) // 2
    for place, (title, start) in enumerate((("whole run", 0), ("last half", half)), start=1):
        axes = figure.add_subplot(1, 2, place)
        axes.plot(steps[start:], losses[start:], color="0.8", linewidth=0.7, label="batch")
        axes.plot(steps[start:], _smooth(losses)[start:], color="C0", label="running mean")
        shown = [
            (s, v) for s, v in zip(*heldout, strict=True) if s >= (steps[start] if steps else 0)
        ]
        if shown:
            axes.plot(*zip(*shown, strict=True), "o-", color="C3", markersize=3, label="held out")
        axes.set(title=title, xlabel="step", ylabel="loss")
        if start == 0 and losses and min(losses) > 0:
            axes.set_yscale("log")
        axes.legend(frameon=False)
    return _saved(figure, path)


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel.

    Attributes:
        label: for the legend; lines of equal label share a colour and one entry.
        x, y: the points.
        low, high: of an interval around y, drawn as a pale band; empty for none.
        style: "line" with dots, "dots" alone, or "guide", a thin dashed line without dots.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    style: str = "line"


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes: lines or, with `bars`, horizontal bars from the top down.

    Attributes:
        title, xlabel, ylabel: in words.
        lines: of the panel.
        bars: (name, value) pairs, a series each; all series have the same names.
        spans: (low, high) of each bar of a single series, drawn as whiskers; empty for none.
        xscale, yscale: "linear" or "log".
        ylim: of the y axis, where it is to be fixed.
        reverse: draw the x axis from high to low.
    """

    title: str
    xlabel: str = ""
    ylabel: str = ""
    lines: Sequence[Line] = ()
    bars: dict[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    xscale: str = "linear"
    yscale: str = "linear"
    ylim: tuple[float, float] | None = None
    spans: Sequence[tuple[float, float]] = ()
    reverse: bool = False


DPI = 110
"""Pixels of an inch."""

STYLES: dict[str, dict[str, Any]] = {
    "line": {"marker": "o", "markersize": 3.5, "linewidth": 1.6},
    "dots": {"marker": "o", "markersize": 4, "linestyle": "none", "alpha": 0.75},
    "guide": {"linestyle": "--", "linewidth": 1, "color": "0.45"},
}


def panels(parts: Sequence[Panel], path: Path, *, columns: int = 2, height: float = 3.2) -> Path:
    """Panels beside and below each other, as one PNG.

    Args:
        parts: at least one.
        path: of the PNG.
        columns: at most so many beside each other.
        height: of a row, in inches.
    """
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    width = 7.2 if columns == 1 else 4.6 * columns
    figure = _figure(width, height * rows)
    for place, part in enumerate(parts, start=1):
        axes = figure.add_subplot(rows, columns, place)
        _lines(axes, part.lines)
        _bars(axes, part.bars, part.spans)
        axes.set(title=part.title, xlabel=part.xlabel, ylabel=part.ylabel)
        if part.ylim:
            axes.set_ylim(*part.ylim)
        if part.lines:
            axes.set(xscale=part.xscale, yscale=part.yscale)
            _plain_numbers(axes, part)
            axes.xaxis.set_inverted(part.reverse)
        axes.grid(True, color="0.92", axis="x" if part.bars else "both")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if len(axes.get_legend_handles_labels()[0]) > 1:
            axes.legend(frameon=False, fontsize="small")
    return _saved(figure, path)


def _plain_numbers(axes: "Axes", part: Panel) -> None:
    """On logarithmic axes 0.1, 1, 2, 5, 10, … 1k instead of powers."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

    large = EngFormatter(sep="")
    for axis, scale in ((axes.xaxis, part.xscale), (axes.yaxis, part.yscale)):
        if scale == "log":
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x < 1 else large(x)))
            axis.set_minor_locator(NullLocator())  # bare ticks take half of the drawing's time


def _lines(axes: "Axes", lines: Sequence[Line]) -> None:
    colours: dict[str, str] = {}
    for line in lines:
        first = line.label not in colours
        style = dict(STYLES[line.style])
        own = f"C{sum(v != style.get('color') for v in colours.values())}"
        colour = colours.setdefault(line.label, style.pop("color", own))
        label = line.label if first else None
        axes.plot(line.x, line.y, color=colour, label=label, **style)
        if len(line.low):
            axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.12, linewidth=0)


def _bars(
    axes: "Axes",
    series: dict[str, Sequence[tuple[str, float]]],
    spans: Sequence[tuple[float, float]] = (),
) -> None:
    if not series:
        return
    thick = 0.8 / len(series)
    for number, (label, pairs) in enumerate(series.items()):
        places = [i + (number - (len(series) - 1) / 2) * thick for i in range(len(pairs))]
        values = [value for _, value in pairs]
        axes.barh(places, values, thick * 0.92, color=f"C{number}", label=label)
        ends = spans or [(value, value) for value in values]
        axes.hlines(places, *zip(*ends, strict=True), color="0.25", linewidth=1.2 if spans else 0)
        for place, value, (low, high) in zip(places, values, ends, strict=True):
            at, away, side = (high, 3, "left") if value >= 0 else (low, -3, "right")
            axes.annotate(
                f"{value:.3g}",
                (at, place),
                (away, 0),
                textcoords="offset points",
                va="center",
                ha=side,
                fontsize="small",
            )
    names = [name for name, _ in next(iter(series.values()))]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.12)


def _smooth(values: Sequence[float], share: float = 0.02) -> list[float]:
    """An exponential running mean over about `share` of the points."""
    weight = 1 / max(1.0, share * len(values))
    smooth: list[float] = []
    for value in values:
        smooth.append(value if not smooth else smooth[-1] + weight * (value - smooth[-1]))
    return smooth


def heat_map(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    path: Path,
    *,
    label: str = "",
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    numbers: bool = True,
    diverging: bool = False,
) -> Path:
    """A matrix as colours, with its numbers; the colours span the values that are there.

    Args:
        values: a row a name in `rows`, a value a name in `columns`; what is no number stays blank.
        rows: names on the left; none where the matrix is a picture.
        columns: names below; the same.
        path: of the PNG.
        label: of the colours.
        title: above it.
        xlabel: below the columns' names.
        ylabel: beside the rows' names.
        numbers: write the values into the cells.
        diverging: colours that tell below 0 from above.
    """
    across, down = len(values[0]), len(values)
    bare = not (rows or columns)
    figure = _figure(*((4.6, 4.0) if bare else (3.0 + 0.62 * across, 1.8 + 0.42 * down)))
    axes = figure.add_subplot()
    flat = [value for row in values for value in row if value == value] or [0.0]
    low, high = min(flat), max(flat)
    if diverging:
        low, high = -max(-low, high), max(-low, high)
    drawn = axes.imshow(
        values,
        cmap="RdBu_r" if diverging else "viridis",
        vmin=low,
        vmax=high,
        aspect="equal" if bare else "auto",
    )
    figure.colorbar(drawn, ax=axes, label=label)
    axes.set_yticks(range(len(rows)), [name[:40] for name in rows])
    axes.set_xticks(range(len(columns)), [name[:24] for name in columns], rotation=45, ha="right")
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    for i, row in enumerate(values if numbers and not bare else ()):
        for j, value in enumerate(row):
            dark = abs(value) > 0.6 * high if diverging else value < (low + high) / 2
            text = f"{value:.2f}" if value == value else ""
            axes.text(
                j, i, text, ha="center", va="center", color="white" if dark else "black", fontsize=7
            )
    return _saved(figure, path)


def compass_plot(
    points: Mapping[str, Sequence[Sequence[float]]],
    arrows: Mapping[str, Sequence[float]],
    path: Path,
    *,
    title: str = "",
) -> Path:
    """Points in the plane, a colour a name, and arrows from the middle with their names.

    Args:
        points: (x, y) pairs of each name; "" is grey and not named.
        arrows: the tip of each; one of a points' name has its colour.
        path: of the PNG.
        title: above it.
    """
    figure = _figure(6.4, 6.4)
    axes = figure.add_subplot()
    named = [name for name in dict.fromkeys([*arrows, *points]) if name]
    colours = {name: f"C{i % 10}" for i, name in enumerate(named)}
    for name, pairs in points.items():
        x, y = zip(*pairs, strict=True)
        axes.scatter(x, y, s=7, alpha=0.45, linewidths=0, color=colours.get(name, "0.6"))
    for name, tip in arrows.items():
        style = {"arrowstyle": "-|>", "color": colours[name], "linewidth": 1.6}
        axes.annotate("", (tip[0], tip[1]), (0, 0), arrowprops=style)
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
        place = (1.1 * tip[0], 1.1 * tip[1])
        axes.text(*place, name[:24], ha="center", va="center", fontsize=9, bbox=paper)
    axes.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    axes.axvline(0, color="0.85", linewidth=0.8, zorder=0)
    axes.set_aspect("equal")
    axes.set(title=title)
    axes.margins(0.12)
    return _saved(figure, path)


def _figure(width: float, height: float) -> "Figure":
    """An empty one, in inches, that can be drawn without a screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def _saved(figure: "Figure", path: Path) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    # once, where savefig would lay everything out a second time
    canvas.draw()  # type: ignore[no-untyped-call]
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    Image.fromarray(pixels[..., :3]).save(path, "PNG")
    return path
