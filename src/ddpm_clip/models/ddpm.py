"""DDPM: the forward process, the training loss and sampling, on one noise schedule.

The only place where a network meets the maths of `ddpm_clip.diffusion`. Knows nothing of prompts,
embedders or files: conditions arrive as vectors.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.diffusion.guidance import Guidance, Network, guided
from ddpm_clip.diffusion.jumps import few_call_timesteps
from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS, WEIGHTINGS
from ddpm_clip.diffusion.samplers import SAMPLERS, Walker
from ddpm_clip.diffusion.schedules import NOISE_LEVELS, NoiseSchedule, stratified
from ddpm_clip.errors import UsageError
from ddpm_clip.models.scale_conditioned import at_scale
from ddpm_clip.types import Denoiser, Noise, Predict, Prediction, Step

Device = torch.device | str


class DDPM:
    """Forward noising, training loss and sampling on one noise schedule.

    Args:
        B: a `NoiseSchedule`, or betas (T,) as in the earlier projects.
        device: device of the pictures and the network.
        parameterization: what the network predicts: "eps", "x_0" or "v".
        weighting: weighting of the loss over noise levels, a name in `WEIGHTINGS`.
        noise_levels: distribution of the training timesteps, a name in `NOISE_LEVELS`.
        sigma_data: standard deviation of the pictures, for the `edm` weighting.
        level_options: keyword arguments of that distribution (p_mean, p_std).
        calls: sigma/alpha of each call of a few-call network; () visits any timesteps.
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
        calls: Sequence[float] = (),
    ):
        self.schedule = B if isinstance(B, NoiseSchedule) else NoiseSchedule.from_betas(B)
        self.T, self.device = self.schedule.T, torch.device(device)
        self.calls, self.parameterization = tuple(calls), PARAMETERIZATIONS[parameterization]
        self.weighting, self.draw_levels = WEIGHTINGS[weighting], NOISE_LEVELS[noise_levels]
        self.sigma_data, self.level_options = sigma_data, level_options or {}

    # Forward process and loss

    def q(self, x_0: Tensor, t: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Noise x_0 (b, c, h, w) to timesteps t (b,) in one step (Ho et al. 2020, eq. 4).

        Returns:
            (x_t, noise), both (b, c, h, w).
        """
        noise = torch.randn_like(x_0) if noise is None else noise
        alpha, sigma = self._levels(t, x_0)
        return alpha * x_0 + sigma * noise, noise

    def draw_timesteps(self, b: int, generator: torch.Generator) -> Tensor:
        """Draw training timesteps (b,), stratified over the batch."""
        return self.draw_levels(stratified(b, generator), self.schedule, **self.level_options)

    @staticmethod
    def get_context_mask(
        c: Tensor, drop_prob: float, generator: torch.Generator | None = None, mode: str = "sample"
    ) -> Tensor:
        """Draw a mask (b, 1) over conditions c (b, e): 1 keeps a condition, 0 drops it.

        `mode="element"` masks each number on its own (b, e), as the earlier projects did; the null
        condition is then never trained. It is kept for ablations.
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
        """Return the training loss at timesteps t (b,): `errors`, averaged over the batch."""
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
        """Return the weighted mean squared error of each picture (b,)."""
        x_t, eps = self.q(x_0, t, noise)
        alpha, sigma = self._levels(t, x_0)
        mask = torch.ones(len(x_0), 1, device=x_0.device) if c_mask is None else c_mask
        out = model(x_t, t.to(x_0.device, torch.float32), c, mask).float()
        target = self.parameterization.target(x_0, eps, alpha, sigma)
        exact = self.schedule.at(t)
        weight = self.weighting(self.parameterization, *exact, self.sigma_data)
        return weight.to(x_0) * (out - target).square().flatten(1).mean(1)

    # Reverse process

    @torch.no_grad()
    def reverse_q(
        self,
        x_t: Tensor,
        t: Tensor | int,
        e_t: Tensor,
        variance: str = "beta",
        noise: Tensor | None = None,
    ) -> Tensor:
        """Take one ancestral step from timestep t to t - 1, given the predicted noise e_t.

        Args:
            x_t: (b, c, h, w) noisy pictures.
            t: one timestep for the batch: a number, or the earlier projects' tensor of equal ones.
            e_t: (b, c, h, w) predicted noise.
            variance: "beta" or "posterior", as for the `ddpm` sampler.
            noise: (b, c, h, w) fresh noise; None draws it.
        """
        timestep = float(t.flatten()[0]) if isinstance(t, Tensor) else float(t)
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
        """Sample: yield one `Step` per timestep, from noise to pictures.

        Args:
            model: the denoiser, called without gradients.
            c: (b, e) conditions, made by a `Conditioner`.
            scale: guidance scale s = 1 + w, one number or one per picture (b,).
            c_neg: (b, e) negative conditions; None takes the learned null condition.
            interval: guidance interval (low, high] in sigma/alpha; None is everywhere.
            clamp: clamp of x_0: "none", "static" or "dynamic".
            rescale: CFG rescale in [0, 1].
            sampler: a name in `SAMPLERS`, or a function with the signature of one.
            steps: number of timesteps, 1 to T; T visits every timestep of the schedule.
            seeds: one random seed per picture, on which alone its noise depends; None draws them.
            x_start: (b, c, h, w) to start from at `timesteps[0]` instead of noise.
            timesteps: strictly decreasing timesteps instead of `grid(steps)`.
            wrap: wraps the guided `predict` before the sampler gets it.
            options: keyword arguments of the sampler (eta, variance, churn).
        """
        walker = SAMPLERS[sampler] if isinstance(sampler, str) else sampler
        timesteps = self.grid(steps) if timesteps is None else list(timesteps)
        model, scale = at_scale(model, scale)
        guidance, network = Guidance(scale, interval, clamp, rescale), without_gradients(model)
        predict = guided(network, self.schedule, self.parameterization, c, guidance, c_neg)
        predict = predict if wrap is None else wrap(predict)
        noise = noise_of(seeds, (len(c), *model.image_shape), self.device)
        x_T = noise(-1)
        return walker(
            predict, self.schedule, timesteps, x_T if x_start is None else x_start, noise, **options
        )

    def grid(self, steps: int) -> list[float]:
        """Return `steps` timesteps: uniform in log-SNR; all where steps = T; the calls' own."""
        if self.calls:
            return few_call_timesteps(self.schedule, self.calls, steps)
        # Solvers that divide by alpha cannot start at pure noise (alpha = 0).
        whole = steps == self.T and self.schedule.alpha[-1] > 0
        return self.schedule.walk(steps, spacing="timesteps" if whole else "log_snr")

    def sample(self, model: Denoiser, c: Tensor, **walk_options: Any) -> Tensor:
        """Return the sampled pictures (b, c, h, w) in [-1, 1]; options as for `walk`."""
        last = deque(self.walk(model, c, **walk_options), maxlen=1).pop()
        return last.x_prev.clamp(-1, 1)

    def sample_w(
        self,
        model: Denoiser,
        c: Tensor,
        w_tests: Sequence[float] = (-2, -1, -0.5, 0, 0.5, 1, 2),
        **walk_options: Any,
    ) -> Tensor:
        """Sample at several guidance weights w = s - 1: (len(w_tests), b, c, h, w).

        Every weight starts from the same noise. w = 0 is the plain conditional prediction, w = -1
        the unconditional one.
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
    """Run the network without gradients, which are off here only and never around a walk."""

    def network(x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        with torch.no_grad():
            return model(x_t, t, c, c_mask).float()

    return network


def noise_of(seeds: Sequence[int] | None, shape: Sequence[int], device: Device) -> Noise:
    """Return a noise function with one CPU generator per picture, independent of the batch.

    Each call draws the next noise; the first is x_T.
    """
    if seeds is None:
        seeds = torch.randint(0, 2**32, (shape[0],)).tolist()
    if len(seeds) != shape[0]:
        raise UsageError(f"{len(seeds)} seeds for {shape[0]} pictures", "each needs its own")
    generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]

    def noise(i: int) -> Tensor:
        return torch.stack([torch.randn(*shape[1:], generator=g) for g in generators]).to(device)

    return noise
