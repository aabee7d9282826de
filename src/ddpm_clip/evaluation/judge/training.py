"""Training, calibration and measurement of a judge, on pictures and what is true of them.

An eighth of every batch is nonsense that the first attribute must be undecided about (outlier
exposure, Hendrycks et al. 2019, eq. 1), or the threshold would reject little: networks are sure
of blobs too. Knows nothing of files, configs or prompts.
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
"""Share of real pictures that the threshold lets through."""

NONSENSE_WEIGHT = 0.5
CHUNK = 500
"""Pictures read at once."""


@dataclass(frozen=True, slots=True)
class JudgeStep:
    """One step of a judge's training."""

    step: int
    loss: float
    accuracy: float  # of the first attribute, on the bent pictures of the batch
    images_per_second: float


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    """What a judge is worth on pictures that it never saw."""

    n: int
    accuracy: dict[str, float]  # share read right, of those where the attribute is known
    confusion: dict[str, list[list[int]]]  # [truth][read], in the order of the values
    rejected: float  # share of these real pictures
    nonsense_rejected: float  # share of as many pictures with nothing in them


def attributes_of(
    facts: Sequence[Mapping[str, str]], order: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """The attributes that vary in `facts`, with their values.

    Args:
        facts: of each picture.
        order: values in the order of the source's classes; others follow by the alphabet.

    Raises:
        DataError: nothing varies, so there is nothing to tell apart.
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
            "a judge has nothing to tell apart",
            "no fact of these pictures varies",
            "put pictures into class folders",
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
    """Train `net` in place, one yield a step; it is ready to judge (and uncalibrated) at the end.

    Args:
        net: untrained; its weights were drawn by the caller.
        pixels: (n, c, h, w) uint8.
        facts: of each picture; what a picture does not tell is not trained on.
        steps: optimisation steps, 2 at least; the rate rises and falls once.
        batch_size: real pictures a step, 8 at least.
        lr: largest learning rate.
        seed: of the batches and what is done to them.
        nonsense_weight: of being undecided about nonsense; 0 for a mere classifier, which does
            not read a class that it was never shown as "none of the others".
        mirror: show half of the pictures left for right.
    """
    if steps < 2 or batch_size < 8:
        raise UsageError(f"{steps} steps of {batch_size} pictures", "2 and 8 are the least")
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

    The pictures must be none that it was trained on, or the threshold is too proud.
    """
    sure = torch.cat([net(to_float(part))[0].amax(1) for part in pixels.split(CHUNK)])
    net.threshold = sure.quantile(1 - accepted).item()
    return net.threshold


@torch.no_grad()
def measure_judge(
    net: JudgeNet, pixels: Tensor, facts: Sequence[Mapping[str, str]]
) -> JudgeFigures:
    """Accuracy, confusion and rejection on pictures (n, c, h, w) uint8 with known facts."""
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
    """(n,) the number of each value, -1 where a picture does not tell or the judge cannot say."""
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
    """Cross-entropy of every attribute, and the undecidedness of the first one on nonsense.

    The rows of `logits` past those of `truth` are the nonsense.
    """
    first, total = next(iter(truth)), torch.zeros(())
    for name, wanted in truth.items():
        said = logits[name][: len(wanted)].float()
        entropy = F.cross_entropy(said, wanted, ignore_index=-1, reduction="sum")
        total = total + entropy / (wanted >= 0).sum().clamp(min=1)
    said = logits[first].float()
    undecided = -said[len(truth[first]) :].log_softmax(1).mean()
    right = (said[: len(truth[first])].argmax(1) == truth[first]).float().mean().item()
    return total + nonsense_weight * undecided, right


def _confusion(truth: Tensor, read: Tensor, k: int) -> Tensor:
    """(k, k) counts [truth, read] of the rows whose truth is known."""
    known = truth >= 0
    return torch.bincount(k * truth[known] + read[known], minlength=k * k).view(k, k)
