"""Curves as PNG. The only file that imports matplotlib, and only when it draws.

Leaf: imports nothing of ours.
"""

from collections.abc import Sequence
from pathlib import Path


def loss_curve(
    steps: Sequence[int], losses: Sequence[float], path: Path, *,
    heldout: tuple[Sequence[int], Sequence[float]] = ((), ()),
) -> Path:  # fmt: skip
    """Two panels, the whole run and its last half, each with the held-out loss.

    Args:
        steps: of each loss.
        losses: of the training batches; drawn pale, with their running mean.
        path: of the PNG.
        heldout: (steps, losses) of the fixed held-out set.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
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
    figure.savefig(path, dpi=110)
    return path


def _smooth(values: Sequence[float], share: float = 0.02) -> list[float]:
    """An exponential running mean over about `share` of the points."""
    weight = 1 / max(1.0, share * len(values))
    smooth: list[float] = []
    for value in values:
        smooth.append(value if not smooth else smooth[-1] + weight * (value - smooth[-1]))
    return smooth
