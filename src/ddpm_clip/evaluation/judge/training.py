"""Training, calibration and measurement of a judge, on pictures with known facts.

To every batch an eighth of outliers is added, for which the first attribute should be uniform
(outlier exposure, Hendrycks et al. 2019, eq. 1). Otherwise the threshold would reject little,
because networks are confident about blobs too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.pictures import bent, nonsense
from ddpm_clip.training.clip.augmenting import mirrored
from ddpm_clip.utils.device import pick_dtype
from ddpm_clip.utils.tensors import to_float

ACCEPTED = 0.99
"""Share of real pictures that the threshold accepts."""

NONSENSE_WEIGHT = 0.5
"""Weight of the outlier exposure in the loss."""

CHUNK = 500
"""Number of pictures read at once."""


@dataclass(frozen=True, slots=True)
class JudgeStep:
    """One step of a judge's training."""

    step: int
    loss: float
    accuracy: float  # of the first attribute, on the augmented pictures of the batch
    images_per_second: float


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    """Figures of a judge on held-out pictures."""

    n: int
    accuracy: dict[str, float]  # share read correctly, of those where the attribute is known
    confusion: dict[str, list[list[int]]]  # [truth][read], in the order of the values
    rejected: float  # share of these real pictures
    nonsense_rejected: float  # share of as many outliers


def attributes_of(
    facts: Sequence[Mapping[str, str]], order: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Return the attributes that vary in `facts`, with their values.

    Args:
        facts: facts of each picture.
        order: values that come first, in this order; others follow alphabetically.

    Raises:
        DataError: no attribute varies.
    """
    rank = {value: i for i, value in enumerate(order)}
    names = dict.fromkeys(name for one in facts for name in one)
    values = {name: {one[name] for one in facts if name in one} for name in names}
    attributes = {
        name: tuple(sorted(found, key=lambda value: (rank.get(value, len(rank)), value)))
        for name, found in values.items()
        if len(found) > 1
    }
    if not attributes:
        raise DataError(
            "there is nothing for a judge to distinguish",
            "no attribute of these pictures has two values",
            "put the pictures into class folders",
        )
    return attributes


def train_judge(
    net: JudgeNet,
    pixels: Tensor,
    facts: Sequence[Mapping[str, str]],
    *,
    steps: int,
    batch_size: int = 256,
    lr: float = 4e-3,
    seed: int = 0,
    nonsense_weight: float = NONSENSE_WEIGHT,
    mirror: bool = False,
) -> Iterator[JudgeStep]:
    """Train `net` in place and yield once per step; at the end it is in eval mode, uncalibrated.

    Args:
        net: the untrained network.
        pixels: (n, c, h, w) uint8 pictures.
        facts: facts of each picture; unknown attributes do not enter the loss.
        steps: number of optimisation steps, at least 2; one cycle of the learning rate.
        batch_size: number of real pictures per step, at least 8.
        lr: peak learning rate.
        seed: random seed of batches and augmentation.
        nonsense_weight: weight of the outlier exposure; 0 trains a plain classifier, as outlier
            exposure would make it uncertain about classes that it was never shown.
        mirror: flip half of the pictures horizontally.
    """
    if steps < 2 or batch_size < 8:
        raise UsageError(
            f"{steps} steps of {batch_size} pictures are too few",
            "at least 2 steps of 8 pictures are needed",
        )
    truth, generator = targets(net, facts), torch.Generator().manual_seed(seed)
    dtype, spoilt = pick_dtype("auto", torch.device("cpu")), batch_size // 8
    net.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), lr, weight_decay=0.02)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.2)
    for step in range(1, steps + 1):
        start = time.perf_counter()
        rows = torch.randint(len(pixels), (batch_size,), generator=generator)
        x = to_float(pixels[rows])
        x = bent(mirrored(x, generator) if mirror else x, generator)
        x = torch.cat([x, nonsense(x[:spoilt], generator)])
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits = net.logits(x.contiguous(memory_format=torch.channels_last))
        wanted = {name: t[rows] for name, t in truth.items()}
        loss, right = _loss(logits, wanted, nonsense_weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pace.step()
        speed = batch_size / (time.perf_counter() - start)
        yield JudgeStep(step, loss.item(), right, speed)
    net.eval()


@torch.no_grad()
def calibrate(net: JudgeNet, pixels: Tensor, accepted: float = ACCEPTED) -> float:
    """Set the threshold that the share `accepted` of real pictures (n, c, h, w) uint8 reaches.

    The pictures must not be from its training, or the threshold will be too high.
    """
    sure = torch.cat([net(to_float(part))[0].amax(1) for part in pixels.split(CHUNK)])
    net.threshold = sure.quantile(1 - accepted).item()
    return net.threshold


@torch.no_grad()
def measure_judge(
    net: JudgeNet, pixels: Tensor, facts: Sequence[Mapping[str, str]]
) -> JudgeFigures:
    """Measure accuracy, confusion and rejection on pictures (n, c, h, w) uint8 with known facts."""
    generator, truth = torch.Generator().manual_seed(0), targets(net, facts)
    read: dict[str, list[Tensor]] = {name: [] for name in net.attributes}
    rejected = nonsense_rejected = 0
    for part in pixels.split(CHUNK):
        x = to_float(part)
        for name, reading in net.read(x).items():
            read[name].append(reading.probs.argmax(1))
        rejected += int(net(x)[1].sum())
        nonsense_rejected += int(net(nonsense(x, generator))[1].sum())
    confusion = {
        name: _confusion(truth[name], torch.cat(found), len(net.attributes[name]))
        for name, found in read.items()
    }
    accuracy = {
        name: (table.diag().sum() / table.sum().clamp(min=1)).item()
        for name, table in confusion.items()
    }
    tables = {name: table.tolist() for name, table in confusion.items()}
    n = len(pixels)
    return JudgeFigures(n, accuracy, tables, rejected / n, nonsense_rejected / n)


def targets(net: JudgeNet, facts: Sequence[Mapping[str, str]]) -> dict[str, Tensor]:
    """Return the class index (n,) per attribute, -1 where it is unknown to facts or judge."""
    numbers = {
        name: {v: i for i, v in enumerate(values)} for name, values in net.attributes.items()
    }
    return {
        name: torch.tensor([known.get(one[name], -1) if name in one else -1 for one in facts])
        for name, known in numbers.items()
    }


def _loss(
    logits: dict[str, Tensor], truth: dict[str, Tensor], nonsense_weight: float
) -> tuple[Tensor, float]:
    """Return (loss, accuracy of the first attribute).

    The loss is the cross-entropy of every attribute, plus that of the first one against the uniform
    distribution on outliers, which are the rows of `logits` after those of `truth`.
    """
    first, total = next(iter(truth)), torch.zeros(())
    for name, wanted in truth.items():
        real = logits[name][: len(wanted)].float()
        entropy = F.cross_entropy(real, wanted, ignore_index=-1, reduction="sum")
        total = total + entropy / (wanted >= 0).sum().clamp(min=1)
    scores = logits[first].float()
    uniform = -scores[len(truth[first]) :].log_softmax(1).mean()
    right = (scores[: len(truth[first])].argmax(1) == truth[first]).float().mean().item()
    return total + nonsense_weight * uniform, right


def _confusion(truth: Tensor, read: Tensor, k: int) -> Tensor:
    """Return the counts [truth, read] (k, k) of the rows whose truth is known."""
    known = truth >= 0
    return torch.bincount(k * truth[known] + read[known], minlength=k * k).view(k, k)
