"""Write painted pictures as files: one PNG each with its parameters inside, a grid, a GIF.

Each PNG carries two texts: `ddpm_clip`, which is JSON and authoritative, and `parameters`, the
paragraph that other tools read. File names never contain the prompt.
"""

import hashlib
import io
import json
import math
import warnings
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import ddpm_clip
from ddpm_clip.errors import CannotCreate
from ddpm_clip.generation.request import GenerationRequest, Painted, requests_for
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import to_float
from ddpm_clip.utils.visualization import encoded_gif, grid, tensor_grid
from ddpm_clip.weights.card import CARD

LONGEST_ROW = 10
"""Most pictures of a prompt in one row of grid.png; more are arranged in a square."""


@dataclass(frozen=True, slots=True)
class PaintedFile:
    """A picture on disk."""

    file: Path
    prompt: str
    seed: int
    index: int
    guidance: float

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of this picture in `--json`."""
        return asdict(self) | {"file": str(self.file.resolve())}


def paint_files(
    tti: TextToImage,
    prompts: str | Sequence[str],
    settings: Settings,
    out: Path,
    *,
    gif: bool = False,
    metadata: bool = True,
) -> Generator[Progress, None, list[PaintedFile]]:
    """Paint pictures and write them. Warn of prompts that the model's pictures do not cover.

    Args:
        tti: The model.
        prompts: One or several.
        settings: From `tti.settings`.
        out: A folder for the PNGs, grid.png and generation.gif; or a .png. If there is only one
            picture, it is written to the .png, otherwise the grid is, with the pictures in a
            folder of the same name beside it.
        gif: Whether to write the denoising GIF; with a .png, it takes the same name.
        metadata: Whether to store the parameters in the PNGs.
    """
    requests = requests_for(prompts, settings)
    tti.warn(requests, settings)
    painted = yield from tti.paint_requests(requests, settings, keep_frames=gif)
    return save_painted(
        painted,
        tti.model,
        settings,
        out,
        sheet=sheet_of(painted, settings),
        animation=_animation(painted) if gif else (),
        metadata=metadata,
    )


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
    single_file = out.suffix.lower() == ".png"
    folder = out.with_suffix("") if single_file else out
    alone = single_file and len(painted) == 1
    _make_folder(out.parent if alone else folder)
    files = [
        _save(
            one, out if alone else folder / _name(one, model, settings), model, settings, metadata
        )
        for one in painted
    ]
    if not alone:
        _write(out if single_file else folder / "grid.png", _encoded(sheet))
    if animation:
        path = out.with_suffix(".gif") if single_file else folder / "generation.gif"
        _write(path, encoded_gif(animation))
    return files


def parameters(painted: Painted, model: LoadedModel, settings: Settings) -> dict[str, Any]:
    """Return everything that the pixels depend on, as the PNG records it."""
    request, (_, height, width) = painted.request, model.image_shape
    return (
        {
            "ddpm_clip": ddpm_clip.__version__,
            "prompt": request.prompt,
            "negative": settings.negative,
            "seed": request.seed,
            "guidance": request.guidance,
            "w": request.guidance - 1,
            "steps": settings.steps,
            "sampler": settings.sampler,
            "bridge": settings.bridge or model.config.conditioning.bridge,
            "clamp": settings.clamp,
            "interval": settings.interval,
            "rescale": settings.rescale,
            "bounded": settings.bounded,
            "unconditional": settings.unconditional,
            "size": f"{width}x{height}",
            "model": model.name,
            "model_fingerprint": model.fingerprint,
            "embedder": model.config.embedder.name,
            "dtype": "float32",
            "device": str(model.device),
            "torch": torch.__version__,
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "packed": (model.folder / CARD).is_file(),
            "micro_batch": settings.batch,
            "batch": painted.batch,
            "batch_pictures": painted.size,
            "batch_guidance": painted.scales,
            "position": painted.position,
        }
        | _of_the_guide(request, settings)
        | request.facts
    )


def _of_the_guide(request: GenerationRequest, settings: Settings) -> dict[str, Any]:
    if settings.clip_guidance == 0 or not request.has_words:
        return {}
    names = ("clip_guidance", "clip_interval", "clip_travel", "clip_views")
    guide = settings.clip_guide and Path(settings.clip_guide).name  # do not record a local path
    return {name: getattr(settings, name) for name in names} | {"clip_guide": guide}


def paragraph(facts: dict[str, Any]) -> str:
    """Return the parameters as the paragraph of text that image browsers understand."""
    lines = [str(facts["prompt"])]
    lines += [f"Negative prompt: {facts['negative']}"] if facts["negative"] else []
    lines.append(
        f"Steps: {facts['steps']}, Sampler: {facts['sampler']}, CFG scale: {facts['guidance']:g}, "
        f"Seed: {facts['seed']}, Size: {facts['size']}, Model: {facts['model']}, "
        f"Model hash: {facts['model_fingerprint'][:10]}, Version: ddpm_clip {facts['ddpm_clip']}"
    )
    return "\n".join(lines)


def _name(painted: Painted, model: LoadedModel, settings: Settings) -> str:
    facts = parameters(painted, model, settings)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    return f"{painted.request.index:06d}-{painted.request.seed}-{digest}.png"


def _save(
    painted: Painted, path: Path, model: LoadedModel, settings: Settings, metadata: bool
) -> PaintedFile:
    info = PngInfo()
    if metadata:
        facts = parameters(painted, model, settings)
        info.add_itxt("parameters", paragraph(facts))
        info.add_itxt("ddpm_clip", json.dumps(facts, ensure_ascii=False))
    request = painted.request
    written = _write(path, _encoded(painted.image, info))
    return PaintedFile(written, request.prompt, request.seed, request.index, request.guidance)


def _encoded(image: Image.Image, info: PngInfo | None = None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> Path:
    """Write a file; if it exists with other content, take the next free name and warn."""
    free, number = path, 2
    while free.exists() and free.read_bytes() != data:
        free, number = path.with_stem(f"{path.stem}-{number}"), number + 1
    if free != path:
        warnings.warn(f"{path} holds another picture; the new one is {free}", stacklevel=3)
    try:
        free.write_bytes(data)
    except OSError as error:
        raise CannotCreate(
            f"cannot write {free}", str(error), "choose another --out", param="out"
        ) from error
    return free


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCreate(
            f"cannot create {folder}", str(error), "choose another --out", param="out"
        ) from error


def sheet_of(painted: Sequence[Painted], settings: Settings) -> Image.Image:
    """Arrange one row per prompt and guidance scale; many pictures of one kind form a square."""
    if len(painted) == settings.n > LONGEST_ROW:
        side = math.ceil(settings.n**0.5)
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
    frames = torch.stack([one.frames for one in painted if one.frames is not None], 1)
    columns = max(1, round(len(painted) ** 0.5))
    return [tensor_grid(to_float(frame), columns) for frame in frames]
