"""Claim: of two trainings on one folder exactly one trains, and the other exits at once.

Twenty times, two processes are started cold on the same new folder, imports included, as a person
or a cluster would start them. One must train to the end; the other must exit with code 75 within
two seconds of its start, name the holder of the lock, and leave no trace in the run.

    python benchmarks/soak/races.py                ten minutes on two cores
    python benchmarks/soak/races.py --smoke        two races
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from toy import LIMIT, difference, facts_of, one_thread, train_words, unbroken
from trials import RESULTS, Trials, claim, parsed, print_claims, write_results

QUICK = 2.0
"""Seconds from its start within which the losing process must exit."""

BUSY = 75
START = "import sys; from ddpm_clip.cli.main import main; sys.exit(main())"


def trial(rng: random.Random, wanted: dict[str, str]) -> dict[str, Any]:
    """Start two processes, at the same time or shortly after each other."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        words, gap = train_words(home), rng.choice((0.0, 0.0, rng.uniform(0, 3)))
        racers = []
        for number in range(2):
            racers.append(_started(words, home / f"racer-{number}.log"))
            time.sleep(gap if number == 0 else 0)
        ends = _ends(racers)
        codes = sorted(code for code, _ in ends)
        late = max((seconds for code, seconds in ends if code == BUSY), default=None)
        said = "".join((home / f"racer-{k}.log").read_text(encoding="utf-8") for k in range(2))
        differs = difference(facts_of(home / "run"), wanted) if 0 in codes else ["exit"]
        return {
            "codes": codes,
            "gap": round(gap, 3),
            "differs": differs,
            "named": "by process" in said,
            "loser_seconds": late and round(late, 3),
        }


def _started(words: list[str], log: Path) -> tuple[subprocess.Popen[bytes], float]:
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", START, *words],
            stdout=file,
            stderr=file,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    return process, time.monotonic()


def _ends(racers: list[tuple[subprocess.Popen[bytes], float]]) -> list[tuple[int, float]]:
    """(exit code, seconds from its start) of each."""
    found: dict[int, tuple[int, float]] = {}
    until = time.monotonic() + LIMIT
    while len(found) < len(racers) and time.monotonic() < until:
        for process, began in racers:
            if process.pid not in found and process.poll() is not None:
                found[process.pid] = (process.returncode, time.monotonic() - began)
        time.sleep(0.005)
    for process, _ in racers:
        if process.pid not in found:
            process.kill()
            process.wait()
    return [found.get(process.pid, (124, LIMIT)) for process, _ in racers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=20)
    parser.add_argument("--again", action="store_true", help="discard finished races")
    parser.add_argument("--smoke", action="store_true", help="only two races")
    parser.add_argument("--out", type=Path, default=RESULTS / "races.json")
    options = parsed(parser)
    races = 2 if options.smoke else options.races
    one_thread()
    trials = Trials("races", options.again)
    with tempfile.TemporaryDirectory() as place:
        wanted, _ = unbroken(Path(place) / "whole")
    rows = []
    for row in trials.run("race", races, partial(trial, wanted=wanted)):
        rows.append(row)
        print(f"race {row['number']}: {row}", flush=True)
    undecided = [row for row in rows if row["codes"] != [0, BUSY] or not row["named"]]
    mixed = [row for row in rows if row["differs"]]
    seconds = [row["loser_seconds"] for row in rows]
    slowest = LIMIT if None in seconds else max(seconds, default=LIMIT)
    kept = [
        claim(
            f"races without exactly one winner, of {races}",
            len(undecided),
            0,
            at_most=True,
            unit="races",
        ),
        claim(
            f"runs that contain anything of the losing process, of {races}",
            len(mixed),
            0,
            at_most=True,
            unit="races",
        ),
        claim(
            "slowest exit of the losing process, from a cold start",
            slowest,
            QUICK,
            at_most=True,
            unit="s",
        ),
    ]
    print_claims(kept)
    write_results(options.out, {"claims": kept, "races": rows})
    trials.finished()


if __name__ == "__main__":
    main()
