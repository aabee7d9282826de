"""A folder of one kind of picture: one dark disc on a teal ground, anywhere, of any of many sizes.

Nothing else varies, so it can be told without a judge whether a picture belongs to the folder.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from recipes import command
from torch import Tensor

from ddpm_clip import TextToImage

GROUND, TOLERANCE, SHADE = (40.0, 110.0, 120.0), 15.0, 0.55
SIDE, RADII = 64, (6.0, 13.0)
FILL = (0.55, 0.95)
"""Area of what is dark over its bounding box; of a disc it is 0.785."""


def draw_discs(folder: Path, n: int = 600, seed: int = 0) -> None:
    """Draw the folder, unless it is there."""
    if len(list(folder.glob("*.png"))) == n:
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    for i in range(n):
        ground = np.array(GROUND) + rng.uniform(-4, 4)
        radius = rng.uniform(*RADII)
        at_x, at_y = rng.uniform(radius, SIDE - 1 - radius, 2)
        inside = np.clip(radius + 0.5 - np.hypot(x - at_x, y - at_y), 0, 1)[..., None]
        pixels = ground * (1 - inside * (1 - SHADE))
        Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(folder / f"{i:04d}.png")


def trained_discs(work: Path, steps: int = 600) -> TextToImage:
    """Draw the folder and train on it with the mini-CLIP of `flowers`; a finished run is kept."""
    draw_discs(work / "discs")
    words = ["train", str(work / "discs"), "--out", str(work / "discs-run"), "--steps", str(steps)]
    clip = ["--set", "embedder.name=mini_clip", "--set", "embedder.model=flowers"]
    if code := command([*words, *clip, "--no-animation"]):
        raise SystemExit(code)
    return TextToImage.from_pretrained(str(work / "discs-run"))


def discs_found(x: Tensor) -> list[bool]:
    """Whether each picture of x (n, 3, h, w) in [-1, 1] shows one disc of a size in the folder."""
    return [_is_disc(one.numpy()) for one in (x + 1) * 127.5]


def _is_disc(pixels: np.ndarray) -> bool:
    """Judge one picture (3, h, w): ground, and what is dark on it, in pixels from 0 to 255."""
    ground = np.median(pixels.reshape(3, -1), axis=1)
    if np.abs(ground - GROUND).max() > TOLERANCE:
        return False
    dark = (pixels / ground[:, None, None]).mean(0) < (1 + SHADE) / 2
    rows, columns = dark.any(1).nonzero()[0], dark.any(0).nonzero()[0]
    if not len(rows):
        return False
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    share = dark.sum() / dark.size
    smallest, largest = (np.pi * (r / SIDE) ** 2 for r in (RADII[0] - 1, RADII[1] + 1))
    round_enough = FILL[0] < dark.sum() / (height * width) < FILL[1]
    return bool(smallest < share < largest and 0.5 < height / width < 2 and round_enough)


def real_discs(work: Path, n: int = 200) -> Tensor:
    """The first pictures of the folder (n, 3, h, w) in [-1, 1]."""
    files = sorted((work / "discs").glob("*.png"))[:n]
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
