"""The networks, and DDPM, which trains them and samples from them.

- `course_unet`: the U-Net of the course, a teaching baseline, and two variants for old weights
- `ddpm`: the forward process, the training loss and sampling
- `ema`: exponential moving average of the weights, constant decay or power-function profile
- `layers`: building blocks of the U-Net: residual block with FiLM, attention, embeddings
- `legacy_keys`: recognises weights of the earlier projects by tensor names and shapes
- `pooled_unet`: the U-Net of the earlier project that trains its own CLIP
- `scale_conditioned`: a denoiser with the guidance scale as one more input
- `sizes`: which picture sizes a network can take
- `unet`: the default U-Net: residual blocks with FiLM, attention at low resolution
"""

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
"""Name -> constructor. The last three exist to load weights of the earlier projects."""

__all__ = ["DDPM", "DENOISERS", "EMA", "CourseUNet", "UNet"]
