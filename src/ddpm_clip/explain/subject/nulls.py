"""Subjects of which nothing is true: on each of them an analysis must not pass.

Each null takes away one thing that an explanation has to rest on and leaves all else in place.
Knows nothing of any analysis.
"""

import copy
import zlib
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.explain.subject.readers import Look
from ddpm_clip.explain.subject.subject import Subject
from ddpm_clip.explain.subject.target import asked_for
from ddpm_clip.models.unet import UNet
from ddpm_clip.registry import Registry
from ddpm_clip.types import Denoiser

HIDDEN = 64
"""Features of an untrained reader."""


class _Wrapped:
    """A denoiser whose answer or question is changed.

    Args:
        network: that is asked.
        row: what row it is told instead of the true one.
        answer: what is said instead of its answer, from x_t.
    """

    def __init__(
        self,
        network: Denoiser,
        row: Callable[[Tensor], Tensor] | None = None,
        answer: Callable[[Tensor], Tensor] | None = None,
    ):
        self.network, self.row, self.answer = network, row, answer
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def __call__(self, x_t: Tensor, t: Tensor, c: Tensor, c_mask: Tensor) -> Tensor:
        if self.answer is not None:
            return self.answer(x_t)
        return self.network(x_t, t if self.row is None else self.row(t), c, c_mask)


def random_weights(subject: Subject, seed: int = 0) -> Subject:
    """The same network with weights drawn anew, each tensor as widely as the trained one.

    Zero-initialised layers would say nothing at all, so the trained spread is kept. Where the
    subject has no network, a small U-Net of the same shape is drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    network = subject.network
    fresh = copy.deepcopy(network) if isinstance(network, nn.Module) else _small_unet(subject)
    with torch.no_grad():
        for weight in fresh.parameters():
            drawn = torch.randn(weight.shape, generator=generator).to(weight)
            # one number has no spread of its own
            spread = weight.std() if weight.numel() > 1 else weight.abs().mean()
            middle = weight.mean() if weight.ndim == 1 else 0.0
            weight.copy_(middle + (spread if spread > 0 else 0.05) * drawn)
    return subject.replace(network=cast(Denoiser, fresh.eval()), about={"null": "random weights"})


def shuffled_prompts(subject: Subject, seed: int = 0) -> Subject:
    """Every text gets the condition of some other text, the same one whenever it is asked.

    None of these asks for the target, or some would be right by chance.
    """
    others = [text for text in subject.vocabulary if not _asks_for(text, subject)]
    names = [name for k, name in enumerate(subject.classes) if k != subject.target]
    pool = others or names or [subject.prompt[::-1]]

    def conditioning(prompts: Sequence[str], seeds: Sequence[int]) -> Tensor:
        swapped = [pool[zlib.crc32(f"{seed} {text}".encode()) % len(pool)] for text in prompts]
        return subject.conditioning(swapped, seeds)

    return subject.replace(conditioning=conditioning, about={"null": "shuffled prompts"})


def untrained_judge(subject: Subject, seed: int = 0) -> Subject:
    """Judge and embedder with random weights; what they say has nothing to do with the classes."""
    generator = torch.Generator().manual_seed(seed)
    changes: dict[str, object] = {}
    if subject.judging is not None:
        read = _random_reader(subject, len(subject.classes), generator)
        changes["judging"] = lambda x: read(x).softmax(1)
    if subject.embedding is not None:
        probe = subject.embed(torch.zeros(1, *subject.image_shape, device=subject.ddpm.device))
        assert probe is not None
        embed = _random_reader(subject, probe.shape[1], generator)
        changes["embedding"] = lambda x: F.normalize(embed(x), dim=1)
    return subject.replace(**changes, about={"null": "untrained judge"})


def permuted_timesteps(subject: Subject, seed: int = 0) -> Subject:
    """The network is told a wrong row: a fixed permutation of all rows."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(subject.schedule.T, generator=generator)

    def row(t: Tensor) -> Tensor:
        whole = t.floor().clamp(0, subject.schedule.T - 1)
        # what lies between two rows stays between rows
        wrong = order.to(t.device)[whole.long()].to(t) + (t - whole).clamp(0, 1)
        return wrong.clamp(max=subject.schedule.T - 1)

    wrapped = _Wrapped(subject.network, row=row)
    return subject.replace(network=wrapped, about={"null": "permuted timesteps"})


def pure_noise(subject: Subject, seed: int = 0) -> Subject:
    """The network answers every question with fresh noise."""
    generator = torch.Generator().manual_seed(seed)

    def answer(x_t: Tensor) -> Tensor:
        return torch.randn(x_t.shape, generator=generator).to(x_t)

    wrapped = _Wrapped(subject.network, answer=answer)
    return subject.replace(network=wrapped, about={"null": "pure noise"})


NULLS: Registry[Callable[[Subject, int], Subject]] = Registry(
    "null",
    {
        "random_weights": random_weights,
        "shuffled_prompts": shuffled_prompts,
        "untrained_judge": untrained_judge,
        "permuted_timesteps": permuted_timesteps,
        "pure_noise": pure_noise,
    },
)
"""(subject, seed) -> a subject of which nothing is true."""

SPARED: dict[str, tuple[str, ...]] = {
    # A trained network reads the noise level off the picture: told wrong rows it is still a smooth
    # flow that follows its words, so that pictures return and ways cross once.
    "inversion": ("permuted_timesteps",)
}
"""Of an analysis, the nulls that leave standing what it measures, so that it may pass rightly.

A network that is told wrong rows may still follow its prompt: what words matter is then no error.
All other nulls must not pass (`benchmarks/null_verdicts.py` counts).
"""


def nulls_of(analysis: str) -> list[str]:
    """The nulls on which an analysis must not pass."""
    return [name for name in NULLS if name not in SPARED.get(analysis, ())]


def _asks_for(text: str, subject: Subject) -> bool:
    if subject.target is None or not subject.classes:
        return text == subject.prompt
    return asked_for(text, {"class": subject.classes}).target == subject.target


def _small_unet(subject: Subject) -> UNet:
    channels, size, _ = subject.image_shape
    with torch.random.fork_rng(devices=[]):
        return UNet(
            subject.schedule.T,
            channels,
            size,
            (16, 32),
            16,
            subject.network.c_embed_dim,
            blocks=1,
            attention=0,
        )


def _random_reader(subject: Subject, outputs: int, generator: torch.Generator) -> Look:
    """A layer of random features and a random head, both as widely drawn as keeps values near 1."""
    channels, height, width = subject.image_shape
    pixels = channels * height * width
    first = torch.randn(pixels, HIDDEN, generator=generator) * (4 / pixels) ** 0.5
    head = torch.randn(HIDDEN, outputs, generator=generator) * (16 / HIDDEN) ** 0.5

    def read(x: Tensor) -> Tensor:
        flat = x.float().flatten(1).cpu()
        said: Tensor = (flat @ first).tanh() @ head
        return said.to(x.device)

    return read
