"""Training of the mini-CLIP on pictures and what is true of them.

A caption is drawn anew each time from the grammar, and it fits every picture of the batch whose
facts agree with what it says, so that equal or vaguer captions are never held against a picture.
Knows nothing of files, configs or drawing: a generator of steps.
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
"""Least and largest sigma/alpha of the pictures that a noise-aware CLIP learns from."""


@dataclass(frozen=True, slots=True)
class ClipTrainStep:
    """One step of the contrastive training."""

    step: int
    loss: float
    accuracy: float  # share of pictures whose most similar caption in the batch fits
    inverse_temperature: float
    images_per_second: float


class FactTable:
    """Facts as whole numbers, so that a batch is compared at once.

    Args:
        facts: what is true of each picture, attribute by attribute.
    """

    def __init__(self, facts: Sequence[dict[str, str]]):
        self.names = sorted({name for one in facts for name in one})
        self.values = {
            name: {v: i for i, v in enumerate(sorted({one[name] for one in facts if name in one}))}
            for name in self.names
        }
        self.truth = self.encode(facts)  # (n, attributes)

    def encode(self, facts: Sequence[dict[str, str]]) -> Tensor:
        """(n, attributes), -1 where an attribute is not mentioned."""
        rows = [
            [self.values[name].get(one[name], -1) if name in one else -1 for name in self.names]
            for one in facts
        ]
        return torch.tensor(rows).view(len(rows), -1)

    def fits(self, pictures: Tensor, captions: Sequence[Caption]) -> Tensor:
        """(b, p) bool: caption j says nothing that is not so of picture i.

        Args:
            pictures: (b,) rows of the table.
            captions: p of them.
        """
        said = self.encode([caption.facts for caption in captions])
        truth = self.truth[pictures]
        return ((said[None] == -1) | (said[None] == truth[:, None])).all(-1)


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
    """Train `clip` in place, one yield a step.

    Args:
        clip: untrained or to be trained on.
        pixels: (n, c, h, w) uint8.
        facts: of each picture; pictures with none are left out.
        steps: optimisation steps; cosine decay after a short warm-up.
        batch_size: pictures and captions a step.
        lr: largest learning rate.
        loss: a name in `LOSSES`.
        seed: of the batches and captions.
        freeze_image: train the text tower only: the pictures stay where they are, so that what
            was trained on their embeddings still holds.
        outside: draws texts that fit no picture; a fourth of a batch of them is held against
            every picture.
        noise_aware: show half of the pictures under as much noise as a guide will meet.
        mirror: show half of the pictures left for right.
        augment: how far pictures are cut, turned and recoloured (`augmenting.augmented`).

    Raises:
        DataError: nothing is known of any picture. NonFiniteError: the loss is no number.
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
            group["lr"] = lr * _pace(step, steps)
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
    """One step down the gradient, none where there is nothing to go down from."""
    if not loss.isfinite():
        raise NonFiniteError(
            f"the loss of the mini-CLIP is {loss.item()} at step {step}",
            "nothing can be learned from there",
            "a lower rate: --set embedder.lr=5e-4",
        )
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
    optimizer.step()


def _usable(facts: Sequence[dict[str, str]]) -> Tensor:
    """The rows of pictures about which something is known."""
    rows = [i for i, one in enumerate(facts) if one]
    if not rows:
        raise DataError(
            "there is nothing to say about these pictures",
            "a CLIP learns from captions or class folders and there are none",
            "put pictures into class folders, or add metadata.jsonl",
        )
    return torch.tensor(rows)


def _optimizer(clip: MiniClip, lr: float, freeze_image: bool) -> torch.optim.AdamW:
    """AdamW over both towers, or over the text tower with the rest held still."""
    clip.requires_grad_(not freeze_image).text.requires_grad_(True)
    trained = [parameter for parameter in clip.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr, (0.9, 0.98), weight_decay=0.02)


def _pace(step: int, steps: int) -> float:
    """Warm-up over 5 % of the steps, then half a cosine down to 0."""
    warm = max(1, steps // 20)
    if step <= warm:
        return step / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _noised(x: Tensor, generator: torch.Generator) -> Tensor:
    """Half as `_jittered`, half noised as by a diffusion, sigma/alpha log-uniform in NOISE.

    A guide of pictures that emerge from noise should know them (Nichol et al. 2022, section 4.2);
    the tower is not told the level: it serves clean pictures as well.
    """
    low, high = map(math.log, NOISE)
    ratio = torch.exp(low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=generator))
    noisy = (x + ratio * torch.randn(x.shape, generator=generator)) / torch.sqrt(1 + ratio**2)
    clean = torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5
    return torch.where(clean, _jittered(x, generator), noisy)


def _jittered(x: Tensor, generator: torch.Generator) -> Tensor:
    """A little noise, so that the tower does not read single pixel values."""
    level = 0.1 * torch.rand(len(x), 1, 1, 1, generator=generator)
    return x + level * torch.randn(x.shape, generator=generator)
