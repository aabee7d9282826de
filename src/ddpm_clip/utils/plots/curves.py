"""Draws loss curves, line plots and bars as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpm_clip.utils.plots.canvas import empty_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def loss_curve(
    steps: Sequence[int],
    losses: Sequence[float],
    path: Path,
    *,
    heldout: tuple[Sequence[int], Sequence[float]] = ((), ()),
) -> Path:
    """Draw the loss in two panels, the whole run and its last half, with the held-out loss.

    Args:
        steps: Step number of each loss.
        losses: Losses of the training batches; drawn pale, with their running mean.
        path: Path of the PNG.
        heldout: (steps, losses) of the fixed held-out set.
    """
    figure = empty_figure(10, 3.6)
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
    return save_figure(figure, path)


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel.

    Attributes:
        label: Legend entry; lines with the same label share a colour and one entry.
        x, y: Coordinates of the points.
        low, high: Ends of an interval around y, drawn as a pale band; empty for none.
        style: "line" with dots, "dots" alone, or "guide", a thin dashed line without dots.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    style: str = "line"


@dataclass(frozen=True, slots=True)
class Plot:
    """One pair of axes: lines or, with `bars`, horizontal bars from the top down.

    Attributes:
        title, xlabel, ylabel: Title and axis labels.
        lines: Series to draw.
        bars: (name, value) pairs by series; all series have the same names.
        spans: (low, high) of each bar of a single series, drawn as whiskers; empty for none.
        xscale, yscale: "linear" or "log".
        ylim: Fixed limits of the y axis, or None.
        reverse: Draw the x axis from high to low.
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


STYLES: dict[str, dict[str, Any]] = {
    "line": {"marker": "o", "markersize": 3.5, "linewidth": 1.6},
    "dots": {"marker": "o", "markersize": 4, "linestyle": "none", "alpha": 0.75},
    "guide": {"linestyle": "--", "linewidth": 1, "color": "0.45"},
}


def draw_plots(parts: Sequence[Plot], path: Path, *, columns: int = 2, height: float = 3.2) -> Path:
    """Draw panels in rows and columns into one PNG.

    Args:
        parts: The panels, at least one.
        path: Path of the PNG.
        columns: Largest number of panels beside each other.
        height: Height of a row in inches.
    """
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    width = 7.2 if columns == 1 else 4.6 * columns
    figure = empty_figure(width, height * rows)
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
    return save_figure(figure, path)


def _plain_numbers(axes: "Axes", part: Plot) -> None:
    """Label logarithmic axes with 0.1, 1, 2, 5, 10, … 1k instead of powers."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullLocator

    large = EngFormatter(sep="")
    for axis, scale in ((axes.xaxis, part.xscale), (axes.yaxis, part.yscale)):
        if scale == "log":
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 50 * low else (1.0,)))
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x < 1 else large(x)))
            axis.set_minor_locator(NullLocator())  # minor ticks would take half of the time


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
    """Return an exponential running mean over about `share` of the points."""
    weight = 1 / max(1.0, share * len(values))
    smooth: list[float] = []
    for value in values:
        smooth.append(value if not smooth else smooth[-1] + weight * (value - smooth[-1]))
    return smooth
