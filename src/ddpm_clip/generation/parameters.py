"""What a picture records of how it was painted, and the file name that follows from it.

Each PNG carries two texts: `ddpm_clip`, which is JSON and authoritative, and `parameters`, the
paragraph that other tools read. File names never contain the prompt.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from PIL.PngImagePlugin import PngInfo

import ddpm_clip
from ddpm_clip.generation.request import GenerationRequest, Painted
from ddpm_clip.generation.settings import Settings
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.weights.card import CARD


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


def file_name(facts: dict[str, Any], painted: Painted) -> str:
    """Return index, seed and a hash of all parameters: equal names mean equal pixels."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    return f"{painted.request.index:06d}-{painted.request.seed}-{digest}.png"


def texts_of(facts: dict[str, Any]) -> PngInfo:
    """Return both texts of a PNG."""
    info = PngInfo()
    info.add_itxt("parameters", paragraph(facts))
    info.add_itxt("ddpm_clip", json.dumps(facts, ensure_ascii=False))
    return info
