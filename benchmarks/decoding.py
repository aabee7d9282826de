"""What a child process adds to the decoding of a picture: the figures of docs/reliability.md.

    python benchmarks/decoding.py

CPU time of this process and its children, so that a busy machine matters little.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from reporting import RESULTS, parsed, write_results

from ddpm_clip.data.pictures import decoding, sandbox

WHITE = (255, 255, 255)
PICTURES = {"PNG, 32 x 32": ("PNG", 32, 32, 200), "JPEG, 3000 x 2000": ("JPEG", 3000, 2000, 4)}
"""Name -> format, width, height, pictures a round."""


def encoded(kind: str, width: int, height: int) -> bytes:
    """A picture of coarse random colours, as bytes."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, 256, (20, 20, 3), generator=generator, dtype=torch.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse.numpy()).resize((width, height), Image.Resampling.BICUBIC).save(
        out, kind
    )
    return out.getvalue()


def here(data: bytes) -> Callable[[], Any]:
    """Decoding in this process."""
    return lambda: decoding.decoded(data, WHITE)


def milliseconds(
    decode: Callable[[], Any], times: int, clock: Callable[[], float], rounds: int
) -> list[float]:
    """Milliseconds of CPU time a picture, round by round."""
    decode()
    found = []
    for _ in range(rounds):
        began = clock()
        for _ in range(times):
            decode()
        found.append(1e3 * (clock() - began) / times)
    return found


def clock_of(child: sandbox.Child) -> Callable[[], float]:
    """CPU seconds of this process and one child of it."""
    stat = Path(f"/proc/{child._process.pid}/schedstat")
    return lambda: time.process_time() + int(stat.read_text().split()[0]) / 1e9


def summed(found: list[float]) -> dict[str, Any]:
    return {
        "milliseconds": round(statistics.median(found), 3),
        "range": [round(min(found), 3), round(max(found), 3)],
        "rounds": len(found),
    }


def measured(rounds: int) -> dict[str, Any]:
    """For each kind of picture: in this process, and in a child."""
    child = sandbox.Child()
    try:
        rows = {}
        for name, (kind, width, height, times) in PICTURES.items():
            data = encoded(kind, width, height)
            away = milliseconds(
                lambda data=data: child.decoded(data, WHITE), times, clock_of(child), rounds
            )
            rows[name] = {
                "here": summed(milliseconds(here(data), times, time.process_time, rounds)),
                "in a child": summed(away),
            }
        return rows
    finally:
        child.close()


def main() -> None:
    options = _options()
    found = measured(options.rounds)
    for name, row in found.items():
        print(name, {where: one["milliseconds"] for where, one in row.items()}, "ms")
    write_results(options.out, {"claims": [], "cpu_milliseconds": found})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS / "decoding.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
