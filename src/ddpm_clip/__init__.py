"""Point it at a folder of pictures without captions and get a model that paints from words.

The public names are imported on first use, so that `import ddpm_clip` is fast.
"""

from importlib import import_module
from typing import Any

from ddpm_clip.moved import serve
from ddpm_clip.utils.cpu_threads import limit_spinning

__version__ = "0.1.0"

serve()  # names of the release before
limit_spinning()  # before anything loads torch

_HOMES = {
    "TextToImage": "ddpm_clip.generation.text_to_image",
    "Config": "ddpm_clip.config.schema",
    "NoiseSchedule": "ddpm_clip.diffusion.schedules",
    "DDPM": "ddpm_clip.models.ddpm",
    "UNet": "ddpm_clip.models.unet",
    "EMA": "ddpm_clip.models.ema",
    "Conditioner": "ddpm_clip.conditioning.conditioner",
    "Run": "ddpm_clip.runs.run",
    "train": "ddpm_clip.training.loop",
    "DdpmClipError": "ddpm_clip.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ddpm_clip' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
