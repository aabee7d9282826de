"""A manifest of a million rows: time and memory needed to open an embedding cache.

`python benchmarks/manifest.py`. Writes a cache of short fake embeddings, shard by shard like an
embedding job, then opens it in a fresh process each time: once the manifest alone, and once with
the first query, which checks the SHA-256 of every shard and looks up every row.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from reporting import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.data.cache.embeddings import EmbeddingCache

KIND = {"embedder_name": "fake", "fingerprint": "f00d", "preprocessing": "none"}
SHARD = 1024
"""Rows per shard: 16 batches of 64."""

SECONDS, MEGABYTES = 2.0, 500.0
"""The targets."""


def picture(i: int) -> tuple[str, str]:
    """Key and content hash of picture i."""
    key = f"a folder of pictures/class {i % 1000:04d}/picture number {i:07d}.jpg"
    return key, hashlib.sha256(key.encode()).hexdigest()


def rows(n: int) -> Iterator[tuple[list[str], list[str]]]:
    """Yield keys and content hashes, one shard at a time."""
    for start in range(0, n, SHARD):
        pairs = [picture(i) for i in range(start, min(start + SHARD, n))]
        yield [key for key, _ in pairs], [hash_ for _, hash_ in pairs]


def make(folder: Path, n: int, dim: int) -> dict[str, float]:
    """Write the cache; returns the time per shard, at the beginning and at the end."""
    cache, seconds = EmbeddingCache.open_or_create(folder, dim=dim, **KIND), []
    for keys, digests in rows(n):
        began = time.perf_counter()
        cache.append(keys, digests, torch.ones(len(keys), dim))
        seconds.append(time.perf_counter() - began)
    began = time.perf_counter()
    cache.settle()
    tenth = max(1, len(seconds) // 10)
    return {
        "shards": len(seconds),
        "first_tenth_ms_a_shard": 1000 * median(seconds[:tenth]),
        "last_tenth_ms_a_shard": 1000 * median(seconds[-tenth:]),
        "settle_seconds": time.perf_counter() - began,
    }


def resident(what: str = "VmHWM") -> float:
    """Memory of this process in MB: the peak so far, or with `VmRSS` the current value."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) * 1024 / 1e6


def child(folder: Path, n: int, dim: int, ask: bool) -> None:
    """The work of a fresh process; prints its figures as JSON on stdout."""
    asked = [row for part in rows(n) for row in zip(*part, strict=True)] if ask else []
    keys, digests = [key for key, _ in asked], [hash_ for _, hash_ in asked]
    del asked
    before, began = resident("VmRSS"), time.perf_counter()
    cache = EmbeddingCache.open_or_create(folder, dim=dim, **KIND)
    facts = {"open_seconds": time.perf_counter() - began, "open_growth_mb": resident() - before}
    assert len(cache) == n
    if ask:
        began = time.perf_counter()
        assert not cache.missing(keys, digests)
        facts["missing_seconds"] = time.perf_counter() - began
        began = time.perf_counter()
        assert bool((cache.lookup(keys, digests) == 1).all())
        facts |= {"lookup_seconds": time.perf_counter() - began, "growth_mb": resident() - before}
    print(json.dumps(facts))


def measured(folder: Path, n: int, dim: int, repeats: int, ask: bool) -> dict[str, Any]:
    """Medians over fresh processes, together with all values."""
    words = [sys.executable, __file__, "--child", str(folder), "--rows", str(n), "--dim", str(dim)]
    words += ["--ask"] if ask else []
    runs = [
        json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        for _ in range(repeats)
    ]
    return {
        key: {
            "median": round(median(one[key] for one in runs), 3),
            "all": [round(one[key], 3) for one in runs],
        }
        for key in runs[0]
    }


def main() -> None:
    options = _options()
    if options.child:
        child(options.child, options.rows, options.dim, options.ask)
        return
    with tempfile.TemporaryDirectory() as home:
        made = make(Path(home) / "cache", options.rows, options.dim)
        how = (Path(home) / "cache", options.rows, options.dim, options.repeats)
        opened, asked = measured(*how, False), measured(*how, True)
        size = (Path(home) / "cache" / "manifest.parquet").stat().st_size
    seconds, memory = opened["open_seconds"]["median"], opened["open_growth_mb"]["median"]
    opening = f"to open a cache of {options.rows:,} rows"
    claims = [
        claim(f"time {opening}", seconds, SECONDS, at_most=True, unit="s"),
        claim(f"memory {opening}", memory, MEGABYTES, at_most=True, unit="MB"),
    ]
    print_claims(claims)
    write_results(
        options.out,
        {
            "claims": claims,
            "rows": options.rows,
            "dim": options.dim,
            "manifest_bytes": size,
            "written": {key: round(value, 3) for key, value in made.items()},
            "opened": opened,
            "opened_and_asked": asked,
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "manifest.json")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)
    return parsed(parser)


if __name__ == "__main__":
    main()
