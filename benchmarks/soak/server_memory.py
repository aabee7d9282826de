"""Claim: what a server keeps is bounded, and beyond that a request takes no memory.

A server keeps its latest pictures for an hour, 4,096 at most, so its memory grows until then: an
hour of `server.py` at a request a second is such a time. Here as many are painted first as are kept
at most, which tells what a kept picture takes; then as many requests as an hour at one a second
has, in few steps and as fast as they come.

    python benchmarks/soak/server_memory.py            minutes on two cores
    python benchmarks/soak/server_memory.py --smoke    a few requests
"""

import argparse
import asyncio
from pathlib import Path
from statistics import fmean
from typing import Any

from crowds import asked, throughput
from serving import served
from trials import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.server.service.limits import MOST_PICTURES, ServiceLimits

MODEL = "digits"
CLIENTS, STEPS = 8, 2
KEPT = ServiceLimits().pictures
HOUR = 3600
"""As many requests as an hour has seconds."""


def grown(sizes: list[float]) -> float:
    """Return the mean of the last tenth less that of the first, in MB."""
    tenth = max(1, len(sizes) // 10)
    return fmean(sizes[-tenth:]) - fmean(sizes[:tenth])


def measured(kept: int, requests: int) -> dict[str, Any]:
    """Fill what a server keeps, then ask on."""
    with served(MODEL, "--max-queue", "1000") as server:
        asyncio.run(throughput(server, CLIENTS, 8 * CLIENTS))  # warm
        before = server.megabytes
        asyncio.run(asked(server, CLIENTS, -(-kept // MOST_PICTURES), n=MOST_PICTURES, steps=STEPS))
        filled = server.megabytes
        sizes = asyncio.run(asked(server, CLIENTS, requests, steps=STEPS))
        held = server.get("/metrics").text
    return {
        "kept_pictures": kept,
        "requests": requests,
        "megabytes": {"before": before, "filled": filled, "after": sizes[-1]},
        "kilobytes_a_kept_picture": round(1024 * (filled - before) / kept, 2),
        "grown": grown(sizes),
        "is_full": f"ddpm_clip_kept_pictures {kept}.0" in held,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a few requests")
    parser.add_argument("--out", type=Path, default=RESULTS / "server_memory.json")
    options = parsed(parser)
    found = measured(40, 40) if options.smoke else measured(KEPT, HOUR)
    what = f"memory of {found['requests']:,} requests, once all is kept that can be"
    claims = [claim(what, found["grown"], 1.0, at_most=True, unit="MB")]
    print_claims(claims)
    write_results(options.out, {"claims": claims, "model": MODEL, **found})


if __name__ == "__main__":
    main()
