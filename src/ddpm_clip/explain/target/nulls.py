"""Nulls: targets with one thing ablated, on which an analysis must not pass.

Each null ablates one thing that an explanation relies on and leaves everything else in place.
"""

import copy
import zlib
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.explain.target.readers import ImageReader
from ddpm_clip.models.unet import UNet
from ddpm_clip.registry import Registry
from ddpm_clip.types import Denoiser

HIDDEN = 64
"""Hidden features of an untrained judge or embedder."""


class _Wrapped:
    """A denoiser whose timestep or output is replaced.

    Args:
        network: the denoiser.
        timestep: maps the true timestep to the one that the network is given.
        output: makes the output from x_t, in place of the network.
    """

    def __init__(
        self,
        network: Denoiser,
        timestep: Callable[[Tensor], Tensor] | None = None,
        output: Callable[[Tensor], Tensor] | None = None,
    ):
        self.network, self.timestep, self.output = network, timestep, output
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        if self.output is not None:
            return self.output(x_t)
        return self.network(x_t, t if self.timestep is None else self.timestep(t), c, c_mask)


def random_weights(target: AnalysisTarget, seed: int = 0) -> AnalysisTarget:
    """Return the network with every tensor drawn at random, with the spread of the trained one.

    A fresh initialisation would not do: its last layers are zero, so it would return zeros. For a
    target without a trained network, a small U-Net for the same pictures is drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    network = target.network
    fresh = copy.deepcopy(network) if isinstance(network, nn.Module) else _small_unet(target)
    with torch.no_grad():
        for weight in fresh.parameters():
            drawn = torch.randn(weight.shape, generator=generator).to(weight)
            # a single number has no standard deviation
            spread = weight.std() if weight.numel() > 1 else weight.abs().mean()
            middle = weight.mean() if weight.ndim == 1 else 0.0
            weight.copy_(middle + (spread if spread > 0 else 0.05) * drawn)
    return target.replace(network=cast(Denoiser, fresh.eval()), about={"null": "random weights"})


def shuffled_prompts(target: AnalysisTarget, seed: int = 0) -> AnalysisTarget:
    """Give each text the condition of a different text, always the same one.

    None of these asks for the requested class, or some pictures would be right by chance.
    """
    others = [text for text in target.vocabulary if not _asks_for(text, target)]
    names = [name for k, name in enumerate(target.classes) if k != target.asked_class]
    pool = others or names or [target.prompt[::-1]]

    def conditioning(prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
        swapped = [pool[zlib.crc32(f"{seed} {text}".encode()) % len(pool)] for text in prompts]
        return target.conditioning(swapped, seeds)

    return target.replace(conditioning=conditioning, about={"null": "shuffled prompts"})


def untrained_judge(target: AnalysisTarget, seed: int = 0) -> AnalysisTarget:
    """Return the target with a judge and an embedder of random weights."""
    generator = torch.Generator().manual_seed(seed)
    changes: dict[str, object] = {}
    if target.judging is not None:
        read = _random_reader(target, len(target.classes), generator)
        changes["judging"] = lambda x: read(x).softmax(1)
    if target.embedding is not None:
        probe = target.embed(torch.zeros(1, *target.image_shape, device=target.ddpm.device))
        assert probe is not None
        embed = _random_reader(target, probe.shape[1], generator)
        changes["embedding"] = lambda x: F.normalize(embed(x), dim=1)
    return target.replace(**changes, about={"null": "untrained judge"})


def permuted_timesteps(target: AnalysisTarget, seed: int = 0) -> AnalysisTarget:
    """Give the network a wrong timestep, by a fixed permutation of all timesteps."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(target.schedule.T, generator=generator)

    def timestep(t: Tensor) -> Tensor:
        whole = t.floor().clamp(0, target.schedule.T - 1)
        # a timestep between two whole ones stays between whole ones
        wrong = order.to(t.device)[whole.long()].to(t) + (t - whole).clamp(0, 1)
        return wrong.clamp(max=target.schedule.T - 1)

    wrapped = _Wrapped(target.network, timestep=timestep)
    return target.replace(network=wrapped, about={"null": "permuted timesteps"})


def pure_noise(target: AnalysisTarget, seed: int = 0) -> AnalysisTarget:
    """Let the network return fresh noise at every call."""
    generator = torch.Generator().manual_seed(seed)

    def output(x_t: Tensor) -> Tensor:
        return torch.randn(x_t.shape, generator=generator).to(x_t)

    wrapped = _Wrapped(target.network, output=output)
    return target.replace(network=wrapped, about={"null": "pure noise"})


NULLS: Registry[Callable[[AnalysisTarget, int], AnalysisTarget]] = Registry(
    "null",
    {
        "random_weights": random_weights,
        "shuffled_prompts": shuffled_prompts,
        "untrained_judge": untrained_judge,
        "permuted_timesteps": permuted_timesteps,
        "pure_noise": pure_noise,
    },
)
"""(target, seed) -> the target with one thing ablated."""

SPARED: dict[str, tuple[str, ...]] = {
    # A trained network infers the noise level from the picture. With wrong timesteps it is still
    # a smooth flow that follows its words, so pictures return and interpolations cross once.
    "inversion": ("permuted_timesteps",)
}
"""For each analysis, the nulls that leave intact what it measures, so that it may rightly pass.

On all other nulls it must not pass; `benchmarks/null_verdicts.py` counts.
"""


def nulls_of(analysis: str) -> list[str]:
    """Return the names of the nulls on which an analysis must not pass."""
    return [name for name in NULLS if name not in SPARED.get(analysis, ())]


def _asks_for(text: str, target: AnalysisTarget) -> bool:
    if target.asked_class is None or not target.classes:
        return text == target.prompt
    return asked_for(text, {"class": target.classes}).asked_class == target.asked_class


def _small_unet(target: AnalysisTarget) -> UNet:
    channels, *size = target.image_shape
    with torch.random.fork_rng(devices=[]):
        return UNet(
            target.schedule.T,
            channels,
            size,
            (16, 32),
            16,
            target.network.c_embed_dim,
            blocks=1,
            attention=0,
        )


def _random_reader(target: AnalysisTarget, outputs: int, generator: torch.Generator) -> ImageReader:
    """Return a layer of random features with a random head, scaled to keep values near 1."""
    channels, height, width = target.image_shape
    pixels = channels * height * width
    first = torch.randn(pixels, HIDDEN, generator=generator) * (4 / pixels) ** 0.5
    head = torch.randn(HIDDEN, outputs, generator=generator) * (16 / HIDDEN) ** 0.5

    def read(x: Tensor) -> Tensor:
        flat = x.float().flatten(1).cpu()
        out: Tensor = (flat @ first).tanh() @ head
        return out.to(x.device)

    return read
