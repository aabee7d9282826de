"""Three ways to learn digits from scratch, on the same pictures, conditions and clock.

`ours` and `course` use our own training. `diffusers` is a `UNet2DModel` with the recipe of its
unconditional example (DDPM with 1000 timesteps and linear betas, eps, AdamW 1e-4 (.95, .999),
weight decay 1e-6, cosine after 500 warm-up steps, EMA with power 3/4, batch size 16); it gets our
conditions through its class embedding.
"""

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from ours import NEVER, changed, network_of, parameters_of, recipe
from peers import diffusers_unet
from torch import Tensor, nn

from ddpm_clip import TextToImage
from ddpm_clip.build import build_ddpm
from ddpm_clip.conditioning.conditioner import draw_levels
from ddpm_clip.config.schema import Config
from ddpm_clip.data.batch_order import batches
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import Prepared, start_state, train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_float

CPU = torch.device("cpu")
LEARNING_RATE, WARM_UP, BATCH, DROP = 1e-4, 500, 16, 0.15
FIRST_STEPS = 20
"""Steps after which the peer's speed is known, and with it the length of its cosine."""


@dataclass(frozen=True, slots=True)
class Student:
    """A training that can be run step by step and evaluated in between."""

    steps: Generator[Any, None, None]  # yields after each optimisation step
    averaged: Callable[[], AbstractContextManager[nn.Module]]  # EMA weights within a `with` block
    tti: TextToImage
    ways: tuple[dict[str, Any], ...]  # sampler settings to try; the best counts
    parameters: int


OWN_WAY: tuple[dict[str, Any], ...] = ({},)
OTHER_WAYS: tuple[dict[str, Any], ...] = (
    {"sampler": "dpmpp_2m", "steps": 20},
    {"sampler": "ddim", "steps": 50},
)


def ours(config: Config, folder: Path, seconds: float) -> Student:
    """Our own model, as configured."""
    return _product(config, folder, OWN_WAY)


def course(config: Config, folder: Path, seconds: float) -> Student:
    """The course network with its schedule and loss, a constant learning rate and no end."""
    kept = ("embedder", "data")
    dli = recipe(
        "dli",
        {
            "training.steps": NEVER,
            "training.decay": 0.0,
            "training.seed": config.training.seed,
            "conditioning.bridge": config.conditioning.bridge,
            "generation.guidance": config.generation.guidance,
            "generation.interval": config.generation.interval,
        },
    )
    dli = dli.model_copy(update={name: getattr(config, name) for name in kept})
    return _product(dli, folder, OTHER_WAYS)


def diffusers(config: Config, folder: Path, seconds: float) -> Student:
    """The U-Net of diffusers with an equal number of parameters; `seconds` is its training time."""
    from diffusers.training_utils import EMAModel

    torch.manual_seed(config.training.seed)
    run, prepared = prepared_run(config, folder)
    width = prepared.conditioner.width
    network = equal_unet(parameters_of(network_of(config, width)), config, width)
    settings = changed(
        config,
        {
            "diffusion.schedule": "linear",
            "diffusion.timesteps": 1000,
            "diffusion.parameterization": "eps",
            "diffusion.weighting": "uniform",
            "diffusion.noise_levels": "uniform",
        },
    )
    ddpm = build_ddpm(settings.diffusion, CPU)
    average = EMAModel(
        network.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75
    )

    @contextmanager
    def averaged() -> Iterator[nn.Module]:
        average.store(network.parameters())
        average.copy_to(network.parameters())
        try:
            yield network
        finally:
            average.restore(network.parameters())

    steps = example_steps(network, ddpm, prepared, average, config.training.seed, seconds)
    tti = painter_of(run, settings, network, ddpm, prepared)
    return Student(steps, averaged, tti, OTHER_WAYS, parameters_of(network))


STUDENTS: dict[str, Callable[[Config, Path, float], Student]] = {
    "ours": ours,
    "course": course,
    "diffusers": diffusers,
}


def _product(config: Config, folder: Path, ways: tuple[dict[str, Any], ...]) -> Student:
    """One of our own trainings, with access to its state."""
    run, prepared = prepared_run(config, folder)
    state = start_state(run, prepared.conditioner.width, CPU)
    ddpm = build_ddpm(run.config.diffusion, CPU)
    tti = painter_of(run, run.config, state.model, ddpm, prepared)
    steps = cast(Generator[Any, None, None], train(run, prepared, state))
    return Student(steps, state.ema.applied, tti, ways, parameters_of(state.model))


def prepared_run(config: Config, folder: Path) -> tuple[Run, Prepared]:
    """A new run folder, with pictures decoded and embedded."""
    run = start_run(folder, config, overwrite=True)
    return run, finish(prepare(run))


def painter_of(
    run: Run, config: Config, network: nn.Module, ddpm: DDPM, prepared: Prepared
) -> TextToImage:
    """A model that paints from words with the current weights of the network."""
    return TextToImage(
        LoadedModel(
            name=run.folder.name,
            folder=run.folder,
            config=config,
            network=network,
            ddpm=ddpm,
            conditioner=prepared.conditioner,
            classes=(),
            fingerprint="in training",
            step=None,
            device=CPU,
        )
    )


class Conditioned(nn.Module):
    """The `UNet2DModel` of diffusers as a denoiser; adds the condition to the time embedding."""

    def __init__(self, size: int, img_ch: int, ch: int, width: int):
        super().__init__()
        self.image_shape, self.c_embed_dim = (img_ch, size, size), width
        self.unet = diffusers_unet(
            size,
            img_ch,
            block_out_channels=(ch, 2 * ch, 4 * ch),
            class_embed_type="identity",
            norm_num_groups=ch if ch <= 32 else ch // 2,
        )
        self.context, self.null = nn.Linear(width, 4 * ch), nn.Parameter(torch.zeros(4 * ch))

    def forward(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        """Like every denoiser: x_t (b, c, h, w), t (b,), c (b, e), c_mask (b, 1)."""
        emb = torch.where(c_mask > 0.5, self.context(c), self.null)
        output: Tensor = self.unet(x_t, t, class_labels=emb, return_dict=False)[0]
        return output


def equal_unet(parameters: int, config: Config, width: int) -> Conditioned:
    """The `Conditioned` closest in number of parameters, with channels in the ratio 1 : 2 : 4."""

    def made(ch: int) -> Conditioned:
        return Conditioned(config.data.image_size.height, config.data.channels, ch, width)

    def off(ch: int) -> float:
        with torch.device("meta"):
            return abs(math.log(parameters_of(made(ch)) / parameters))

    guess = max(8, 2 * round(32 * (parameters / 3.9e6) ** 0.5 / 2))
    return made(min(range(max(4, guess - 6), guess + 8, 2), key=off))


def example_steps(
    network: nn.Module, ddpm: DDPM, prepared: Prepared, average: Any, seed: int, seconds: float
) -> Generator[float, None, None]:
    """The loop of the example; the cosine ends after about `seconds` of training."""
    import time

    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, (0.95, 0.999), 1e-8, 1e-6)
    draws, rows = torch.Generator().manual_seed(seed), prepared.rows
    began, total = time.perf_counter(), NEVER
    for step, chosen in enumerate(batches(len(rows), BATCH, seed)):
        if step == FIRST_STEPS:
            total = max(WARM_UP + 1, round(seconds * step / (time.perf_counter() - began)))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * cosine_rate(step, total)
        loss = _loss(network, ddpm, prepared, rows[chosen], draws)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        average.step(network.parameters())
        yield loss.item()


def _loss(
    network: nn.Module, ddpm: DDPM, prepared: Prepared, rows: Any, draws: torch.Generator
) -> Tensor:
    """The plain eps loss at uniform timesteps, with our conditions and their noise."""
    x_0 = to_float(torch.from_numpy(prepared.pixels[rows]))
    level = draw_levels(len(x_0), 0.8, 0.5, draws)
    c = prepared.conditioner.images(torch.as_tensor(prepared.embeddings[rows]), level, draws)
    c_mask = ddpm.get_context_mask(c, DROP, draws)
    t = torch.randint(0, ddpm.T, (len(x_0),), generator=draws)
    eps = torch.randn(x_0.shape, generator=draws)
    return ddpm.get_loss(cast(Denoiser, network), x_0, t, c, c_mask, eps)


def cosine_rate(step: int, total: int) -> float:
    """Factor of the learning rate: linear warm-up, then half a cosine down to 0.

    >>> cosine_rate(250, 10_000), cosine_rate(500, 10_000), cosine_rate(10_000, 10_000)
    (0.5, 1.0, 0.0)
    """
    if step < WARM_UP:
        return step / WARM_UP
    done = min(1.0, (step - WARM_UP) / max(1, total - WARM_UP))
    return 0.5 * (1 + math.cos(math.pi * done))
