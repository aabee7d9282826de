"""Pictures as rows of numbers: what every metric compares, and the checks that all of them make.

Knows nothing of what is computed from the rows.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.utils.tensors import to_float

CHUNK = 500
"""Pictures that a network looks at together."""


def judge_features(judge: JudgeNet, pixels: Tensor) -> Tensor:
    """(n, 128) the judge's last layer before its heads, float32.

    Args:
        judge: trained apart from the model; it is asked as it stands, in eval mode.
        pixels: (n, c, h, w), uint8 or float in [-1, 1].

    Raises:
        UsageError: pictures of another shape than this judge reads.
    """
    return in_chunks(judge.features, pixels)


def pixel_features(pixels: Tensor) -> Tensor:
    """(n, c * h * w) in [-1, 1] from pixels (n, c, h, w), uint8 or float in [-1, 1]."""
    return as_float(pixels).flatten(1)


def as_float(pixels: Tensor) -> Tensor:
    """Pixels in [-1, 1], whether they come as uint8 or so already."""
    return to_float(pixels) if pixels.dtype == torch.uint8 else pixels.float()


@torch.no_grad()
def in_chunks(look: Callable[[Tensor], Tensor], pixels: Tensor, chunk: int = CHUNK) -> Tensor:
    """`look` at pixels (n, c, h, w), `chunk` at a time, and stack what it says."""
    if not len(pixels):
        raise UsageError("no pictures to look at", "a metric needs some")
    parts = [pixels[i : i + chunk] for i in range(0, len(pixels), chunk)]
    return torch.cat([look(as_float(part)).float().cpu() for part in parts])


def check_pair(a: Tensor, b: Tensor, least: int = 2) -> None:
    """Make sure that two sets of rows can be compared.

    Args:
        a: (n, d).
        b: (m, d).
        least: rows that each of them needs.

    Raises:
        UsageError: no matrices of one width, or too few rows. DataError: not all are numbers.
    """
    shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise UsageError(f"features of the shapes {shapes}", "they must be (n, d) and (m, d)")
    if min(len(a), len(b)) < least:
        raise UsageError(f"features of the shapes {shapes}", f"at least {least} rows are needed")
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise DataError(
            "some features are not finite",
            "no metric is defined on them",
            "look at the pictures that they come from",
        )


def paired(a: Tensor, b: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Two sets of rows in float64, once `check_pair` has let them through."""
    check_pair(a, b, least)
    return a.double().cpu(), b.double().cpu()


def some_rows(n: int, k: int, seed: int) -> Tensor:
    """(min(n, k),) different rows of n by lot, in the order of the lot."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:k]
