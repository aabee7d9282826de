"""A GIF of one picture being denoised: x_t, predicted x_0 and noise, and the effect of guidance.

Below, curves grow step by step: the judge's probability of the class, the distance between
predicted and finished picture, and how much the words change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recording
from ddpm_clip.utils.tensors import to_picture
from ddpm_clip.utils.visualization import INK, PAPER, zoom_for

SIDE, GAP, CHART = 140, 14, 120
"""In pixels: side of a picture, gap between pictures, height of a chart."""

SOFT, LINE = "#666666", "#cccccc"
COLOURS = ("#1f77b4", "#d62728", "#2ca02c")
NAMES = ("seen (x_t)", "predicted (x_0-hat)", "noise (eps-hat)", "words add (guidance)")


@dataclass(frozen=True, slots=True)
class _Series:
    """A growing curve and its highest value."""

    name: str
    values: Sequence[float]
    top: float


def frames(target: AnalysisTarget, walked: Recording, picture: int = 0) -> list[Image.Image]:
    """Return one frame per recorded step.

    Args:
        target: the target that was recorded.
        walked: the recording, with both guidance branches.
        picture: index of the picture in the batch.
    """
    tiles = [_tiles(walked, i, picture) for i in range(len(walked.t))]
    charts = _charts(target, walked, picture)
    return [_frame(target, walked, i, tile, charts, picture) for i, tile in enumerate(tiles)]


def signed(x: Tensor, most: float) -> Image.Image:
    """Draw a map (c, h, w), averaged over channels: red above 0, blue below, white at 0."""
    share = (x.mean(0) / max(most, 1e-9)).clamp(-1, 1)
    up, down = share.clamp(min=0), (-share).clamp(min=0)
    rgb = torch.stack([1 - down, 1 - up - down, 1 - up])
    return to_picture(2 * rgb - 1)


def _tiles(walked: Recording, i: int, picture: int) -> list[Image.Image]:
    seen = walked.x_t[i, picture] / (1 + 2 * float(walked.sigma[i]))
    most = float(walked.delta[:, picture].abs().max())
    small = [
        to_picture(seen),
        to_picture(walked.x_0[i, picture]),
        to_picture(walked.eps[i, picture] / 3),
        signed(walked.delta[i, picture], most),
    ]
    zoom = zoom_for(max(seen.shape[-2:]), SIDE)
    size = (seen.shape[-1] * zoom, seen.shape[-2] * zoom)
    return [one.resize(size, Image.Resampling.NEAREST).convert("RGB") for one in small]


def _charts(target: AnalysisTarget, walked: Recording, picture: int) -> list[_Series]:
    away = (walked.x_0 - walked.x_end).square().mean((2, 3, 4)).sqrt()[:, picture].tolist()
    added = walked.delta.square().mean((2, 3, 4)).sqrt()[:, picture].tolist()
    series = []
    if target.judging is not None:
        probs = target.judge(walked.x_0[:, picture].to(target.ddpm.device)).cpu()
        asked_class = int(probs[-1].argmax()) if target.asked_class is None else target.asked_class
        name = f"judged as {target.classes[asked_class]}"
        series.append(_Series(name, probs[:, asked_class].tolist(), 1.0))
    series.append(_Series("distance to the final picture", away, max(*away, 1e-9)))
    series.append(_Series("what the words add", added, max(*added, 1e-9)))
    return series


def _frame(
    target: AnalysisTarget,
    walked: Recording,
    i: int,
    tiles: Sequence[Image.Image],
    charts: Sequence[_Series],
    picture: int,
) -> Image.Image:
    wide, high = tiles[0].size
    width, top = len(tiles) * (wide + GAP) + GAP, 30
    image = Image.new("RGB", (width, top + 20 + high + GAP + 22 + CHART + GAP), PAPER)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    prompt = f"“{target.prompt}”"[:60]
    pen.text(
        (GAP, 8),
        f"{prompt}  seed {target.seeds[picture]}  step {i + 1} of {len(walked.t)}  "
        f"sigma/alpha {walked.ratio[i]:.2g}",
        INK,
        font,
    )
    for j, (tile, name) in enumerate(zip(tiles, NAMES, strict=True)):
        left = GAP + j * (wide + GAP)
        pen.text((left, top), name, SOFT, font)
        image.paste(tile, (left, top + 20))
        pen.rectangle((left - 1, top + 19, left + wide, top + 20 + high), outline=LINE)
    box = (width - GAP) // len(charts)
    for j, chart in enumerate(charts):
        at = (GAP + j * box, top + 20 + high + GAP, GAP + (j + 1) * box - GAP)
        _chart(pen, font, chart, at, i, len(walked.t), COLOURS[j])
    return image


def _chart(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    chart: _Series,
    place: tuple[int, int, int],
    i: int,
    steps: int,
    colour: str,
) -> None:
    """Draw a pale frame, and the line up to step i."""
    left, top, right = place
    floor = top + 22 + CHART
    pen.text((left, top), f"{chart.name} ({chart.values[i]:.2f})", colour, font)
    pen.line([(left, top + 22), (left, floor), (right, floor)], LINE)
    points = [
        (
            left + 4 + (right - left - 8) * j / max(1, steps - 1),
            floor - 4 - (CHART - 8) * min(1.0, max(0.0, value / chart.top)),
        )
        for j, value in enumerate(chart.values[: i + 1])
    ]
    if len(points) > 1:
        pen.line(points, colour, 2)
    x, y = points[-1]
    pen.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
