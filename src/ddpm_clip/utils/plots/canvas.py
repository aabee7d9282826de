"""Makes an empty figure that needs no screen, and saves a figure as PNG."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ddpm_clip.utils.visualization import save_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
"""Pixels per inch."""


def empty_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of a size in inches that can be drawn without a screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def save_figure(figure: "Figure", path: Path) -> Path:
    """Draw a figure into a PNG, creating its folder, and return the path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    # savefig would compute the layout a second time
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return save_png(Image.fromarray(pixels[..., :3]), path)
