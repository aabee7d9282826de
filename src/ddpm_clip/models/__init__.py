"""The networks, and DDPM, which trains and samples them.

- `course_unet`: the seeds' course network, block for block: the teaching baseline, and two that
  were trained
- `ddpm`: DDPM: a schedule, what the network predicts on it, its loss, and the walk back
- `ema`: an exponential moving average of the weights, with a profile that fits every run length
- `layers`: blocks of the U-Net: normalisation, residual block with FiLM, attention, embeddings
- `legacy_keys`: weights that the earlier projects trained, told by the names and shapes of their
  tensors
- `pooled_unet`: the network of the seed that trains its own CLIP: pooling, skips, time and words
  added a block
- `unet`: the U-Net that ships: residual blocks, FiLM, attention where the map is small, skips
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
"""Name -> maker. The last three are for weights that other projects trained."""

__all__ = ["DDPM", "DENOISERS", "EMA", "CourseUNet", "UNet"]
