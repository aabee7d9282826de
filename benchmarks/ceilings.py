"""Measure the ceilings of the machine: convolutions, matrix products and memory bandwidth.

Each figure is the best over several sizes, and for each size the median of several runs. No
training on this machine can exceed it.
"""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
from timing import timed
from torch.nn import functional as F

SHAPES = (
    (128, 64, 14),
    (128, 64, 28),
    (128, 128, 14),
    (128, 128, 16),
    (64, 256, 14),
    (32, 256, 28),
    (64, 512, 7),
)
"""Batch, channels and side of the 3x3 convolutions; which one is fastest depends on the machine."""

MATRICES = (512, 1024, 2048)
MEGABYTES = 256


def ceilings(dtype: torch.dtype, device: str, seconds: float = 1.0) -> dict[str, Any]:
    """Measure all ceilings, for `seconds` per shape; 0 runs only the smallest shapes, once."""
    shapes, matrices = (SHAPES, MATRICES) if seconds else (SHAPES[:1], MATRICES[:1])
    convolutions = {
        f"{b} x {ch} x {side}²": _best_rate(*_convolution(b, ch, side, dtype, device), seconds)
        for b, ch, side in shapes
    }
    products = {}
    for kind in dict.fromkeys((torch.float32, dtype)):
        each = [_best_rate(*_product(n, kind, device), seconds) for n in matrices]
        products[str(kind).removeprefix("torch.")] = round(max(each), 1)
    return {
        "dtype": str(dtype).removeprefix("torch."),
        "convolution_gflops": round(max(convolutions.values()), 1),
        "convolution_gflops_by_shape": {k: round(v, 1) for k, v in convolutions.items()},
        "matrix_product_gflops": products,
        "memory_gb_per_second": round(_bandwidth(device, seconds), 2),
    }


def _convolution(
    b: int, ch: int, side: int, dtype: torch.dtype, device: str
) -> tuple[Callable[[], object], float]:
    """The forward pass and both gradients of a 3x3 convolution, with their GFLOPs."""
    last = torch.channels_last
    x = torch.randn(b, ch, side, side, dtype=dtype, device=device).to(memory_format=last)
    w = torch.randn(ch, ch, 3, 3, dtype=dtype, device=device).to(memory_format=last)
    x.requires_grad_(), w.requires_grad_()
    upstream = torch.ones_like(x)

    def work() -> None:
        torch.autograd.grad(F.conv2d(x, w, padding=1), (x, w), upstream)

    return work, 3 * 2 * b * ch * ch * 9 * side * side / 1e9


def _product(n: int, dtype: torch.dtype, device: str) -> tuple[Callable[[], object], float]:
    """A square matrix product, with its GFLOPs."""
    a = torch.randn(n, n, dtype=dtype, device=device)
    b = torch.randn(n, n, dtype=dtype, device=device)
    return lambda: a @ b, 2 * n**3 / 1e9


def _bandwidth(device: str, seconds: float) -> float:
    """GB/s when copying an array too large for any cache; counts reading and writing."""
    x = torch.ones(MEGABYTES * 2**20 // 4, device=device)
    y = torch.empty_like(x)
    return _best_rate(lambda: y.copy_(x), 2 * MEGABYTES * 2**20 / 1e9, seconds)


def _best_rate(work: Callable[[], object], amount: float, seconds: float) -> float:
    """`amount` per second, in the median run."""
    work()
    return amount / statistics.median(_runs(work, seconds))


def _runs(work: Callable[[], object], seconds: float) -> Iterator[float]:
    """Yield the seconds of each run: at least five runs, for about `seconds`; one run if 0."""
    spent, n = 0.0, 0
    while n < (5 if seconds else 1) or (spent < seconds and n < 500):
        one = timed(work)
        spent, n = spent + one, n + 1
        yield one
