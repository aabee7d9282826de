"""Fill docs/performance.md, and draw its plots, from benchmarks/results/.

    python scripts/write_performance_page.py [--check]

Replaces the text between `<!-- performance: begin -->` and `<!-- performance: end -->`. A benchmark
without a result gets no section. With `--check` nothing is written, and the exit code is 1 if the
page is out of date.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from marked_pages import filled
from page_tables import claims_table, read_results
from page_tables import table as _table
from performance_plots import NAMES, PLOTS

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = ROOT / "benchmarks" / "results", ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images" / "performance"
MARK = "performance"
ALSO = {
    "embedding": "`embed`, with a randomly initialised encoder the size of ViT-B/32",
    "manifest": "opening a large embedding cache",
    "memory": "memory of a training run",
}
"""Results without a section of their own, of which only the claims are shown."""

Facts = Mapping[str, Any]


def body(folder: Path = RESULTS) -> str:
    """The table of claims, then one section per benchmark."""
    found = read_results(folder, sorted([*SECTIONS, *ALSO]))
    parts = [f"## Targets\n\n{claims}"] if (claims := claims_table(found)) else []
    if also := [
        f"- {what}: {_origin(found[name])}" for name, what in ALSO.items() if name in found
    ]:
        parts.append("Measurements without a section below:\n\n" + "\n".join(also))
    for name, section in SECTIONS.items():
        if name in found:
            parts.append("\n\n".join([*section(found[name]), *_plot(name), _origin(found[name])]))
    return "\n\n".join(parts)


def _time_to_quality(facts: Facts) -> list[str]:
    bars = list(next(iter(facts["arms"].values()))["minutes_to"])
    rows = []
    for arm, one in facts["arms"].items():
        reached = [
            "never" if one["minutes_to"][bar] is None else f"{one['minutes_to'][bar]:.1f}"
            for bar in bars
        ]
        low, high = one["last_interval_95"]
        rows.append(
            [
                NAMES.get(arm, arm),
                f"{one['parameters']:,}",
                str(one["seeds"]),
                *reached,
                f"{one['last_minutes']:.0f}",
                f"{one['last_share']:.1%}",
                f"{low:.1%} to {high:.1%}",
            ]
        )
    head = [
        "trained from scratch",
        "parameters",
        "seeds",
        *(f"minutes to {bar}" for bar in bars),
        "minutes in all",
        "final success",
        "95 % interval",
    ]
    return [
        "## Time to quality",
        "Training starts from MNIST alone. The clock counts decoding, the mini-CLIP, embedding and "
        "every step, and pauses only while the EMA weights are judged. All arms get the same "
        "condition vectors and the same judge. The diffusers arm is a `UNet2DModel` with an equal "
        "number of parameters, trained by the recipe of its unconditional example; the course "
        "network uses the course's schedule and loss. Each of these two is sampled with whichever "
        "is better, DPM++ 2M (20 steps) or DDIM (50). "
        f"{_pictures_a_point(facts)} pictures per point.",
        _table(head, rows, "l" + "r" * (len(head) - 1)),
    ]


def _pictures_a_point(facts: Facts) -> str:
    found = sorted(
        {
            point["n"]
            for seeds in facts["curves"].values()
            for curve in seeds.values()
            for point in curve["points"]
        }
    )
    return " or ".join(f"{n:,}" for n in found)


def _train_step(facts: Facts) -> list[str]:
    arms = sorted(facts["arms"].items(), key=lambda item: -item[1]["per_second"])
    rows = [
        [
            name,
            f"{one['parameters']:,}",
            str(one["batch"]),
            one.get("setting", "as trained"),
            f"{one['per_second']:.1f}",
        ]
        for name, one in arms
    ]
    ratios = [
        [peer, _ratio(one["equal_parameters"]), _ratio(one["as_it_is"])]
        for peer, one in facts["ratios"].items()
    ]
    text = [
        "## Training step",
        f"Pictures are {facts['size']} px with one channel. Ours is the complete training step of "
        f"`{facts['config']}`, including data, conditions and the EMA; the peers are measured "
        "without data, conditions and EMA, which is in their favour. The arms alternate in one "
        "process.",
        _table(["arm", "parameters", "batch", "setting", "pictures per second"], rows, "lrrlr"),
        _table(["ours relative to", "at equal parameters", "as shipped"], ratios, "lrr"),
        "Settings of the peers, each at its better batch size:",
        _table(["peer", "setting", "batch", "pictures per second"], _tried(facts), "llrr"),
    ]
    return [part for part in text if part]


def _ratio(one: Mapping[str, float]) -> str:
    return f"{one['median']:.2f}x ({one['low']:.2f} to {one['high']:.2f})"


def _tried(facts: Facts) -> list[list[str]]:
    rows = []
    for peer, settings in facts["settings_of_the_peers"].items():
        if "absent" in settings:
            rows.append([peer, f"skipped: {settings['absent']}", "", ""])
        for setting, one in settings.items():
            if isinstance(one, dict) and "per_second" in one:
                rows.append([peer, setting, str(one["batch"]), f"{one['per_second']:.1f}"])
            elif isinstance(one, dict):
                rows.append([peer, f"{setting}: {one['reason']}", "", ""])
    return rows


def _roofline(facts: Facts) -> list[str]:
    limits, step = facts["ceilings"], facts["step"]
    matrices = ", ".join(f"{v:,.0f} in {k}" for k, v in limits["matrix_product_gflops"].items())
    rows = [
        [
            name,
            str(row["calls"]),
            f"{row['gflop']:.2f}",
            f"{row['gigabytes']:.3f}",
            f"{row['share']:.1%}",
            f"{row['least_share']:.1%}",
        ]
        for name, row in facts["groups"].items()
    ]
    return [
        f"## Roofline of the training step, with {facts.get('optimizer', 'adamw')}",
        f"Ceilings measured in the same run ({facts['dtype']}): convolutions "
        f"{limits['convolution_gflops']:,.0f} GFLOP/s, forward and backward; matrix products "
        f"{matrices} GFLOP/s; memory {limits['memory_gb_per_second']:.1f} GB/s. A step of "
        f"{facts['batch']} pictures takes {facts['gflop']:,.1f} GFLOP (convolutions, linear layers "
        f"and matrix products, forward and backward) and would move {facts['gigabytes']:.2f} GB "
        f"without caches. It runs in {step['seconds']:.3f} s, {step['per_second']:.0f} pictures "
        f"per second: {facts['gflops_reached']:,.0f} GFLOP/s, "
        f"{facts['share_of_ceiling']:.0%} of the convolution ceiling. Its convolutions alone "
        f"would take {facts['convolutions_alone']['seconds']:.3f} s.",
        _table(
            [
                "part of the step",
                "calls",
                "GFLOP",
                "GB",
                "share of the time",
                "lower bound from the ceilings",
            ],
            rows,
            "lrrrrr",
        ),
    ]


def _group_norm(facts: Facts) -> list[str]:
    widths = list(next(iter(facts["milliseconds"].values())))
    rows = [
        [name, *(f"{row[width]:.2f}" for width in widths)]
        for name, row in facts["milliseconds"].items()
    ]
    return [
        "## GroupNorm by group width",
        f"Milliseconds for a forward and backward pass over {facts['batch']} feature maps of "
        f"{facts['channels']} x {facts['side']} x {facts['side']} in channels_last, by channels "
        "per group. `model.norm_groups` defaults to groups of 16 channels: with bfloat16, "
        "narrower groups miss the vectorised kernel.",
        _table(["", *(f"{width} channels" for width in widths)], rows, "l" + "r" * len(widths)),
    ]


def _sampling(facts: Facts) -> list[str]:
    walks = [
        [name, f"{one['seconds']:.2f}", f"{facts['success'][name]['share']:.1%}"]
        for name, one in facts["walks"].items()
    ]
    pair = facts["paired"]
    steps = list(next(iter(facts["samplers"].values())))
    grid = [
        [f"`{sampler}`", *(f"{row[one]['share']:.1%}" for one in steps)]
        for sampler, row in facts["samplers"].items()
    ]
    low, high = pair["interval_95"]
    return [
        "## Sampling",
        f"{facts['pictures']} digits from the same prompts and seeds in one batch, with the same "
        f"network, dtype and guidance scale {facts['guidance']:g}: the default sampler "
        f"(`{facts['sampler']}`, {facts['steps']} steps) against {facts['ancestral_steps']} "
        "ancestral steps with both guidance branches at every step.",
        _table(["", "seconds", "success"], walks, "lrr"),
        f"The default is {facts['times_as_fast']['median']:.1f} times as fast. Over "
        f"{pair['n']} paired pictures its success differs by {pair['difference']:+.1%} "
        f"(95 % interval {low:+.1%} to {high:+.1%}; McNemar p = {pair['mcnemar_p']:.2g}).",
        "Success of every sampler by number of steps, on the same prompts and seeds "
        f"({next(iter(facts['samplers'].values()))[steps[0]]['n']} pictures each; `heun` evaluates "
        "the network twice per step):",
        _table(["sampler", *(f"{one} steps" for one in steps)], grid, "l" + "r" * len(steps)),
    ]


def _startup(facts: Facts) -> list[str]:
    rows = []
    for name, one in facts["starts"].items():
        low, high = one["seconds_range"]
        rows.append([name, f"{one['seconds']:.2f}", f"{low:.2f} to {high:.2f}"])
    return [
        "## Cold start",
        "Each run is a fresh process with a warm page cache.",
        _table(["from the shell", "seconds, median", "range"], rows, "lrr"),
    ]


def _busy(facts: Facts) -> list[str]:
    work, machine, arms = facts["work"], facts["machine"], []
    rows = []
    for name, places in facts["measured"].items():
        for where, each in places.items():
            arms = list(each)
            cells = [cell for one in each.values() for cell in _beside(one)]
            rows.append([f"{name}, {where}", *cells])
    head = [text for arm in arms for text in (f"{arm}: seconds", "CPU seconds", "relative")]
    analyses = "all" if work["analyses"] == "all" else work["analyses"].replace(",", " and ")
    used = f"{machine['cpus_used_by_others']:.2f} of {facts['cpus']} CPUs"
    return [
        "## On a busy machine",
        f"`generate` paints {work['pictures']} digits from the shell, a training step is one of "
        f"the preset `digits` once steps are steady (mean of {work['steps']}), and `explain "
        f"--quick` makes {analyses} from the shell. Beside them runs nothing, one endless loop, "
        "or one on every core. The arms alternate; every measurement is a fresh process. Seconds "
        "and CPU seconds (those of steps with their preparation) are medians. Relative is the time "
        f"as a multiple of {facts['reference']} alone, round by round: median (smallest to "
        f"largest). Meanwhile all other processes used {used}."
        + ("" if machine["idle"] else " **The machine was not idle: measure again.**"),
        _table(["", *head], rows, "l" + "r" * len(head)),
    ]


def _beside(one: Facts) -> list[str]:
    low, high = one["seconds_range"]
    seconds = f"{one['seconds']:.2f} ({low:.2f} to {high:.2f})"
    return [seconds, f"{one['cpu_seconds']:.1f}", _ratio(one["relative"])]


def _cost_growth(facts: Facts) -> list[str]:
    rows = []
    for axis, points in facts["growth"].items():
        label = {
            "size": "px",
            "batch": "pictures per batch",
            "width": "times the channels",
            "pictures": "pictures in the data set",
        }[axis]
        for one in points:
            rows.append(
                [
                    f"{one[axis]:,} {label}",
                    f"{one['parameters']:,}",
                    f"{one['per_second']:.1f}",
                    f"{one['megabytes']:,.0f}",
                ]
            )
    start = facts["start"]
    return [
        "## How cost grows",
        f"One setting is varied at a time, starting from {start['size']} px, batch size "
        f"{start['batch']} and {start['pictures']:,} pictures held in memory; every point runs in "
        "its own process. Peak memory includes PyTorch itself.",
        _table(["varied", "parameters", "pictures per second", "peak MB"], rows, "lrrr"),
    ]


SECTIONS = {
    "time_to_quality": _time_to_quality, "train_step": _train_step, "roofline": _roofline,
    "roofline_muon": _roofline,
    "group_norm": _group_norm, "sampling": _sampling, "startup": _startup,
    "busy": _busy, "cost_growth": _cost_growth,
}  # fmt: skip


def _plot(name: str) -> list[str]:
    title = name.replace("_", " ")
    return [f"![{title}](images/performance/{name}.png)"] if name in PLOTS else []


def _origin(facts: Facts) -> str:
    made = facts["made"]
    can = ", ".join(made.get("cpu_can", [])) or "no wide vector units"
    return (
        f"`{made['command']}`, {made['date'][:10]}, {made['cpu']} ({can}), {made['threads']} "
        f"threads, {made.get('dtype', 'float32')}, torch {made['torch']}."
    )


def draw(folder: Path = RESULTS, images: Path = IMAGES) -> list[Path]:
    """Draw the plot of every result that has one."""
    return [
        plot(json.loads(path.read_text(encoding="utf-8")), images / f"{name}.png")
        for name, plot in PLOTS.items()
        if (path := folder / f"{name}.json").is_file()
    ]


def main() -> int:
    """Write the page and its plots, or check the page."""
    text = PAGE.read_text(encoding="utf-8")
    wanted = filled(text, MARK, body())
    if "--check" in sys.argv[1:]:
        return int(wanted != text)
    PAGE.write_text(wanted, encoding="utf-8")
    for path in draw():
        print(f"drawn: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
