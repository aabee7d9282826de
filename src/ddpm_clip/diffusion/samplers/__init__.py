"""From noise to pictures: each sampler walks down the timesteps and yields a `Step` each.

- `ddim_sampler`: DDIM (Song et al
- `ddpm_sampler`: ancestral sampling (Ho et al
- `dpmpp_sampler`: DPM-Solver++ of second order, multistep (Lu et al
- `heun_sampler`: heun's method of Karras et al
"""

from collections.abc import Callable, Iterator

from ddpm_clip.diffusion.samplers.ddim_sampler import ddim
from ddpm_clip.diffusion.samplers.ddpm_sampler import ddpm
from ddpm_clip.diffusion.samplers.dpmpp_sampler import dpmpp_2m, dpmpp_2m_sde
from ddpm_clip.diffusion.samplers.heun_sampler import heun
from ddpm_clip.registry import Registry
from ddpm_clip.types import Step

Walker = Callable[..., Iterator[Step]]
"""(predict, schedule, timesteps, x, noise, **options) -> steps: what every sampler is."""

SAMPLERS: Registry[Walker] = Registry(
    "sampler",
    {"ddpm": ddpm, "ddim": ddim, "dpmpp_2m": dpmpp_2m, "dpmpp_2m_sde": dpmpp_2m_sde, "heun": heun},
)

__all__ = ["SAMPLERS", "Walker", "ddim", "ddpm", "dpmpp_2m", "dpmpp_2m_sde", "heun"]
