"""Claim: the server mixes, loses and leaks nothing, and its schema is true.

Serves `digits` in a process of its own. A crowd of clients of whom many leave or cancel gets the
pictures that were painted alone before; a flood beyond the queue is refused at once; schemathesis
sends what the schema allows and what it forbids; an hour of steady requests must not take memory.
Pictures a second with 1, 8 and 64 clients are compared with one request after the other.

    python benchmarks/soak/server.py                        an hour and a half on two cores
    python benchmarks/soak/server.py --parts crowd,speed    some parts
    python benchmarks/soak/server.py --smoke                a few requests of each
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crowds import crowd, flood, steady, throughput
from serving import served
from trials import RESULTS, claim, parsed, print_claims, write_results

MODEL = "digits"
QUEUE = 32
ROOM = ("--max-queue", "1000")
SHORT = ("--max-seconds", "5")
OPERATIONS = 15
"""So many examples of each operation make the cases, and some more."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each part is done."""

    clients: int = 64
    each: int = 20
    seeds: int = 16
    flood: int = 1000
    cases: int = 10_000
    seconds: float = 3600.0
    pictures: int = 192
    requests: int = 1000


SMOKE = Sizes(clients=4, each=3, seeds=2, flood=60, cases=50, seconds=10.0, pictures=8, requests=10)

Found = tuple[dict[str, Any], list[dict[str, Any]]]
"""What a part measured, and its claims."""


def crowd_part(sizes: Sizes) -> Found:
    """AP3."""
    with served(MODEL, *ROOM) as server:
        found = asyncio.run(crowd(server, sizes.clients, sizes.each, sizes.seeds))
    of = f"of {sizes.clients * sizes.each:,}"
    return found, [
        claim(f"wrong pictures, {of} requests", found["wrong"], 0, at_most=True, unit="pictures"),
        claim(f"lost answers, {of} requests", found["lost"], 0, at_most=True, unit="answers"),
        claim(
            "greatest difference of a pixel, painted together or alone",
            found["greatest_gap"],
            1,
            at_most=True,
            unit="of 255",
        ),
    ]


def flood_part(sizes: Sizes) -> Found:
    """AP4."""
    with served(MODEL, "--max-queue", str(QUEUE)) as server:
        found = asyncio.run(flood(server, sizes.flood))
    grown = found["megabytes"]
    return found, [
        claim("a refusal, 99 %", found["refused_after_p99"], 0.2, at_most=True, unit="s"),
        claim("/healthz meanwhile, 99 %", found["healthz_p99"], 0.1, at_most=True, unit="s"),
        claim("memory taken", grown["most"] - grown["before"], 300, at_most=True, unit="MB"),
        claim("memory kept", grown["after"] - grown["before"], 50, at_most=True, unit="MB"),
        claim("jobs left behind", 0 if found["empty"] else 1, 0, at_most=True, unit="jobs"),
    ]


def speed_part(sizes: Sizes) -> Found:
    """Pictures a second with more and more clients."""
    speeds = {}
    with served(MODEL, *ROOM) as server:
        asyncio.run(throughput(server, 1, 4))  # warm
        for clients in (1, 8, 64):
            speeds[str(clients)] = asyncio.run(throughput(server, clients, sizes.pictures))
    with served(MODEL, *ROOM, "--max-batch", "1") as server:
        speeds["64, one after the other"] = asyncio.run(throughput(server, 64, sizes.pictures))
    ratio = speeds["64"] / speeds["64, one after the other"]
    found = {"pictures_a_second": {name: round(speed, 3) for name, speed in speeds.items()}}
    return found, [claim("64 clients, together or one after the other", ratio, 1.0, unit="x")]


def memory_part(sizes: Sizes) -> Found:
    """Memory after many requests."""
    with served(MODEL, *ROOM) as server:
        asyncio.run(throughput(server, 8, max(8, sizes.requests // 10)))
        before = server.megabytes
        asyncio.run(throughput(server, 8, sizes.requests))
        after = server.megabytes
    found = {"megabytes": {"before": before, "after": after}}
    what = f"memory after {sizes.requests:,} requests"
    return found, [claim(what, after - before, 50, at_most=True, unit="MB")]


NOT_CHECKED = ("ignored_auth", "unsupported_method", "positive_data_acceptance")
"""Without a key there is no authentication in the schema, and a schema cannot say all that a model
refuses, such as more steps than it has. What the schema forbids must be refused."""


FORMS = {"POST /v1/images/edits", "POST /v1/images/variations"}


def is_of_schemathesis(failure: Mapping[str, Any]) -> bool:
    """Whether a failure is none of the server, as seen in schemathesis 4.

    It sends an empty list as a field of a form by sending no such field, and expects a refusal; and
    it cannot draw some files of forms, which ends in an error of its own.
    """
    of_forms = set(failure.get("operations", ())) <= FORMS
    return (failure.get("type") == "AcceptedNegativeData" and of_forms) or (
        failure["title"] == "Runtime Error"
    )


def schema_part(sizes: Sizes) -> Found:
    """AP2: what the schema allows, and what it forbids."""
    with tempfile.TemporaryDirectory() as place, served(MODEL, *ROOM, *SHORT) as server:
        report = Path(place) / "report.json"
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED)),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(max(1, sizes.cases // OPERATIONS)), "--seed", "0"),
            *("--exclude-path-regex", "/events$", "--continue-on-failure", "--no-color"),
            *("--report", "json", "--report-json-path", str(report)),
        ]
        subprocess.run(command, capture_output=True, cwd=place)  # it keeps a folder where it runs
        found = json.loads(report.read_text(encoding="utf-8"))
        alive = server.get("/healthz").status_code == 200
    cases, failures = found["test_cases"], found["failures"] + found["errors"]
    set_aside = [one for one in failures if is_of_schemathesis(one)]
    failures = [one for one in failures if one not in set_aside]
    measured = {"cases": cases, "failures": failures, "set_aside": set_aside, "alive": alive}
    return measured, [
        claim("cases that schemathesis sent", cases["generated"], sizes.cases, unit="cases"),
        claim(
            "different failures among them",
            len(failures) + (not alive),
            0,
            at_most=True,
            unit="failures",
        ),
    ]


def hour_part(sizes: Sizes) -> Found:
    """AP10, an hour of it."""
    with served(MODEL) as server:
        found = asyncio.run(steady(server, sizes.seconds))
    return found, [
        claim("errors in an hour", found["errors"], 0, at_most=True, unit="errors"),
        claim("memory an hour", found["megabytes_an_hour"], 1.0, at_most=True, unit="MB"),
    ]


PARTS: Mapping[str, Callable[[Sizes], Found]] = {
    "crowd": crowd_part,
    "flood": flood_part,
    "speed": speed_part,
    "memory": memory_part,
    "schema": schema_part,
    "hour": hour_part,
}


def main() -> None:
    """Run the parts and write what was found."""
    options = _options()
    sizes, claims, found = SMOKE if options.smoke else Sizes(), [], {}
    for name in options.parts:
        print(name, flush=True)
        found[name], more = PARTS[name](sizes)
        print_claims(more)
        claims += more
    write_results(options.out, {"claims": claims, "model": MODEL, "parts": found})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="which, with commas")
    parser.add_argument("--smoke", action="store_true", help="a few requests of each part")
    parser.add_argument("--out", type=Path, default=RESULTS / "server.json")
    options = parsed(parser)
    options.parts = options.parts.split(",")
    return options


if __name__ == "__main__":
    main()
