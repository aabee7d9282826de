"""The maximum mean discrepancy (MMD) of two sets of features, unbiased even for few pictures.

With the cubic kernel it is the kernel distance of Bińkowski et al. 2018 ("KID") in our own
features; with the radial kernel that of Jayasumana et al. 2024 ("CMMD"), with another width. For
sets from the same distribution its expectation is zero, so it is sometimes negative.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import paired, some_rows
from ddpm_clip.evaluation.metrics.neighbours import CHUNK, distance_blocks

KernelName = Literal["cubic", "rbf"]
Kernel = Callable[[Tensor, Tensor], Tensor]
"""(n, d), (m, d) -> (n, m)."""

FOR_MEDIAN = 2000
"""Number of rows from whose distances the width of the radial kernel is chosen."""


@dataclass(frozen=True, slots=True)
class Mmd:
    """A squared discrepancy with its standard error."""

    kernel: str
    value: float  # estimate from all rows
    stderr: float  # standard error of the mean over disjoint blocks; that of `value` is no larger
    n: int
    m: int
    sigma: float | None = None  # width of the radial kernel

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kernel": self.kernel,
            "value": self.value,
            "stderr": self.stderr,
            "n": self.n,
            "m": self.m,
            "sigma": self.sigma,
        }


def mmd(
    painted: Tensor,
    real: Tensor,
    kernel: KernelName = "cubic",
    *,
    sigma: float | None = None,
    blocks: int = 10,
    seed: int = 0,
) -> Mmd:
    """Return the unbiased estimate of MMD^2 (Gretton et al. 2012, eq. 3) with its standard error.

    Args:
        painted: (n, d) features, n >= 4.
        real: (m, d) features, m >= 4.
        kernel: "cubic", (x y / d + 1)^3, or "rbf", exp(-|x - y|^2 / (2 sigma^2)).
        sigma: width of the radial kernel; None takes the median distance between real rows, so
            that different models are compared with the same kernel.
        blocks: number of disjoint blocks whose spread gives the error (Zaremba et al. 2013); fewer
            if there are few rows.
        seed: random seed of the blocks.

    Raises:
        UsageError: shapes do not match, or the kernel is unknown.
        DataError: features are not finite.
    """
    painted, real = paired(painted, real, least=4)
    apply, width = _kernel(kernel, sigma, real)
    blocks = max(2, min(blocks, min(len(painted), len(real)) // 2))
    parts = zip(_blocks(painted, blocks, seed), _blocks(real, blocks, seed + 1), strict=True)
    spread = torch.tensor([_unbiased(a, b, apply) for a, b in parts]).std().item()
    value = _unbiased(painted, real, apply)
    return Mmd(kernel, value, spread / blocks**0.5, len(painted), len(real), width)


def permutation_p(
    painted: Tensor,
    real: Tensor,
    kernel: KernelName = "cubic",
    *,
    sigma: float | None = None,
    permutations: int = 500,
    most: int = 1000,
    seed: int = 0,
) -> float:
    """Return the p-value of a permutation test on MMD^2: small if the sets differ.

    The share of random divisions of all rows whose MMD^2 is at least as large, the actual division
    included, so that the p-value is exact for every n and never 0.

    Args:
        painted: (n, d) features, n >= 4.
        real: (m, d) features, m >= 4.
        kernel: as for `mmd`.
        sigma: as for `mmd`, but None takes the median of all rows, which no permutation changes.
        permutations: number of random divisions.
        most: largest number of rows of each set, drawn at random.
        seed: random seed of the drawn rows and the divisions.
    """
    painted, real = paired(painted, real, least=4)
    a = painted[some_rows(len(painted), most, seed)]
    b = real[some_rows(len(real), most, seed + 1)]
    rows, generator = torch.cat([a, b]), torch.Generator().manual_seed(seed + 2)
    gram = _kernel(kernel, sigma, rows)[0](rows, rows).fill_diagonal_(0)
    orders = torch.rand(permutations, len(rows), generator=generator).argsort(1)
    first = torch.cat([torch.arange(len(rows))[None], orders])[:, : len(a)]
    chosen = torch.zeros(len(first), len(rows), dtype=gram.dtype).scatter_(1, first, 1.0)
    values = _divided(gram, chosen, len(a), len(b))
    as_large = values[1:] >= values[0] - 1e-12 * gram.abs().mean()
    return (1 + int(as_large.sum())) / (1 + permutations)


def median_distance(rows: Tensor, seed: int = 0) -> float:
    """Return the median distance between different rows (n, d), of at most 2,000 random ones."""
    rows = rows[some_rows(len(rows), FOR_MEDIAN, seed)]
    distances = torch.pdist(rows.double())
    return distances.median().item()


def _kernel(name: str, sigma: float | None, rows: Tensor) -> tuple[Kernel, float | None]:
    if name == "cubic":
        return _cubic, None
    if name != "rbf":
        raise UsageError(f"unknown kernel {name!r}", "choose from: cubic, rbf", param="kernel")
    width = median_distance(rows) if sigma is None else sigma
    if not width >= 0:
        raise UsageError(f"sigma = {width}", "a width must not be negative", param="sigma")
    scale = 2 * max(width, 1e-12) ** 2  # width 0 means equal rows: any other gives the same

    def radial(a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([block.div_(-scale).exp_() for _, block in distance_blocks(a, b)])

    return radial, width


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    base = a @ (b.T / a.shape[1]) + 1
    return base * base * base  # ** 3 takes ten times as long


def _unbiased(a: Tensor, b: Tensor, kernel: Kernel) -> float:
    n, m = len(a), len(b)
    within = _within(a, kernel) / (n * (n - 1)) + _within(b, kernel) / (m * (m - 1))
    across = sum(kernel(a[i : i + CHUNK], b).sum().item() for i in range(0, n, CHUNK))
    return within - 2 * across / (n * m)


def _within(rows: Tensor, kernel: Kernel) -> float:
    """Return the sum over ordered pairs of different rows; each pair of chunks is computed once."""
    total = 0.0
    for start in range(0, len(rows), CHUNK):
        block = kernel(rows[start : start + CHUNK], rows[start:])
        square = block[:, : len(block)]
        total += (2 * block.sum() - square.sum() - square.diagonal().sum()).item()
    return total


def _blocks(rows: Tensor, blocks: int, seed: int) -> list[Tensor]:
    order = some_rows(len(rows), len(rows), seed)
    size = len(rows) // blocks
    return [rows[order[i * size : (i + 1) * size]] for i in range(blocks)]


def _divided(gram: Tensor, chosen: Tensor, n: int, m: int) -> Tensor:
    """Return MMD^2 (p,) of divisions (p, n + m); `gram` (n + m, n + m) has a zero diagonal."""
    to_first = chosen @ gram  # (p, n + m)
    first = (to_first * chosen).sum(1)
    across = to_first.sum(1) - first
    second = gram.sum() - first - 2 * across
    return first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * across / (n * m)
