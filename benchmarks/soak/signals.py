"""Claim: Ctrl-C and SIGTERM always give the right exit code, a checkpoint and a way to resume.

Fifty of each at random times of training, including embedding, sampling and the last pictures. The
exit code must be 130 or 143, the last line must name a command that resumes, the checkpoint that it
names must exist, and the resumed run must be bit-identical to an uninterrupted one.

    python benchmarks/soak/signals.py              half an hour on two cores
    python benchmarks/soak/signals.py --smoke      three signals of each kind
"""

import argparse
import random
import re
import shlex
import shutil
import signal
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from toy import (
    STEPS,
    Child,
    Ended,
    command,
    facts_of,
    interval,
    one_thread,
    other_bits,
    trained,
    unbroken,
)
from trials import RESULTS, Trials, claim, parsed, print_claims, write_results

from ddpm_clip.runs.run import Run

CODES = {"SIGINT": 130, "SIGTERM": 143}
QUICK = 10.0
"""Seconds within which a signal must end the process."""

TRIES = 50
GO_ON = re.compile(r"Continue: ddpm-clip (resume .+)$")
SAVED = re.compile(r"Interrupted at step ([\d,]+)\. Saved (.+)\. Continue: ")


def trial(rng: random.Random, name: str, seconds: float, wanted: dict[str, str]) -> dict[str, Any]:
    """Send one signal, check how training ended, and resume the run to its end."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "trial"
        for _ in range(TRIES):
            child = trained(home)
            time.sleep(rng.uniform(0, seconds))
            if not child.is_over():
                break
            child.wait()
            shutil.rmtree(home)
        began = time.monotonic()
        child.send(getattr(signal, name))
        ended = child.wait()
        answered = time.monotonic() - began
        if ended.code == 0:  # already exiting: the signal came after the last line
            return {"when": "at the end", "wrong": _wrong_at_the_end(home, wanted), "answered": 0}
        when, words, wrong = judged(home, ended, CODES[name])
        last = Child(command(words), home / "log").wait() if words else trained(home).wait()
        if last.code:
            wrong.append(f"resuming ended with {last.code}: {last.err[-200:]}")
        else:
            wrong += [f"differs: {one}" for one in other_bits(facts_of(home / "run"), wanted)]
        return {"when": when, "wrong": wrong, "answered": round(answered, 3)}


def judged(home: Path, ended: Ended, code: int) -> tuple[str, list[str], list[str]]:
    """The phase of training, the words of the command that resumes, and what is wrong."""
    last = (ended.err.strip().splitlines() or [""])[-1]
    run, found, wrong = home / "run", GO_ON.search(last), []
    if not (run / "config.yaml").is_file():  # there was no run yet to resume
        # before its handlers are installed, a process is ended by the system
        fine = ended.code == code or ended.code == 128 - code
        return "before the run", [], [] if fine else [f"exit {ended.code}: {last}"]
    if ended.code != code:
        wrong.append(f"exit {ended.code}, not {code}: {last}")
    if found is None:
        wrong.append(f"the last line names no command to resume: {last}")
    if saved := SAVED.search(last):
        step = int(saved[1].replace(",", ""))
        if not Path(saved[2]).is_dir() or Run.open(run).checkpoint_steps()[-1] != step:
            wrong.append(f"the checkpoint of step {step} is missing")
        when = "in the steps"
    else:
        done = max(Run.open(run).checkpoint_steps(), default=0)
        if 0 < done < STEPS:
            wrong.append(f"steps were taken but not mentioned: {last}")
        when = "after the last step" if done else "before the first step"
    return when, shlex.split(found[1]) if found else [], wrong


def _wrong_at_the_end(home: Path, wanted: dict[str, str]) -> list[str]:
    return [f"differs: {one}" for one in other_bits(facts_of(home / "run"), wanted)]


def main() -> None:
    options = _options()
    one_thread()
    trials = Trials("signals", options.again)
    with tempfile.TemporaryDirectory() as place:
        wanted, whole = unbroken(Path(place) / "whole")
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in CODES}
    for name in CODES:
        work = partial(trial, name=name, seconds=whole.seconds, wanted=wanted)
        for row in trials.run(name, options.signals, work):
            rows[name].append(row)
            print(f"{name} {row['number']}: {row['when']}, {row['wrong'] or 'right'}", flush=True)
    report(rows, options)
    trials.finished()


def report(rows: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Write the counts and claims."""
    both = [row for found in rows.values() for row in found]
    wrong = [row for row in both if row["wrong"]]
    waits = sorted(row["answered"] for row in both)
    kept = [
        claim(
            "signals with a wrong exit code, no checkpoint, no resume command or other bits, "
            f"of {len(both)}",
            len(wrong),
            0,
            at_most=True,
            unit="signals",
        ),
        claim("longest time from a signal to the exit", waits[-1], QUICK, at_most=True, unit="s"),
    ]
    print_claims(kept)
    moments = sorted({row["when"] for row in both})
    write_results(
        options.out,
        {
            "claims": kept,
            "signals": options.signals,
            "wrong": interval(len(wrong), len(both)),
            "when": {one: sum(row["when"] == one for row in both) for one in moments},
            "seconds_to_the_end": {"median": statistics.median(waits), "longest": waits[-1]},
            "failed": wrong,
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signals", type=int, default=50, help="signals of each kind")
    parser.add_argument("--again", action="store_true", help="discard finished trials")
    parser.add_argument("--smoke", action="store_true", help="three trials of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS / "signals.json")
    options = parsed(parser)
    if options.smoke:
        options.signals = 3
    return options


if __name__ == "__main__":
    main()
