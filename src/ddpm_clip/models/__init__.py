"""The networks, and DDPM which trains and walks them."""

from ddpm_clip.models.course_unet import CourseUNet
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.models.ema import EMA
from ddpm_clip.models.unet import UNet
from ddpm_clip.registry import Registry

DENOISERS: Registry[type] = Registry("network", {"unet": UNet, "course_unet": CourseUNet})

__all__ = ["DDPM", "DENOISERS", "EMA", "CourseUNet", "UNet"]
