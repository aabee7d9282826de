"""How cost grows: training speed and peak memory by picture size, batch, parameters and data.

`python benchmarks/cost_growth.py` (about six minutes; `--smoke` for a few seconds). One setting is
varied at a time. Every point runs in its own process, to measure its own peak memory.
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from ours import changed, network_of, parameters_of, recipe, training
from reporting import RESULTS, parsed, write_results
from timing import Timing, side_by_side

from ddpm_clip.config.schema import Config

SIZES, BATCHES = (16, 32, 48, 64, 96, 128), (16, 32, 64, 128, 256)
WIDTHS, PICTURES = (0.5, 0.75, 1.0, 1.5, 2.0), (1_000, 10_000, 60_000, 200_000)
START = {"size": 32, "batch": 64, "width": 1.0, "pictures": 10_000}
"""Values of the other settings while one is varied."""


def main() -> None:
    options = _options()
    if options.point:
        return print(json.dumps(measure(options, json.loads(options.point))))
    axes: dict[str, tuple[Any, ...]] = {
        "size": options.sizes,
        "batch": options.batches,
        "width": options.widths,
        "pictures": options.pictures,
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for axis, values in axes.items():
        found[axis] = [in_process(START | {axis: value}, options) for value in values]
    for axis, points in found.items():
        for point in points:
            print(
                f"{axis:9} {point[axis]:>8}: {point['per_second']:8.1f} pictures/s, "
                f"{point['megabytes']:6.0f} MB, {point['parameters']:,} parameters"
            )
    write_results(options.out, {"config": options.config, "start": START, "growth": found})


def in_process(point: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Measure one point in a fresh interpreter."""
    command = [
        sys.executable,
        __file__,
        "--config",
        options.config,
        "--rounds",
        str(options.rounds),
        "--point",
        json.dumps(point),
    ]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    facts: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    print(facts, flush=True)
    return facts


def measure(options: argparse.Namespace, point: dict[str, Any]) -> dict[str, Any]:
    """Measure the speed of the training step at a point, and the peak memory of this process."""
    config = settled(options.config, point)
    before = _peak()
    with training(config, point["pictures"]) as steps:
        timing: Timing = side_by_side({"step": lambda: next(steps)}, options.rounds)["step"]
        peak = _peak()
    return (
        point
        | timing.as_dict(config.training.batch_size)
        | {
            "parameters": parameters_of(network_of(config)),
            "down_chs": config.model.down_chs,
            "megabytes": round(peak),
            "megabytes_before": round(before),
        }
    )


def settled(name: str, point: dict[str, Any]) -> Config:
    """Return the config of a point."""
    config = recipe(name, {"data.image_size": point["size"], "training.batch_size": point["batch"]})
    chs = [32 * max(1, round(ch * point["width"] / 32)) for ch in config.model.down_chs]
    return changed(config, {"model.down_chs": chs})


def _peak() -> float:
    """Peak memory of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="digits", help="a preset or a YAML file")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument(
        "--widths", type=float, nargs="+", default=WIDTHS, help="multiples of the channels"
    )
    parser.add_argument("--pictures", type=int, nargs="+", default=PICTURES)
    parser.add_argument("--rounds", type=int, default=5, help="timed steps per point")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    parser.add_argument("--smoke", action="store_true", help="measure only two points")
    parser.add_argument("--out", type=Path, default=RESULTS / "cost_growth.json")
    options = parsed(parser)
    if options.smoke:
        options.sizes, options.batches, options.widths, options.pictures = [16], [4], [], []
        options.rounds = 1
    return options


if __name__ == "__main__":
    main()
