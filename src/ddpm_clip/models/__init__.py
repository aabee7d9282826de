"""The networks, and DDPM which trains and walks them."""

from collections.abc import Callable
from typing import Any

from ddpm_clip.models.course_unet import CourseUNet, dli_unet, xnoise_unet
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.models.ema import EMA
from ddpm_clip.models.pooled_unet import PooledUNet
from ddpm_clip.models.unet import UNet
from ddpm_clip.registry import Registry

DENOISERS: Registry[Callable[..., Any]] = Registry(
    "network",
    {
        "unet": UNet,
        "course_unet": CourseUNet,
        "dli_unet": dli_unet,
        "xnoise_unet": xnoise_unet,
        "pooled_unet": PooledUNet,
    },
)
"""Name -> maker. The last three are for weights that other projects trained."""

__all__ = ["DDPM", "DENOISERS", "EMA", "CourseUNet", "UNet"]
