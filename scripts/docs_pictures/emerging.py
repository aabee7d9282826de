"""Digits and flowers emerging from noise, as a GIF: what the network sees, and what it predicts."""

import textwrap
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from PIL import Image, ImageDraw
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.utils.tensors import to_picture
from ddpm_clip.utils.visualization import save_gif
from docs_pictures.paper import INK, PAPER, SOFT, enlarged, few_colours, font

PROMPTS = {
    "digits": ("a two", "a three", "a six", "a nine"),
    "flowers": ("a red rose", "an orange sunflower", "a white daisy", "a blue violet"),
}
STEPS, ZOOM, GAP, LINE = 20, 3, 4, 24
"""Steps of a walk, pixels of a pixel, between two pictures, and of a line of words."""

ROWS = (
    "The picture so far: noise, and less of it at every step",
    "The finished picture that the network predicts from it",
)
MILLISECONDS, HOLD = 160, 3500
COLOURS = 112
"""Of the one palette, those of the last frame: with more of them noise takes more room."""

Frame = list[tuple[Tensor, Tensor]]
"""(noisy, predicted) of every column."""


def emerging(path: Path) -> Path:
    """Seed 0 of eight prompts, 20 steps, and the finished pictures held for a while."""
    walks = [_walk(name, prompts) for name, prompts in PROMPTS.items()]
    frames = [_frame([*chain(*parts)], i) for i, parts in enumerate(zip(*walks, strict=True))]
    palette = few_colours(frames[-1], COLOURS)
    small = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    return save_gif(small, path, interval=MILLISECONDS, hold=HOLD)


def _walk(model: str, prompts: Sequence[str]) -> list[Frame]:
    """A frame a step, and one of the finished pictures; noise is faded to the greys of a screen."""
    frames: list[Frame] = []
    for step in TextToImage.from_pretrained(model).walk(prompts, n=1, seed=0, steps=STEPS):
        spread = step.x_t.std(dim=(1, 2, 3), keepdim=True)
        faded = step.x_t / (2.5 * spread).clamp(min=1.25)
        frames.append(list(zip(faded, step.pred.x_0, strict=True)))
    return [*frames, list(zip(step.x_prev, step.x_prev, strict=True))]


def _frame(columns: Frame, i: int) -> Image.Image:
    sides = [noisy.shape[-1] * ZOOM for noisy, _ in columns]
    tall, width = max(sides), sum(sides) + GAP * (len(sides) - 1)
    sheet = Image.new("RGB", (width, 2 * (LINE + tall) + LINE // 2 + 2 * LINE), PAPER)
    pen = ImageDraw.Draw(sheet)
    said = f"step {i + 1} of {STEPS}" if i < STEPS else "finished"
    pen.text((width, 3), said, SOFT, font(14), anchor="ra")
    for row, name in enumerate(ROWS):
        top = row * (LINE + tall + LINE // 2)
        pen.text((0, top + 3), name, INK, font(14, bold=True))
        _row(sheet, [pair[row] for pair in columns], sides, top + LINE)
    left = 0
    for side, prompt in zip(sides, chain(*PROMPTS.values()), strict=True):
        words = "\n".join(textwrap.wrap(prompt, 11))
        place = (left + side / 2, sheet.height - 2 * LINE + 6)
        pen.multiline_text(place, words, SOFT, font(13), anchor="ma", align="center")
        left += side + GAP
    return sheet


def _row(sheet: Image.Image, pictures: Sequence[Tensor], sides: Sequence[int], top: int) -> None:
    left, tall = 0, max(sides)
    for x, side in zip(pictures, sides, strict=True):
        sheet.paste(enlarged(to_picture(x), side), (left, top + tall - side))
        left += side + GAP
