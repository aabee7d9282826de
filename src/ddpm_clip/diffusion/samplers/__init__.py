"""The samplers: each walks down rows and yields one `Step` a rung, and knows nothing else."""

from collections.abc import Callable, Iterator

from ddpm_clip.diffusion.samplers.ddim import ddim
from ddpm_clip.diffusion.samplers.ddpm import ddpm
from ddpm_clip.diffusion.samplers.dpmpp import dpmpp_2m, dpmpp_2m_sde
from ddpm_clip.diffusion.samplers.heun import heun
from ddpm_clip.registry import Registry
from ddpm_clip.types import Step

Walker = Callable[..., Iterator[Step]]
"""(predict, schedule, rows, x, noise, **options) -> steps: what every sampler is."""

SAMPLERS: Registry[Walker] = Registry(
    "sampler",
    {"ddpm": ddpm, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "dpmpp_2m_sde": dpmpp_2m_sde, "heun": heun},
)

__all__ = ["SAMPLERS", "Walker", "ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "heun"]
