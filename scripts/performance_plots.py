"""Draw the plots of docs/performance.md from the JSON of the benchmarks.

Each function takes the result of one benchmark and a path, and draws one PNG.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddpm_clip.utils.plots.curves import Line, Plot, draw_plots

Facts = Mapping[str, Any]
NAMES = {"ours": "ours", "course": "course network", "diffusers": "diffusers, its example"}


def train_step(facts: Facts, path: Path) -> Path:
    """Draw the pictures per second of every arm."""
    arms = sorted(facts["arms"].items(), key=lambda item: -item[1]["per_second"])
    bars = {"pictures per second": [(name, one["per_second"]) for name, one in arms]}
    plot = Plot(f"training, {facts['size']} px, 1 channel", "pictures per second", bars=bars)
    return draw_plots([plot], path, height=0.42 * len(arms) + 1)


def roofline(facts: Facts, path: Path) -> Path:
    """Draw where the time goes beside the lower bounds, and every convolution on the roofline."""
    groups = [(name, row) for name, row in facts["groups"].items() if row["share"] >= 0.005]
    shares = {
        "measured": [(name, 100 * row["share"]) for name, row in groups],
        "lower bound from the ceilings": [(name, 100 * row["least_share"]) for name, row in groups],
    }
    limits = facts["ceilings"]
    flops, gigabytes = limits["convolution_gflops"], limits["memory_gb_per_second"]
    single = facts["single_convolutions"]
    x = [one["flops_per_byte"] for one in single]
    ridge = flops / gigabytes
    ends = [min(*x, ridge) / 1.5, ridge, max(*x, ridge) * 1.5]
    roof = Line(
        "ceilings of this machine", ends, [ends[0] * gigabytes, flops, flops], style="guide"
    )
    dots = [
        Line(
            label,
            [one["flops_per_byte"] for one in some],
            [one["gflops"] for one in some],
            style="dots",
        )
        for label, some in (
            ("forward", [one for one in single if "backward" not in one["name"]]),
            ("backward", [one for one in single if "backward" in one["name"]]),
        )
        if some
    ]
    return draw_plots(
        [
            Plot("a training step", "% of its time", bars=shares),
            Plot(
                "each of its convolutions",
                "FLOPs per byte",
                "GFLOP/s",
                [roof, *dots],
                xscale="log",
                yscale="log",
            ),
        ],
        path,
        height=0.36 * len(groups) + 1,
    )


def sampling(facts: Facts, path: Path) -> Path:
    """Draw success against steps, one line per sampler."""
    lines = []
    for sampler, row in facts["samplers"].items():
        steps, found = [int(one) for one in row], list(row.values())
        lines.append(
            Line(
                sampler,
                steps,
                [100 * one["share"] for one in found],
                [100 * one["interval_95"][0] for one in found],
                [100 * one["interval_95"][1] for one in found],
            )
        )
    return draw_plots(
        [Plot("digits from words", "steps", "% success, with 95 % interval", lines, xscale="log")],
        path,
        height=3.6,
    )


def time_to_quality(facts: Facts, path: Path) -> Path:
    """Draw success against minutes, one line per seed, one colour per arm."""
    lines = [
        Line(
            NAMES.get(arm, arm),
            [point["minutes"] for point in curve["points"]],
            [100 * point["share"] for point in curve["points"]],
        )
        for arm, seeds in facts["curves"].items()
        for curve in seeds.values()
    ]
    return draw_plots(
        [
            Plot(
                "MNIST from scratch, prompted with words",
                "minutes of training",
                "% success",
                lines,
                ylim=(0, 102),
            )
        ],
        path,
        height=3.8,
    )


def cost_growth(facts: Facts, path: Path) -> Path:
    """Draw speed and memory against each setting that is varied."""
    axes = {
        "size": "picture size, px",
        "batch": "batch size",
        "parameters": "parameters",
        "pictures": "pictures in the data set",
    }
    speed: list[Plot] = []
    memory: list[Plot] = []
    for name, label in axes.items():
        points = facts["growth"].get("width" if name == "parameters" else name, [])
        if not points:
            continue
        x = [point[name] for point in points]
        for row, key, text in (
            (speed, "per_second", "pictures per second"),
            (memory, "megabytes", "peak memory, MB"),
        ):
            y = [point[key] for point in points]
            steep, room = name == "size", (0, 1.1 * max(y))
            row.append(
                Plot(
                    "",
                    label,
                    text,
                    [Line("", x, y)],
                    xscale="log",
                    yscale="log" if steep else "linear",
                    ylim=None if steep else room,
                )
            )
    return draw_plots([*speed, *memory], path, columns=len(speed), height=2.8)


PLOTS = {
    "time_to_quality": time_to_quality,
    "train_step": train_step,
    "roofline": roofline,
    "sampling": sampling,
    "cost_growth": cost_growth,
}
