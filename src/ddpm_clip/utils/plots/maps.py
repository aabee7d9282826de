"""Draws heat maps of matrices, and points with arrows in the plane, as PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ddpm_clip.utils.plots.canvas import empty_figure, save_figure


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
    """Draw a matrix as a heat map with its numbers; the colours span the range of the values.

    Args:
        values: One row per name in `rows`, one value per name in `columns`; NaN stays blank.
        rows: Names on the left; empty if the matrix is a picture.
        columns: Names below; empty if the matrix is a picture.
        path: Path of the PNG.
        label: Label of the colour bar.
        title: Title above the plot.
        xlabel: Label below the names of the columns.
        ylabel: Label beside the names of the rows.
        numbers: Write the values into the cells.
        diverging: Use colours that distinguish negative from positive values.
    """
    across, down = len(values[0]), len(values)
    bare = not (rows or columns)
    figure = empty_figure(*((4.6, 4.0) if bare else (3.0 + 0.62 * across, 1.8 + 0.42 * down)))
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
    return save_figure(figure, path)


def compass_plot(
    points: Mapping[str, Sequence[Sequence[float]]],
    arrows: Mapping[str, Sequence[float]],
    path: Path,
    *,
    title: str = "",
) -> Path:
    """Draw points in the plane, one colour per name, and named arrows from the origin.

    Args:
        points: (x, y) pairs by name; those of the name "" are grey.
        arrows: (x, y) of each tip by name; an arrow has the colour of the points of its name.
        path: Path of the PNG.
        title: Title above the plot.
    """
    figure = empty_figure(6.4, 6.4)
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
    return save_figure(figure, path)
