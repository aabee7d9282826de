"""How close the training step comes to the machine's limits, and where the rest of the time goes.

`python benchmarks/roofline.py` (about three minutes; `--smoke` for a few seconds). Counts the FLOPs
and bytes of one real training step op by op, and runs its convolutions alone, with the same shapes,
layout and dtype, alternating with the whole step. The ceilings of the machine are measured in the
same run, and a profile shows where the time goes.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from ceilings import ceilings
from counting import Call, Counter, Work, group_of
from ours import changed, network_of, parameters_of, recipe, training
from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import ratio, side_by_side, timed

from ddpm_clip.config.schema import Config
from ddpm_clip.types import TrainStep
from ddpm_clip.utils.device import pick_device, pick_dtype

CONVOLUTIONS, BETWEEN = "convolutions", "between ops, in Python"
NEEDED_SHARE, NEEDED_ON_CPU, NEEDED_ON_GPU = 0.65, 0.55, 0.40


def main() -> None:
    options = _options()
    overrides = {"training.device": options.device, "training.optimizer": options.optimizer}
    config = recipe(options.config, overrides)
    if options.batch:
        config = changed(config, {"training.batch_size": options.batch})
    dtype = pick_dtype(config.training.dtype, pick_device(options.device))
    limits = ceilings(dtype, options.device, options.seconds)
    with training(config) as steps:
        for _ in range(3):
            next(steps)
        with Counter() as counted:
            next(steps)
        times = step_and_convolutions(counted, steps, options.rounds)
        shares = profile(steps, options.rounds)
        single = [placed(call, options.rounds) for call in distinct(counted)]
    flops = sum(call.flops for call in counted.calls)
    found = {
        "gflop": round(flops / 1e9, 3),
        "gigabytes": round(sum(call.bytes for call in counted.calls) / 1e9, 3),
        "step": times["step"].as_dict(config.training.batch_size),
        "convolutions_alone": times["alone"].as_dict(),
        "convolutions_share": ratio(times["alone"].seconds, times["step"].seconds).as_dict(),
        "gflops_reached": round(flops / 1e9 / times["step"].median, 1),
    }
    reached = found["gflops_reached"] / limits["convolution_gflops"]
    groups = by_group(counted.groups(), shares, limits, times["step"].median)
    kept = claims(found["convolutions_share"]["median"], reached, options)
    show(found, groups, limits, reached)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            **described(config, options, dtype),
            "ceilings": limits,
            **found,
            "share_of_ceiling": round(reached, 4),
            "groups": groups,
            "single_convolutions": single,
        },
    )


def described(config: Config, options: argparse.Namespace, dtype: torch.dtype) -> dict[str, Any]:
    """The training and the device that were measured."""
    return {
        "config": options.config,
        "device": options.device,
        "batch": config.training.batch_size,
        "size": config.data.image_size.plain,
        "down_chs": config.model.down_chs,
        "parameters": parameters_of(network_of(config)),
        "optimizer": config.training.optimizer,
        "dtype": str(dtype).removeprefix("torch."),
        "channels_last": config.training.channels_last,
    }


def step_and_convolutions(counted: Counter, steps: Iterator[TrainStep], rounds: int) -> Any:
    """Time the whole step and its convolutions alone, in alternation."""
    alone = [call.replay() for call in counted.convolutions()]
    arms: dict[str, Callable[[], object]] = {
        "step": lambda: next(steps),
        "alone": lambda: [one() for one in alone],
    }
    return side_by_side(arms, rounds, warm_up=2)


def profile(steps: Iterator[TrainStep], n: int) -> dict[str, float]:
    """Share of each group in the time of `n` steps; time outside any op counts as between ops."""
    on_gpu = torch.cuda.is_available()
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if on_gpu else []
    with torch.profiler.profile(activities=kinds) as profiled:
        seconds = timed(lambda: [next(steps) for _ in range(n)])
    shares: dict[str, float] = {}
    for event in profiled.key_averages():
        if not event.key.startswith("aten::"):
            continue
        spent = (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e6
        group = group_of(event.key.removeprefix("aten::"))
        shares[group] = shares.get(group, 0.0) + spent / seconds
    return shares | {BETWEEN: max(0.0, 1 - sum(shares.values()))}


def by_group(
    groups: dict[str, Work], shares: dict[str, float], limits: dict[str, Any], seconds: float
) -> dict[str, dict[str, Any]]:
    """Work and share of the time of each group, with the lower bound from the ceilings."""
    flops_limit = limits["convolution_gflops"] * 1e9
    bytes_limit = limits["memory_gb_per_second"] * 1e9
    rows = {}
    for name in sorted(set(groups) | set(shares), key=lambda name: -shares.get(name, 0)):
        work = groups.get(name, Work())
        least = max(work.flops / flops_limit, work.bytes / bytes_limit)
        rows[name] = {
            "calls": work.calls,
            "gflop": round(work.flops / 1e9, 3),
            "gigabytes": round(work.bytes / 1e9, 4),
            "share": round(shares.get(name, 0.0), 4),
            "least_share": round(least / seconds, 4),
        }
    return rows


def distinct(counted: Counter) -> list[Call]:
    """Each convolution shape once, forward and backward separately."""
    found = {(call.name, call.args[:3]): call for call in counted.convolutions() if call.flops}
    return list(found.values())


def placed(call: Call, rounds: int) -> dict[str, Any]:
    """The position of one convolution on the roofline."""
    seconds = side_by_side({"it": call.replay()}, rounds)["it"].median
    return {
        "name": call.name,
        "shapes": [one.size for one in call.args if hasattr(one, "size")],
        "flops_per_byte": round(call.flops / call.bytes, 2),
        "gflops": round(call.flops / 1e9 / seconds, 1),
    }


def claims(share: float, reached: float, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Targets for the share of the convolutions, and for the distance to the ceiling."""
    needed = NEEDED_ON_CPU if options.device == "cpu" else NEEDED_ON_GPU
    step = f"the training step with {options.optimizer}"
    return [
        claim(
            f"time of the network's convolutions alone, as a share of {step}", share, NEEDED_SHARE
        ),
        claim(
            f"arithmetic throughput of {step}, as a share of the convolution ceiling",
            reached,
            needed,
        ),
    ]


def show(
    found: dict[str, Any], groups: dict[str, Any], limits: dict[str, Any], reached: float
) -> None:
    """Print the figures and shares."""
    print(f"ceilings: {limits}")
    print(f"a step: {found['gflop']} GFLOP, {found['gigabytes']} GB, {found['step']}")
    print(f"reached: {found['gflops_reached']} GFLOP/s, {reached:.1%} of the ceiling")
    for name, row in groups.items():
        print(f"{name:28} {row['share']:6.1%} of the time, {row['least_share']:6.1%} lower bound")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="digits", help="a preset or a YAML file")
    parser.add_argument("--optimizer", default="adamw", help="adamw (the default) or muon")
    parser.add_argument("--batch", type=int, help="default: as in the config")
    parser.add_argument(
        "--rounds", type=int, default=9, help="alternations of step and convolutions"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="per shape of a ceiling")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--smoke", action="store_true", help="a tiny batch, short measurements")
    parser.add_argument("--out", type=Path, default=RESULTS / "roofline.json")
    options = parsed(parser)
    if options.smoke:
        options.batch, options.rounds, options.seconds = 4, 1, 0.0
    return options


if __name__ == "__main__":
    main()
