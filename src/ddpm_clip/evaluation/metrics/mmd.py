"""The maximum mean discrepancy of two sets of features: unbiased, so good for few pictures.

With the cubic kernel it is the estimate of the kernel distance of Bińkowski et al. 2018 ("KID"),
in features of our own; with the radial kernel that of Jayasumana et al. 2024 ("CMMD"), but for
the width. Zero in the mean where both sets are of one kind, so now and then below it. Knows
nothing of pictures.
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
"""Rows by whose distances the width of the radial kernel is chosen."""


@dataclass(frozen=True, slots=True)
class Mmd:
    """A squared discrepancy and how sure it is."""

    kernel: str
    value: float  # of all rows at once
    stderr: float  # of the mean over disjoint blocks; that of `value` is no larger
    n: int
    m: int
    sigma: float | None = None  # width of the radial kernel

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
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
    """The unbiased estimate of MMD^2 (Gretton et al. 2012, eq. 3) with its standard error.

    Args:
        painted: (n, d), n at least 4.
        real: (m, d), m at least 4.
        kernel: "cubic", (x y / d + 1)^3, or "rbf", exp(-|x - y|^2 / (2 sigma^2)).
        sigma: of the radial kernel; None takes the median distance between real rows, so that
            the figures of two models are of one kernel.
        blocks: disjoint pairs of samples whose spread gives the error (Zaremba et al. 2013);
            fewer where the rows are few.
        seed: of the blocks.

    Raises:
        UsageError: features of other shapes, an unknown kernel. DataError: not finite.
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
    """How often sets of mixed origin differ as much as these: small where they are of two kinds.

    The share of `permutations` whose MMD^2 is as large, each set having its turn as one of them,
    so that the value is exact for every n and never 0.

    Args:
        painted: (n, d), n at least 4.
        real: (m, d), m at least 4.
        kernel: as for `mmd`.
        sigma: as for `mmd`, but None takes the median of all rows, which no permutation changes.
        permutations: random divisions.
        most: rows of each set that are used, chosen by lot.
        seed: of the lot and the permutations.
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
    """The median distance between different rows (n, d), of at most 2,000 by lot."""
    rows = rows[some_rows(len(rows), FOR_MEDIAN, seed)]
    distances = torch.pdist(rows.double())
    return distances.median().item()


def _kernel(name: str, sigma: float | None, rows: Tensor) -> tuple[Kernel, float | None]:
    if name == "cubic":
        return _cubic, None
    if name != "rbf":
        raise UsageError(f"unknown kernel {name!r}", "there is: cubic, rbf", param="kernel")
    width = median_distance(rows) if sigma is None else sigma
    if not width >= 0:
        raise UsageError(f"sigma = {width}", "a width is not negative", param="sigma")
    scale = 2 * max(width, 1e-12) ** 2  # all rows alike: any width says the same

    def radial(a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([block.div_(-scale).exp_() for _, block in distance_blocks(a, b)])

    return radial, width


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    base = a @ (b.T / a.shape[1]) + 1
    return base * base * base  # a general power takes ten times as long


def _unbiased(a: Tensor, b: Tensor, kernel: Kernel) -> float:
    n, m = len(a), len(b)
    within = _within(a, kernel) / (n * (n - 1)) + _within(b, kernel) / (m * (m - 1))
    across = sum(kernel(a[i : i + CHUNK], b).sum().item() for i in range(0, n, CHUNK))
    return within - 2 * across / (n * m)


def _within(rows: Tensor, kernel: Kernel) -> float:
    """The sum over ordered pairs of different rows; each pair of chunks is looked at once."""
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
    """(p,) MMD^2 of divisions chosen (p, n + m); gram (n + m, n + m) has an empty diagonal."""
    to_first = chosen @ gram  # (p, n + m)
    first = (to_first * chosen).sum(1)
    across = to_first.sum(1) - first
    second = gram.sum() - first - 2 * across
    return first / (n * (n - 1)) + second / (m * (m - 1)) - 2 * across / (n * m)
