"""DDPM: a schedule, what the network predicts on it, its loss, and the walk back.

The only place where a network meets the maths of `ddpm_clip.diffusion`. Knows nothing of
prompts, embedders, files or drawing: conditions arrive as vectors.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import Guidance, Network, guided
from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS, WEIGHTINGS
from ddpm_clip.diffusion.samplers import SAMPLERS, Walker
from ddpm_clip.diffusion.samplers.ddpm_sampler import VARIANCES
from ddpm_clip.diffusion.schedules import NOISE_LEVELS, NoiseSchedule, stratified
from ddpm_clip.errors import UsageError
from ddpm_clip.types import Denoiser, Noise, Predict, Prediction, Step

Device = torch.device | str


class DDPM:
    """Forward noising, training loss and sampling on one noise schedule.

    Args:
        B: (T,) betas, as in the earlier projects, or a `NoiseSchedule`.
        device: where pictures and networks live.
        parameterization: what the network predicts: "eps", "x_0" or "v".
        weighting: of the loss over noise levels, a name in `WEIGHTINGS`.
        noise_levels: how training timesteps are drawn, a name in `NOISE_LEVELS`.
        sigma_data: standard deviation of the pictures, for the `edm` weighting.
        level_options: passed to the noise level distribution (p_mean, p_std).
    """

    def __init__(
        self,
        B: Tensor | NoiseSchedule,
        device: Device = "cpu",
        *,
        parameterization: str = "eps",
        weighting: str = "uniform",
        noise_levels: str = "uniform",
        sigma_data: float = 0.5,
        level_options: dict[str, float] | None = None,
    ):
        self.schedule = B if isinstance(B, NoiseSchedule) else NoiseSchedule.from_betas(B)
        self.T, self.device = self.schedule.T, torch.device(device)
        self.parameterization = PARAMETERIZATIONS[parameterization]
        self.weighting, self.draw_levels = WEIGHTINGS[weighting], NOISE_LEVELS[noise_levels]
        self.sigma_data, self.level_options = sigma_data, level_options or {}

    # Forward

    def q(self, x_0: Tensor, t: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Noise x_0 (b, c, h, w) to timesteps t (b,) in one jump (Ho et al. 2020, eq. 4).

        Returns:
            (x_t, noise), both (b, c, h, w).
        """
        noise = torch.randn_like(x_0) if noise is None else noise
        alpha, sigma = self._levels(t, x_0)
        return alpha * x_0 + sigma * noise, noise

    def draw_timesteps(self, b: int, generator: torch.Generator) -> Tensor:
        """(b,) training timesteps, stratified over the batch."""
        return self.draw_levels(stratified(b, generator), self.schedule, **self.level_options)

    @staticmethod
    def get_context_mask(
        c: Tensor, drop_prob: float, generator: torch.Generator | None = None, mode: str = "sample"
    ) -> Tensor:
        """(b, 1) with 1 = keep the condition, 0 = drop it; whole rows, or the null never trains.

        `mode="element"` returns (b, e), as the earlier projects did: an ablation.
        """
        shape = (len(c), 1) if mode == "sample" else tuple(c.shape)
        return (torch.rand(shape, generator=generator) >= drop_prob).float().to(c.device)

    def get_loss(
        self,
        model: Denoiser,
        x_0: Tensor,
        t: Tensor,
        c: Tensor,
        c_mask: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """The weighted squared error at timesteps t, averaged over the batch."""
        return self.errors(model, x_0, t, c, c_mask, noise).mean()

    def errors(
        self,
        model: Denoiser,
        x_0: Tensor,
        t: Tensor,
        c: Tensor,
        c_mask: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """(b,) the weighted squared error of each picture."""
        x_t, eps = self.q(x_0, t, noise)
        alpha, sigma = self._levels(t, x_0)
        mask = torch.ones(len(x_0), 1, device=x_0.device) if c_mask is None else c_mask
        said = model(x_t, t.to(x_0.device, torch.float32), c, mask).float()
        target = self.parameterization.target(x_0, eps, alpha, sigma)
        exact = self.schedule.at(t)
        weight = self.weighting(self.parameterization, *exact, self.sigma_data)
        return weight.to(x_0) * (said - target).square().flatten(1).mean(1)

    # Backward

    @torch.no_grad()
    def reverse_q(
        self,
        x_t: Tensor,
        t: Tensor | int,
        e_t: Tensor,
        variance: str = "beta",
        noise: Tensor | None = None,
    ) -> Tensor:
        """One ancestral step from timestep t to t - 1, given the predicted noise e_t.

        Args:
            x_t: (b, c, h, w).
            t: one timestep for the batch, as a number or as the legacy tensor of equal timesteps.
            e_t: (b, c, h, w).
            variance: "beta" or "posterior".
            noise: fresh noise; None draws it.
        """
        timestep = float(t.flatten()[0]) if isinstance(t, Tensor) else float(t)
        if variance not in VARIANCES:
            raise UsageError(f"unknown variance {variance!r}", f"there is: {', '.join(VARIANCES)}")
        alpha, sigma = self.schedule.at(timestep)
        from_eps = PARAMETERIZATIONS["eps"].read(e_t, x_t, alpha, sigma)

        def predict(x: Tensor, t: float) -> Prediction:
            return Prediction(*from_eps)

        fresh = torch.randn_like(x_t) if noise is None else noise
        timesteps = [timestep] if timestep == 0 else [timestep, timestep - 1]
        walk = SAMPLERS["ddpm"](
            predict, self.schedule, timesteps, x_t, lambda i: fresh, variance=variance
        )
        return next(iter(walk)).x_prev

    def walk(
        self,
        model: Denoiser,
        c: Tensor,
        *,
        scale: float | Tensor = 1.0,
        c_neg: Tensor | None = None,
        interval: tuple[float, float] | None = None,
        clamp: str = "static",
        rescale: float = 0.0,
        sampler: str | Walker = "dpmpp_2m",
        steps: int = 20,
        seeds: Sequence[int] | None = None,
        x_start: Tensor | None = None,
        timesteps: Sequence[float] | None = None,
        wrap: Callable[[Predict], Predict] | None = None,
        **options: Any,
    ) -> Iterator[Step]:
        """Walk from noise to pictures, one `Step` a timestep.

        Args:
            model: a network; asked without gradients.
            c: (b, e) condition vectors, made by a `Conditioner`.
            scale: guidance scale s = 1 + w, one number or one a picture (b,).
            c_neg: (b, e) conditions to steer away from.
            interval: (low, high] of sigma/alpha in which scales above 1 act; None: everywhere.
            clamp: of x_0: "none", "static" or "dynamic".
            rescale: CFG rescale in [0, 1].
            sampler: a name in `SAMPLERS`, or what walks like one.
            steps: timesteps visited, 1 to T; all T of them visits every timestep.
            seeds: one a picture; None draws them. A picture depends on its own seed only.
            x_start: (b, c, h, w) to start from at `timesteps[0]` instead of noise.
            timesteps: strictly decreasing timesteps instead of `grid(steps)`.
            wrap: changes the guided `predict` before the sampler gets it.
            options: passed to the sampler (eta, variance, churn).
        """
        walker = SAMPLERS[sampler] if isinstance(sampler, str) else sampler
        timesteps = self.grid(steps) if timesteps is None else list(timesteps)
        guidance = Guidance(scale, interval, clamp, rescale)
        predict = guided(
            without_gradients(model), self.schedule, self.parameterization, c, guidance, c_neg
        )
        predict = predict if wrap is None else wrap(predict)
        noise = noise_of(seeds, (len(c), *model.image_shape), self.device)
        x_T = noise(-1)
        return walker(
            predict, self.schedule, timesteps, x_T if x_start is None else x_start, noise, **options
        )

    def grid(self, steps: int) -> list[float]:
        """The timesteps of a walk of so many steps: even in log-SNR, or all T of them."""
        # A timestep of pure noise (alpha = 0) is no place for solvers that divide by alpha.
        whole = steps == self.T and self.schedule.alpha[-1] > 0
        return self.schedule.walk(steps, spacing="timesteps" if whole else "log_snr")

    def sample(self, model: Denoiser, c: Tensor, **walk_options: Any) -> Tensor:
        """The pictures at the end of a walk, (b, c, h, w) in [-1, 1]; options as for `walk`."""
        last = deque(self.walk(model, c, **walk_options), maxlen=1).pop()
        return last.x_prev.clamp(-1, 1)

    def sample_w(
        self,
        model: Denoiser,
        c: Tensor,
        w_tests: Sequence[float] = (-2, -1, -0.5, 0, 0.5, 1, 2),
        **walk_options: Any,
    ) -> Tensor:
        """A grid over the guidance weight w = s - 1, (len(w_tests), b, c, h, w).

        Every weight starts from the same noise. w = 0 is the plain condition, w = -1 none.
        """
        seeds = walk_options.pop("seeds", None) or list(range(len(c)))
        scale = torch.tensor([1.0 + w for w in w_tests]).repeat_interleave(len(c))
        x = self.sample(
            model,
            c.repeat(len(w_tests), 1),
            scale=scale,
            seeds=list(seeds) * len(w_tests),
            **walk_options,
        )
        return x.view(len(w_tests), len(c), *x.shape[1:])

    def _levels(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        alpha, sigma = self.schedule.at(t)
        shape = (-1, *[1] * (like.ndim - 1))
        return alpha.to(like).view(shape), sigma.to(like).view(shape)


def without_gradients(model: Denoiser) -> Network:
    """The plain network call with gradients off: here, and nowhere around a walk."""

    def ask(x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        with torch.no_grad():
            return model(x_t, t, c, c_mask).float()

    return ask


def noise_of(seeds: Sequence[int] | None, shape: Sequence[int], device: Device) -> Noise:
    """Noise for a batch from one CPU generator a picture, so that batches do not matter.

    Each call draws the next noise; a walk asks for its x_T first.
    """
    if seeds is None:
        seeds = torch.randint(0, 2**32, (shape[0],)).tolist()
    if len(seeds) != shape[0]:
        raise UsageError(f"{len(seeds)} seeds for {shape[0]} pictures", "each needs its own")
    generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]

    def noise(i: int) -> Tensor:
        return torch.stack([torch.randn(*shape[1:], generator=g) for g in generators]).to(device)

    return noise
