"""Our own training on random pictures, as one side of a comparison.

This is not a copy of the loop but `ddpm_clip.training.loop.train` itself, with everything it does
per step: batch, conditions and their noise, network, clipping, optimiser, EMA and history.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from ddpm_clip.build import bridge_options, build_denoiser
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.config.resolve import Layer, flatten, merge, resolve
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import Prepared, train
from ddpm_clip.types import TrainStep

NEVER = 1_000_000
QUIET = {"checkpoint_every": NEVER, "heldout_every": NEVER, "sample_every": 0, "steps": NEVER}


def recipe(name: str, changes: Mapping[str, Any] | None = None) -> Config:
    """The config of a preset or a YAML file, with dotted keys replaced."""
    file = name if Path(name).suffix in (".yaml", ".yml") else None
    config, _ = resolve(preset=None if file else name, file=file, environ={})
    return changed(config, changes or {})


def changed(config: Config, changes: Mapping[str, Any]) -> Config:
    """The config with dotted keys replaced."""
    own = Layer("config", flatten(config.model_dump(mode="json")))
    return merge([own, Layer("benchmark", dict(changes))])[0]


@contextmanager
def training(config: Config, n: int = 2048) -> Iterator[Iterator[TrainStep]]:
    """The steps of a training on `n` random pictures, within a `with` block.

    Args:
        config: config of the training; its number of steps and all pauses are overridden.
        n: number of pictures.
    """
    quiet = {f"training.{key}": value for key, value in QUIET.items()}
    random = {"data.source": "random", "data.flip": False, "embedder.name": "labels"}
    settled = changed(config, quiet | random)
    with TemporaryDirectory() as folder:
        run = Run.create(Path(folder) / "run", settled)
        with run.writing():
            steps = train(run, _random(settled, n))
            try:
                yield steps
            finally:
                steps.close()  # type: ignore[attr-defined]


def _random(config: Config, n: int) -> Prepared:
    """Random pixels and embeddings."""
    rng, dim = np.random.default_rng(0), config.embedder.dim
    shape = (n, config.data.channels, *config.data.image_size)
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    e = nn.functional.normalize(torch.from_numpy(rng.standard_normal((n, dim), np.float32)), dim=1)
    few = min(n, 256)
    conditioner = Conditioner.fit(
        e[:few],
        e[:few],
        keys=[str(i) for i in range(few)],
        prompts=["random"] * few,
        options=bridge_options(config.conditioning),
        bank_size=few,
        mode=config.conditioning.mode,
    )
    return Prepared(
        pixels=pixels, embeddings=e, conditioner=conditioner, heldout=np.array([], dtype=np.int64)
    )


def network_of(config: Config, width: int | None = None) -> nn.Module:
    """The network of a config; `width` is the width of its condition."""
    return build_denoiser(
        config.model,
        T=config.diffusion.timesteps,
        img_ch=config.data.channels,
        img_size=config.data.image_size,
        c_embed_dim=width or config.embedder.dim + 1,
    )


def parameters_of(network: nn.Module) -> int:
    """Number of trained parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def scaled_to(config: Config, parameters: int, tolerance: float = 0.1) -> Config:
    """The config with its channels scaled to about this number of parameters.

    All levels are scaled by about the same factor, in steps of 16 channels, the width of a group of
    GroupNorm.

    Raises:
        UsageError: no widths are within the tolerance.
    """
    own = parameters_of(_sketched(config))
    within: list[tuple[float, float, Config]] = []
    for chs in _widths(config.model.down_chs, (parameters / own) ** 0.5):
        candidate = changed(config, {"model.down_chs": chs})
        try:
            found = parameters_of(_sketched(candidate))
        except UsageError:  # widths not divisible into heads or groups
            continue
        off = abs(found / parameters - 1)
        if off <= tolerance:
            within.append((_skew(chs, config.model.down_chs), off, candidate))
    if not within:
        raise UsageError(f"no widths give {parameters:,} parameters within {tolerance:.0%}")
    return min(within, key=lambda one: one[:2])[2]


def _sketched(config: Config) -> nn.Module:
    """The network on the meta device, without values."""
    with torch.device("meta"):
        return network_of(config)


def _widths(chs: tuple[int, ...], factor: float) -> set[tuple[int, ...]]:
    """Widths close to `factor` times `chs`, each divisible by 16."""
    near = [16 * max(1, round(ch * factor / 16)) for ch in chs]
    nudges = product((-16, 0, 16), repeat=len(chs))
    return {
        tuple(max(16, ch + more) for ch, more in zip(near, nudge, strict=True)) for nudge in nudges
    }


def _skew(chs: tuple[int, ...], like: tuple[int, ...]) -> float:
    """How unequally the levels were scaled: 0 if all by the same factor."""
    factors = [ch / old for ch, old in zip(chs, like, strict=True)]
    return max(factors) / min(factors) - 1
