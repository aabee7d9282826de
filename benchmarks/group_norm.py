"""GroupNorm on this machine: the cost of a pass by channels per group.

`python benchmarks/group_norm.py`. This is the reason why `model.norm_groups` defaults to groups of
16 channels: with bfloat16 in channels_last, narrower groups are not vectorised on a CPU.
"""

import argparse
import statistics
from functools import partial
from pathlib import Path

import torch
from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import Timing, side_by_side
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.models.layers import GROUP_WIDTH

WIDTHS = (4, 8, 16, 32, 64)
"""Channels per group."""

REPEATS = 10
"""Passes per timed call."""


def forward_and_backward(x: Tensor, grad: Tensor, groups: int) -> None:
    """Run `REPEATS` forward and backward passes of a GroupNorm with weights."""
    weight = torch.ones(x.shape[1], dtype=x.dtype, requires_grad=True)
    bias = torch.zeros(x.shape[1], dtype=x.dtype, requires_grad=True)
    for _ in range(REPEATS):
        y = F.group_norm(x, groups, weight, bias)
        torch.autograd.grad(y, (x, weight, bias), grad)


def measured(batch: int, ch: int, side: int, dtype: torch.dtype, rounds: int) -> dict[str, Timing]:
    """Time `REPEATS` passes by channels per group, in alternation."""
    x = torch.randn(batch, ch, side, side).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    grad = torch.randn_like(x)
    arms = {str(w): partial(forward_and_backward, x, grad, ch // w) for w in WIDTHS if w <= ch}
    return side_by_side(arms, rounds)


def milliseconds(timings: dict[str, Timing]) -> dict[str, float]:
    """Milliseconds of one pass by group width."""
    return {name: round(1e3 * one.median / REPEATS, 3) for name, one in timings.items()}


def slowdown(timings: dict[str, Timing]) -> list[float]:
    """Round by round, the time of our group width relative to the fastest."""
    fastest = min(timings.values(), key=lambda one: one.median)
    ours = timings[str(GROUP_WIDTH)]
    return [a / b for a, b in zip(ours.seconds, fastest.seconds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--side", type=int, default=14, help="side of the feature map")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS / "group_norm.json")
    options = parsed(parser)
    shape = (options.batch, options.channels, options.side)
    timings = {
        str(dtype).removeprefix("torch."): measured(*shape, dtype, options.rounds)
        for dtype in (torch.float32, torch.bfloat16)
    }
    table = {name: milliseconds(one) for name, one in timings.items()}
    for name, row in table.items():
        print(f"{name:10}", "  ".join(f"{width}: {ms:.2f} ms" for width, ms in row.items()))
    slowest = max((slowdown(one) for one in timings.values()), key=statistics.median)
    kept = [
        claim(
            f"GroupNorm time with groups of {GROUP_WIDTH} channels, relative to the fastest width",
            statistics.median(slowest),
            2.0,
            at_most=True,
            unit="x",
        )
    ]
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "batch": options.batch,
            "channels": options.channels,
            "side": options.side,
            "rounds": options.rounds,
            "milliseconds": table,
            "times_the_fastest_range": [round(v, 3) for v in (min(slowest), max(slowest))],
        },
    )


if __name__ == "__main__":
    main()
