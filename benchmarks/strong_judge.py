"""A judge for natural photographs, where the small one of the package reads too few.

Six convolutions on three levels with pooling between them, trained for many epochs with one cycle
of the learning rate (Smith and Topin 2018), shifted, mirrored and partly covered pictures (cutout,
DeVries and Taylor 2017) and smoothed labels. It reads every picture and its mirror image.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.evaluation.judge.network import FEATURES, JudgeNet
from ddpm_clip.evaluation.judge.pictures import nonsense
from ddpm_clip.evaluation.judge.training import JudgeStep, calibrate, measure_judge, targets
from ddpm_clip.training.clip.augmenting import mirrored
from ddpm_clip.utils.device import pick_dtype
from ddpm_clip.utils.tensors import to_float

SHIFT, COVER = 4, 10
"""Largest shift, and side of the covered square, in pixels of a picture of 32."""

ASIDE = 600
"""Most pictures that only set the threshold of rejection; at most a tenth of them."""

DECAY, SMOOTHING, NONSENSE_WEIGHT = 5e-4, 0.1, 0.5


class StrongJudge(JudgeNet):
    """A judge with wider levels than `JudgeNet`, read through every picture and its mirror image.

    Args:
        attributes: the values of each attribute, as in `JudgeNet`.
        img_ch: channels of the pictures.
        img_size: side of the pictures in pixels, at least 8.
        width: channels of the first convolution; the levels have 2, 8 and 8 times as many.
        dropout: dropout probability before the heads.
    """

    def __init__(
        self,
        attributes: Mapping[str, Sequence[str]],
        img_ch: int,
        img_size: int,
        width: int = 32,
        dropout: float = 0.0,
    ):
        super().__init__(attributes, img_ch, img_size, width, dropout)
        self.trunk = nn.Sequential(
            nn.BatchNorm2d(img_ch, affine=False),  # standardises the pictures
            *_convolution(img_ch, width),
            *_level(width, 2 * width),
            *_level(2 * width, 8 * width),
            *_level(8 * width, 8 * width),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(8 * width, FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )

    def features(self, x: Tensor) -> Tensor:
        """Return the features (b, 128) of x (b, c, h, w); in use, the mean with its mirror image.

        Raises:
            UsageError: the pictures have another shape than this judge reads.
        """
        found = super().features(x)
        return found if self.training else (found + super().features(x.flip(3))) / 2


def train_strong_judge(
    folder: Path, pack: Path, test: Path, *, steps: int, batch_size: int, lr: float, seed: int
) -> Iterator[JudgeStep]:
    """Train a judge on a pack of labelled pictures, calibrate it, measure it on others, save it.

    Args:
        folder: folder of the judge.
        pack: npz with train_images (n, h, w, c) uint8 and train_labels (n,).
        test: npz with test_images and test_labels.
        steps: number of optimisation steps.
        batch_size: pictures per step; an eighth as many outliers are added.
        lr: peak learning rate.
        seed: random seed of weights, order and augmentation.
    """
    began = time.process_time()
    pixels, facts = labelled(pack, "train")
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    classes = sorted({one["label"] for one in facts})
    net = StrongJudge({"label": classes}, pixels.shape[1], pixels.shape[2])
    order, kept = torch.randperm(len(pixels), generator=generator), min(ASIDE, len(pixels) // 10)
    aside, rows = order[:kept], order[kept:]
    truth = targets(net, facts)["label"]
    yield from _steps(net, pixels[rows], truth[rows], steps, batch_size, lr, generator)
    net.half().float().eval()  # calibrated and measured as it is saved
    calibrate(net, pixels[aside])
    figures = asdict(measure_judge(net, *labelled(test, "test")))
    card: dict[str, Any] = {
        "figures": figures,
        "trained_on": len(rows),
        "calibrated_on": len(aside),
        "seed": seed,
        "steps": steps,
        "batch_size": batch_size,
        "lr": lr,
        "cpu_seconds": round(time.process_time() - began),
        "threads": torch.get_num_threads(),
    }
    net.save(folder, card)


def labelled(pack: Path, split: str) -> tuple[Tensor, list[dict[str, str]]]:
    """Pixels (n, c, h, w) uint8 of a split of a pack, and the facts of each picture."""
    with np.load(pack, allow_pickle=False) as arrays:
        pixels = torch.from_numpy(arrays[f"{split}_images"]).permute(0, 3, 1, 2).contiguous()
        return pixels, [{"label": str(name)} for name in arrays[f"{split}_labels"]]


def _steps(
    net: StrongJudge,
    pixels: Tensor,
    truth: Tensor,
    steps: int,
    batch_size: int,
    lr: float,
    generator: torch.Generator,
) -> Iterator[JudgeStep]:
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(net.parameters(), lr, 0.9, weight_decay=DECAY, nesterov=True)
    pace = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, steps, pct_start=0.2, anneal_strategy="linear", cycle_momentum=False
    )
    order, dtype = torch.empty(0, dtype=torch.int64), pick_dtype("auto", torch.device("cpu"))
    for step in range(1, steps + 1):
        start = time.perf_counter()
        if len(order) < batch_size:  # every picture once an epoch
            order = torch.randperm(len(pixels), generator=generator)
        chosen, order = order[:batch_size], order[batch_size:]
        x = covered(shifted(mirrored(to_float(pixels[chosen]), generator), generator), generator)
        x = torch.cat([x, nonsense(x[: batch_size // 8], generator)])
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits = net.logits(x.contiguous(memory_format=torch.channels_last))["label"]
        real, outliers = logits.float().split([len(chosen), len(x) - len(chosen)])
        loss = F.cross_entropy(real, truth[chosen], label_smoothing=SMOOTHING)
        loss = loss - NONSENSE_WEIGHT * outliers.log_softmax(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pace.step()
        right = (real.argmax(1) == truth[chosen]).float().mean().item()
        yield JudgeStep(step, loss.item(), right, batch_size / (time.perf_counter() - start))


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Shift each picture of x (b, c, h, w) by up to `SHIFT` pixels of 32; edges are reflected."""
    b, _, h, w = x.shape
    most = max(1, SHIFT * h // 32)
    padded = F.pad(x, [most] * 4, mode="reflect")
    offset = torch.randint(2 * most + 1, (2, b, 1), generator=generator)
    down, across = offset[0] + torch.arange(h), offset[1] + torch.arange(w)
    return padded[torch.arange(b)[:, None, None], :, down[:, :, None], across[:, None]].permute(
        0, 3, 1, 2
    )


def covered(x: Tensor, generator: torch.Generator) -> Tensor:
    """Cover a square of `COVER` pixels of 32 anywhere in each picture of x (b, c, h, w)."""
    b, _, h, w = x.shape
    middle = torch.rand(2, b, 1, generator=generator)
    down = ((torch.arange(h) + 0.5) / h - middle[0]).abs() < COVER / 64
    across = ((torch.arange(w) + 0.5) / w - middle[1]).abs() < COVER / 64
    return x.masked_fill((down[:, :, None] & across[:, None])[:, None], 0.0)


def _convolution(ch_in: int, ch: int) -> list[nn.Module]:
    return [nn.Conv2d(ch_in, ch, 3, padding=1, bias=False), nn.BatchNorm2d(ch), nn.GELU()]


def _level(ch_in: int, ch: int) -> list[nn.Module]:
    """A convolution, pooling to half the resolution, and another convolution."""
    pooled = [nn.Conv2d(ch_in, ch, 3, padding=1, bias=False), nn.MaxPool2d(2)]
    return [*pooled, nn.BatchNorm2d(ch), nn.GELU(), *_convolution(ch, ch)]
