"""Features of pictures, which the metrics compare, and checks of feature matrices."""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.utils.tensors import to_float

CHUNK = 500
"""Number of pictures per network call."""


def judge_features(judge: JudgeNet, pixels: Tensor) -> Tensor:
    """Return the features (n, 128) of a judge, the layer before its heads, in float32.

    Args:
        judge: a judge in eval mode, trained independently of the model.
        pixels: (n, c, h, w), uint8 or float in [-1, 1].

    Raises:
        UsageError: the pictures have another shape than this judge reads.
    """
    return in_chunks(judge.features, pixels)


def pixel_features(pixels: Tensor) -> Tensor:
    """Flatten pixels (n, c, h, w), uint8 or float in [-1, 1], to (n, c * h * w) in [-1, 1]."""
    return as_float(pixels).flatten(1)


def as_float(pixels: Tensor) -> Tensor:
    """Return pixels as floats in [-1, 1], from uint8 or unchanged."""
    return to_float(pixels) if pixels.dtype == torch.uint8 else pixels.float()


@torch.no_grad()
def in_chunks(look: Callable[[Tensor], Tensor], pixels: Tensor, chunk: int = CHUNK) -> Tensor:
    """Apply `look` to pixels (n, c, h, w), `chunk` pictures at a time, and stack the results."""
    if not len(pixels):
        raise UsageError("there are no pictures to measure")
    parts = [pixels[i : i + chunk] for i in range(0, len(pixels), chunk)]
    return torch.cat([look(as_float(part)).float().cpu() for part in parts])


def check_pair(a: Tensor, b: Tensor, least: int = 2) -> None:
    """Check that two sets of features can be compared.

    Args:
        a: (n, d) features.
        b: (m, d) features.
        least: smallest number of rows of each.

    Raises:
        UsageError: they are not matrices of the same width, or have too few rows.
        DataError: values are NaN or infinite.
    """
    shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise UsageError(f"features of shapes {shapes}", "they must be (n, d) and (m, d)")
    if min(len(a), len(b)) < least:
        raise UsageError(f"features of shapes {shapes}", f"at least {least} rows are needed")
    if not bool(torch.isfinite(a).all() and torch.isfinite(b).all()):
        raise DataError(
            "some features are NaN or infinite",
            "no metric is defined on them",
            "check the pictures that they come from",
        )


def paired(a: Tensor, b: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Return two sets of features in float64 on the CPU, after `check_pair`."""
    check_pair(a, b, least)
    return a.double().cpu(), b.double().cpu()


def some_rows(n: int, k: int, seed: int) -> Tensor:
    """Return min(n, k) random row numbers of n, all different, in random order."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))[:k]
