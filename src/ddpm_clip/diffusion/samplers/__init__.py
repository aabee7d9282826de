"""The samplers: each walks down rows and yields one `Step` a rung, and knows nothing else."""

from collections.abc import Callable, Iterator

from ddpm_clip.diffusion.samplers.ddim import ddim
from ddpm_clip.diffusion.samplers.ddpm import ddpm
from ddpm_clip.diffusion.samplers.dpmpp import dpmpp_2m, dpmpp_2m_sde
from ddpm_clip.diffusion.samplers.heun import heun
from ddpm_clip.registry import Registry
from ddpm_clip.types import Step

SAMPLERS: Registry[Callable[..., Iterator[Step]]] = Registry(
    "sampler",
    {
        "ddpm": ddpm,
        "ddim": ddim,
        "dpmpp_2m": dpmpp_2m,
        "dpmpp_2m_sde": dpmpp_2m_sde,
        "heun": heun,
    },
)

__all__ = ["SAMPLERS", "ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "heun"]
