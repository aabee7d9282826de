"""What random crops cost: preparing, memory of the data, disk, and drawing a batch.

`python benchmarks/random_crops.py`. Prepares the same drawn flowers with 0, 1, 4 and 8 random crops
of each, with the shipped mini-CLIP of `flowers`, and draws batches of them in alternation.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import side_by_side

from ddpm_clip.build import build_ddpm
from ddpm_clip.config.resolve import Layer, merge
from ddpm_clip.config.schema import Config
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.process_group import ALONE
from ddpm_clip.training.steps.batches import Batches
from ddpm_clip.training.steps.prepared import Prepared
from ddpm_clip.utils.generators import finish

COUNTS = (0, 1, 4, 8)

MOST_MS = 2.0
"""Most that eight crops may add to the drawing of a batch of 64, in milliseconds."""


def settings(pictures: int, crops: int) -> Config:
    """A run on drawn flowers of 48 pixels."""
    values = {
        "data.source": f"drawn-flowers:{pictures}",
        "data.image_size": 48,
        "data.random_crop": crops,
        "embedder.name": "mini_clip",
        "embedder.model": "flowers",
        "training.device": "cpu",
    }
    return merge([Layer("benchmark", values)])[0]


def prepared(config: Config, home: Path) -> tuple[Prepared, dict[str, float]]:
    """Prepare a run from nothing; returns its data, and what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    data = finish(prepare(Run.create(home, config)))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    parts = [data, *data.crops]
    cached = [path for path in home.glob("embeddings*/*") if path.is_file()]
    return data, {
        "prepare_seconds": seconds,
        "prepare_cpu_seconds": cpu,
        "pixels_mb": sum(one.pixels.nbytes for one in parts) / 1e6,
        "embeddings_mb": sum(one.embeddings.nbytes for one in parts) / 1e6,
        "disk_mb": sum(path.stat().st_size for path in cached) / 1e6,
    }


def drawing(config: Config, data: Prepared) -> Any:
    """A function that draws the batch of the next step."""
    ddpm, steps = build_ddpm(config.diffusion), iter(range(10**9))
    cpu = torch.device("cpu")
    batches = Batches(config, data, data.rows, ddpm, cpu, ALONE)

    def draw() -> None:
        batches.of(next(steps), torch.Generator().manual_seed(0))

    return draw


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS / "random_crops.json")
    given = parsed(parser)
    rows, draws = {}, {}
    with tempfile.TemporaryDirectory() as home:
        for crops in COUNTS:
            config = settings(given.pictures, crops)
            data, rows[str(crops)] = prepared(config, Path(home) / str(crops))
            draws[str(crops)] = drawing(config, data)
        timed = side_by_side(draws, given.repeats)
    for name, row in rows.items():
        row["draw_ms"] = 1000 * timed[name].median
        print(f"{name} crops:", {key: round(value, 2) for key, value in row.items()})
    more = timed["8"].median - timed["0"].median
    claims = [claim("time a batch by eight crops", 1000 * more, MOST_MS, at_most=True, unit="ms")]
    print_claims(claims)
    write_results(given.out, {"pictures": given.pictures, "crops": rows, "claims": claims})


if __name__ == "__main__":
    main()
