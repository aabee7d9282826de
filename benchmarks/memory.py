"""Claim: in memory-mapped mode, training on more pictures takes no more memory.

For each count, tar shards of random noise are written and `ddpm-clip train` runs on them in its own
process, whose anonymous memory is read from outside many times a second, from the first import to
the last step. Pages of mapped files do not count: the system reclaims those when it needs them.

    python benchmarks/memory.py                     10,000 and 100,000 pictures, a few minutes
    python benchmarks/memory.py --counts 500 1000   a quick try

Linux only: it reads /proc.
"""

import argparse
import io
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from reporting import RESULTS, claim, parsed, print_claims, write_results

SHARD = 10_000
"""Pictures per shard."""

CLASSES = 512
"""As many as CLIP has dimensions, so that a one-hot vector is as long as a CLIP embedding."""

SIDE, BATCH = 16, 32
MOST = 1.10
"""Largest memory of the larger training, relative to the smaller one."""

SETTINGS = [
    "embedder.name=labels", f"data.image_size={SIDE}", "data.memory_limit_mb=1",
    "data.heldout=128", f"training.batch_size={BATCH}", "training.dtype=float32",
    "training.sample_every=0", "training.animation=false", "training.threads=1",
    "model.down_chs=[16, 32, 32]", "model.t_embed_dim=16", "diffusion.timesteps=100",
]  # fmt: skip


def write_shards(folder: Path, n: int) -> None:
    """Write `n` pictures of noise with a class each, one shard at a time."""
    folder.mkdir(parents=True)
    for first in range(0, n, SHARD):
        with tarfile.open(folder / f"shard-{first // SHARD:06d}.tar", "w") as tar:
            for i in range(first, min(first + SHARD, n)):
                put(tar, f"{i:07d}.bmp", picture(i))
                put(tar, f"{i:07d}.cls", str(i % CLASSES).encode())


def put(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def picture(i: int) -> bytes:
    """A bitmap of noise, uncompressed, so that a hundred thousand take only seconds."""
    size = 3 * SIDE * SIDE
    head = struct.pack(
        "<2sIHHIIiiHHIIiiII",
        b"BM",
        54 + size,
        0,
        0,
        54,
        40,
        SIDE,
        SIDE,
        1,
        24,
        0,
        size,
        2835,
        2835,
        0,
        0,
    )
    return head + np.random.default_rng(i).bytes(size)


def measure(n: int, steps: int) -> dict[str, Any]:
    """Peak anonymous memory of one training on `n` pictures, in MiB."""
    with tempfile.TemporaryDirectory() as home:
        write_shards(Path(home, "shards"), n)
        words = [
            "train",
            f"wds:{home}/shards",
            "--out",
            f"{home}/run",
            "--steps",
            str(steps),
            *(word for setting in SETTINGS for word in ("--set", setting)),
        ]
        start = time.perf_counter()
        code = "import sys; from ddpm_clip.cli.main import main; sys.exit(main(sys.argv[1:]))"
        child = subprocess.Popen([sys.executable, "-c", code, *words], cwd=home)
        peak = watched(child)
        if child.returncode:
            raise SystemExit(f"training on {n} pictures ended with exit code {child.returncode}")
        return {
            "pictures": n,
            "seconds": round(time.perf_counter() - start, 1),
            "pixels_mib": round(n * 3 * SIDE * SIDE / 2**20, 1),
            "embeddings_mib": round(n * CLASSES * 2 / 2**20, 1),
        } | peak


def watched(child: subprocess.Popen[bytes]) -> dict[str, float]:
    """Peak memory in MiB by kind, until the process ends."""
    peak: dict[str, float] = {}
    while child.poll() is None:
        try:
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
        except OSError:
            break
        for kind, kib in re.findall(r"Rss(Anon|File|Shmem):\s+(\d+) kB", status):
            name = f"{kind.lower()}_mib"
            peak[name] = max(peak.get(name, 0), round(int(kib) / 1024, 1))
        time.sleep(0.01)
    child.wait()
    return peak


def main() -> None:
    """Measure each count, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS / "memory.json")
    options = parsed(parser)
    rows = []
    for n in options.counts:
        rows.append(measure(n, options.steps))
        print("  ".join(f"{name} {value:,}" for name, value in rows[-1].items()), flush=True)
    ratio = rows[-1]["anon_mib"] / rows[0]["anon_mib"]
    held = claim(
        f"anonymous memory of training on {options.counts[-1]:,} pictures, relative to "
        f"{options.counts[0]:,} pictures",
        ratio,
        MOST,
        at_most=True,
    )
    print_claims([held])
    write_results(
        options.out, {"rows": rows, "claims": [held], "settings": SETTINGS, "steps": options.steps}
    )


if __name__ == "__main__":
    main()
