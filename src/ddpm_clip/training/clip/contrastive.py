"""Contrastive training of the mini-CLIP on pictures and captions made from their facts.

A new caption is drawn from the grammar each time. It counts as a positive for every picture of the
batch whose facts agree with it, so that equal or vaguer captions are never used as negatives.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.data.captions.grammars import grammar_of
from ddpm_clip.embedders.mini_clip import LOSSES, MiniClip
from ddpm_clip.errors import DataError, NonFiniteError
from ddpm_clip.training.clip.augmenting import augmented, mirrored
from ddpm_clip.types import Caption
from ddpm_clip.utils.device import pick_dtype
from ddpm_clip.utils.tensors import to_float

NOISE = (0.05, 3.0)
"""Smallest and largest sigma/alpha of the pictures that a noise-aware CLIP is trained on."""


@dataclass(frozen=True, slots=True)
class ClipTrainStep:
    """One step of the contrastive training."""

    step: int
    loss: float
    accuracy: float  # share of pictures whose most similar caption in the batch fits
    inverse_temperature: float
    images_per_second: float


class FactTable:
    """Facts of pictures as integers, to compare whole batches at once.

    Args:
        facts: the attributes of each picture and their values.
    """

    def __init__(self, facts: Sequence[dict[str, str]]):
        self.names = sorted({name for one in facts for name in one})
        self.values = {
            name: {v: i for i, v in enumerate(sorted({one[name] for one in facts if name in one}))}
            for name in self.names
        }
        self.truth = self.encode(facts)  # (n, attributes)

    def encode(self, facts: Sequence[dict[str, str]]) -> Tensor:
        """Return facts as integers (n, attributes), -1 where an attribute is not mentioned."""
        rows = [
            [self.values[name].get(one[name], -1) if name in one else -1 for name in self.names]
            for one in facts
        ]
        return torch.tensor(rows).view(len(rows), -1)

    def fits(self, pictures: Tensor, captions: Sequence[Caption]) -> Tensor:
        """Return (b, p) bool: whether all that caption j states is true of picture i.

        Args:
            pictures: (b,) row numbers in the table.
            captions: p captions.
        """
        stated = self.encode([caption.facts for caption in captions])
        truth = self.truth[pictures]
        return ((stated[None] == -1) | (stated[None] == truth[:, None])).all(-1)


def train_clip(
    clip: MiniClip,
    pixels: Tensor,
    facts: Sequence[dict[str, str]],
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 2e-3,
    loss: str = "multi_positive",
    seed: int = 0,
    freeze_image: bool = False,
    outside: Callable[[int], list[str]] | None = None,
    noise_aware: bool = False,
    mirror: bool = False,
    augment: float = 0.0,
) -> Iterator[ClipTrainStep]:
    """Train `clip` in place and yield once per step.

    Args:
        clip: the model, untrained or to be trained further.
        pixels: (n, c, h, w) uint8 pictures.
        facts: facts of each picture; pictures without any are left out.
        steps: number of optimisation steps; cosine decay after a short warm-up.
        batch_size: number of pictures, and of captions, per step.
        lr: peak learning rate.
        loss: a name in `LOSSES`.
        seed: random seed of batches and captions.
        freeze_image: train the text tower only: image embeddings stay the same, so that models
            trained on them remain valid.
        outside: draws texts that fit no picture; a quarter of a batch of them is added as
            negatives.
        noise_aware: train on half of the pictures with noise, as a CLIP used for guidance sees it.
        mirror: flip half of the pictures horizontally.
        augment: strength of the augmentation (`augmenting.augmented`).

    Raises:
        DataError: no picture has facts.
        NonFiniteError: the loss is NaN or infinite.
    """
    usable = _usable(facts)
    table, rng = FactTable(facts), random.Random(seed)
    dtype = pick_dtype("auto", torch.device("cpu"))
    clip.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(seed)
    optimizer = _optimizer(clip, lr, freeze_image)
    clip.train()
    for step in range(1, steps + 1):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = lr * _lr_factor(step, steps)
        rows = usable[torch.randint(len(usable), (batch_size,), generator=generator)]
        captions = [grammar_of(facts[i])(facts[i], rng) for i in rows.tolist()]
        texts = [caption.text for caption in captions]
        texts += outside(batch_size // 4) if outside else []
        x = to_float(pixels[rows])
        x = augmented(mirrored(x, generator) if mirror else x, augment, generator)
        x = (_noised if noise_aware else _jittered)(x, generator)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            image = clip.encode_pixels(x.contiguous(memory_format=torch.channels_last)).float()
            text = clip.encode_texts(texts, warn=False).float()
        fits = F.pad(table.fits(rows, captions), (0, len(texts) - batch_size))
        value = LOSSES[loss](image, text, fits, clip)
        _descend(clip, value, optimizer, step)
        right = fits.gather(1, (image @ text.T).argmax(1, keepdim=True)).float().mean().item()
        speed = batch_size / (time.perf_counter() - start)
        yield ClipTrainStep(step, value.item(), right, clip.inverse_temperature.item(), speed)
    clip.requires_grad_(True).eval()


def _descend(clip: MiniClip, loss: Tensor, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Take one optimisation step.

    Raises:
        NonFiniteError: the loss is NaN or infinite.
    """
    if not loss.isfinite():
        raise NonFiniteError(
            f"the loss of the mini-CLIP is {loss.item()} at step {step}",
            "the training has diverged",
            "lower the learning rate: --set embedder.lr=5e-4",
        )
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
    optimizer.step()


def _usable(facts: Sequence[dict[str, str]]) -> Tensor:
    """Return the row numbers of the pictures that have facts."""
    rows = [i for i, one in enumerate(facts) if one]
    if not rows:
        raise DataError(
            "these pictures have neither captions nor classes",
            "a CLIP is trained on pictures with captions or classes",
            "put the pictures into class folders, or add a metadata.jsonl with captions",
        )
    return torch.tensor(rows)


def _optimizer(clip: MiniClip, lr: float, freeze_image: bool) -> torch.optim.AdamW:
    """Return AdamW over both towers, or over the text tower with the rest frozen."""
    clip.requires_grad_(not freeze_image).text.requires_grad_(True)
    trained = [parameter for parameter in clip.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr, (0.9, 0.98), weight_decay=0.02)


def _lr_factor(step: int, steps: int) -> float:
    """Linear warm-up over 5 % of the steps, then cosine decay to 0."""
    warm = max(1, steps // 20)
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _noised(x: Tensor, generator: torch.Generator) -> Tensor:
    """Noise half of the pictures as a diffusion does, sigma/alpha log-uniform in NOISE.

    The others are `_jittered`. A CLIP that guides sampling should know noisy pictures (Nichol et
    al. 2022, section 4.2); it is not told the noise level, so it also works on clean ones.
    """
    low, high = map(math.log, NOISE)
    ratio = torch.exp(low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=generator))
    noisy = (x + ratio * torch.randn(x.shape, generator=generator)) / torch.sqrt(1 + ratio**2)
    clean = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(clean, _jittered(x, generator), noisy)


def _jittered(x: Tensor, generator: torch.Generator) -> Tensor:
    """Add a little noise, so that the image tower cannot rely on single pixel values."""
    level = 0.1 * torch.rand(len(x), 1, 1, 1, generator=generator)
    return x + level * torch.randn(x.shape, generator=generator)
