"""Samplers: generators that go from noise to pictures and yield one `Step` per timestep.

- `consistency_sampler`: jumps to the picture and back (Song et al. 2023), for distilled networks
- `ddim_sampler`: DDIM (Song et al. 2021), first order, deterministic or with noise
- `ddpm_sampler`: ancestral sampling (Ho et al. 2020)
- `dpmpp_sampler`: DPM-Solver++(2M) and its SDE variant (Lu et al. 2022)
- `heun_sampler`: Heun's method of EDM (Karras et al. 2022)
"""

from collections.abc import Callable, Iterator

from ddpm_clip.diffusion.samplers.consistency_sampler import consistency
from ddpm_clip.diffusion.samplers.ddim_sampler import ddim
from ddpm_clip.diffusion.samplers.ddpm_sampler import ddpm
from ddpm_clip.diffusion.samplers.dpmpp_sampler import dpmpp_2m, dpmpp_2m_sde
from ddpm_clip.diffusion.samplers.heun_sampler import heun
from ddpm_clip.registry import Registry
from ddpm_clip.types import Step

Walker = Callable[..., Iterator[Step]]
"""The signature of every sampler: (predict, schedule, timesteps, x, noise, **options) -> steps."""

SAMPLERS: Registry[Walker] = Registry(
    "sampler",
    {
        "ddpm": ddpm,
        "ddim": ddim,
        "dpmpp_2m": dpmpp_2m,
        "dpmpp_2m_sde": dpmpp_2m_sde,
        "heun": heun,
        "consistency": consistency,
    },
)

OF_DISTILLED = frozenset({"consistency"})
"""Samplers that ask a network for the end of its walk: only a distilled one knows it."""

__all__ = [
    "OF_DISTILLED",
    "SAMPLERS",
    "Walker",
    "consistency",
    "ddim",
    "ddpm",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "heun",
]
