"""Paint into files: one PNG per picture, a grid, a GIF."""

import math
from collections.abc import Generator, Sequence
from itertools import groupby
from pathlib import Path

import torch
from PIL import Image

from ddpm_clip.generation.picture_folder import PaintedFile, PictureFolder
from ddpm_clip.generation.request import Painted, requests_for
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import to_float
from ddpm_clip.utils.visualization import grid, tensor_grid

LONGEST_ROW = 10
"""Most pictures of a prompt in one row of grid.png; more are arranged in a square."""


def paint_files(
    tti: TextToImage,
    prompts: str | Sequence[str],
    settings: Settings,
    out: Path | PictureFolder,
    *,
    gif: bool = False,
    metadata: bool = True,
) -> Generator[Progress, None, list[PaintedFile]]:
    """Paint pictures and write each batch. Warn of prompts that the model's pictures do not cover.

    If it was stopped before its end, the same call paints only what is missing. Memory does not
    grow with the number of pictures, beyond what the grid and the GIF show.

    Args:
        tti: The model.
        prompts: One or several.
        settings: From `tti.settings`.
        out: A folder for the PNGs, grid.png and generation.gif; or a .png. If there is only one
            picture, it is written to the .png, otherwise the grid is, with the pictures in a
            folder of the same name beside it. Or a `PictureFolder`.
        gif: Whether to write the denoising GIF; with a .png, it takes the same name.
        metadata: Whether to store the parameters in the PNGs.
    """
    requests = requests_for(prompts, settings)
    tti.warn(requests, settings)
    folder = out
    if not isinstance(folder, PictureFolder):
        folder = PictureFolder(folder, tti.model, settings, metadata=metadata)
    work = tti.writing_to(folder).paint_requests(requests, settings, keep_frames=gif)
    painted = yield from work
    folder.finish(sheet_of(painted, settings), _animation(painted) if gif else ())
    return folder.files


def save_painted(
    painted: Sequence[Painted],
    model: LoadedModel,
    settings: Settings,
    out: Path,
    *,
    sheet: Image.Image,
    animation: Sequence[Image.Image] = (),
    metadata: bool = True,
) -> list[PaintedFile]:
    """Write finished pictures.

    Args:
        painted: At least one picture.
        model: The model that painted them.
        settings: The settings they were painted with.
        out: As for `paint_files`.
        sheet: The picture that becomes the grid.
        animation: Frames of the GIF; if empty, no GIF is written.
        metadata: Whether to store the parameters in the PNGs.

    Raises:
        CannotCreate: Nothing can be written there.
    """
    folder = PictureFolder(out, model, settings, metadata=metadata)
    folder.begin([one.request for one in painted])
    folder.keep(list(painted))
    folder.finish(sheet, animation)
    return folder.files


def sheet_of(painted: Sequence[Painted], settings: Settings) -> Image.Image:
    """Arrange one row per prompt and guidance scale; many pictures of one kind form a square."""
    kinds = {(one.request.prompt, one.request.guidance) for one in painted}
    if LONGEST_ROW < len(painted) <= settings.n and len(kinds) == 1:
        side = math.ceil(len(painted) ** 0.5)
        pictures = [one.image for one in painted]
        return grid([pictures[i : i + side] for i in range(0, len(pictures), side)])
    rows, names = [], []
    for (prompt, scale), group in groupby(
        painted, key=lambda one: (one.request.prompt, one.request.guidance)
    ):
        rows.append([one.image for one in group])
        names.append(prompt if len(settings.guidance) == 1 else f"{prompt} · s = {scale:g}")
    return grid(rows, row_names=names)


def _animation(painted: Sequence[Painted]) -> list[Image.Image]:
    """Return frames with all pictures side by side: the predicted x_0 at each step."""
    kept = [one.frames for one in painted if one.frames is not None]
    frames = torch.stack(kept, 1)
    columns = max(1, round(len(kept) ** 0.5))
    return [tensor_grid(to_float(frame), columns) for frame in frames]
