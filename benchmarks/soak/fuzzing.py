"""Shared by all fuzzers: cases run in a child with bounded memory, under supervision, and a report.

A case must end with a result or with a ddpm_clip error. Everything else is a failure: another
exception, a child that dies, ten seconds of computing or a minute of waiting, memory growth beyond
the bound. Finished portions are saved below runs/, so an interrupted fuzzer resumes; every case
follows from the fuzzer's name and the case number.
"""

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trials import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.utils.storage import append_lines, read_lines

CASES, PORTION = 10_000, 250
CPU_SECONDS, WALL_SECONDS = 10.0, 60.0
GROWTH_MB = 1024
"""Address space that a child may take beyond what it uses when ready."""


@dataclass(frozen=True)
class Fuzzer:
    """One fuzzer.

    Args:
        name: name of the program and its result.
        what: name of the fuzzed files in messages.
        prepare: takes a folder, and returns whatever `attempt` needs.
        attempt: takes a random generator, the result of `prepare` and a folder; corrupts and reads
            one file, and returns a word for the outcome or raises what reading raises.
    """

    name: str
    what: str
    prepare: Callable[[Path], Any]
    attempt: Callable[[random.Random, Any, Path], str]


def main(fuzzer: Fuzzer) -> None:
    """Run the program of one fuzzer."""
    options = _options(fuzzer)
    if options.child is not None:
        return _child(fuzzer, options.child, options.cases)
    if options.case is not None:
        return _single(fuzzer, options.case)
    kept = RESULTS.parents[1] / "runs" / "soak" / f"{fuzzer.name}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if options.again:
        kept.unlink(missing_ok=True)
    done = {row["first"]: row for row in read_lines(kept) if row["cases"]}
    for first in range(0, options.cases, PORTION):
        if first not in done:
            done[first] = portion(fuzzer, first, min(PORTION, options.cases - first))
            append_lines(kept, [done[first]])
            print(
                f"{first + done[first]['cases']} of {options.cases}",
                done[first]["outcomes"],
                file=sys.stderr,
            )
    rows = [done[first] for first in range(0, options.cases, PORTION)]
    _report(fuzzer, rows, options.out)
    if options.cases == CASES:
        kept.unlink(missing_ok=True)


def portion(fuzzer: Fuzzer, first: int, count: int) -> dict[str, Any]:
    """Run a portion of cases, in as many children as needed."""
    found: dict[str, Any] = {
        "first": first,
        "cases": count,
        "outcomes": Counter(),
        "bad": [],
        "growth_mb": 0.0,
        "largest": None,
        "slowest": 0.0,
        "seconds": 0.0,
    }
    start, number = time.monotonic(), first
    while number < first + count:
        number = _watched(fuzzer, number, first + count - number, found)
    found["seconds"] = round(time.monotonic() - start, 1)
    return found


def _watched(fuzzer: Fuzzer, first: int, count: int, found: dict[str, Any]) -> int:
    """Run a child until it finishes or dies; returns the number of the next case."""
    program = Path(sys.modules["__main__"].__file__ or "").parent / f"{fuzzer.name}.py"
    command = [
        sys.executable,
        str(Path(__file__).parent / program.name),
        "--child",
        str(first),
        "--cases",
        str(count),
    ]
    number = first
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        lines = _lines(child)
        for line in lines:
            if line is None:
                found["bad"].append({"case": number, "what": "hang"})
                child.kill()
                return number + 1
            if "case" in line:
                number = line["case"] + 1
                found["outcomes"][line["outcome"]] += 1
                found["slowest"] = max(found["slowest"], line["cpu"])
                if line["growth_mb"] > found["growth_mb"]:
                    found["growth_mb"], found["largest"] = line["growth_mb"], line["case"]
                if line["outcome"].startswith("crash"):
                    found["bad"].append({"case": line["case"], "what": line["outcome"]})
            elif "done" in line:
                return first + count
    found["bad"].append({"case": number, "what": f"death {child.returncode}"})
    return number + 1


def _lines(child: "subprocess.Popen[bytes]") -> Any:
    """Yield the output of a child line by line; None if it is silent for too long."""
    assert child.stdout is not None
    handle, buffer = child.stdout.fileno(), b""
    ready = False
    while True:
        cpu, waited = _facts(child.pid)[1], 0.0
        while not select.select([handle], [], [], 1.0)[0]:
            state, now = _facts(child.pid)
            busy, waited = now - cpu, waited + (state != "R")  # waiting for the CPU does not count
            if ready and (busy > CPU_SECONDS or waited > WALL_SECONDS):
                yield None
        part = os.read(handle, 65_536)
        if not part:
            return
        *whole, buffer = (buffer + part).split(b"\n")
        for line in whole:
            ready = True
            yield json.loads(line)


def _facts(pid: int) -> tuple[str, float]:
    """State letter of a process in /proc, and its CPU seconds."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0.0
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child(fuzzer: Fuzzer, first: int, count: int) -> None:
    """Act as the child: prints a line when ready, one per case, and one at the end."""
    import resource

    if torch := sys.modules.get("torch"):  # not every fuzzer loads it
        torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as home:
        prepared = fuzzer.prepare(Path(home))
        for i in range(3):  # modules loaded on first use do not count as growth
            _case(fuzzer, prepared, Path(home), -1 - i)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + GROWTH_MB * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        _forget_peak()
        before = _peak_mb()
        print(json.dumps({"ready": True}), flush=True)
        for number in range(first, first + count):
            _forget_peak()
            start = time.process_time()
            outcome = _case(fuzzer, prepared, Path(home), number)
            cpu = round(time.process_time() - start, 3)
            growth = round(_peak_mb() - before, 1)
            facts = {"case": number, "outcome": outcome, "cpu": cpu, "growth_mb": growth}
            print(json.dumps(facts), flush=True)
        print(json.dumps({"done": True}), flush=True)


def _forget_peak() -> None:
    """Reset the memory peak, to attribute it to a single case."""
    with suppress(OSError):  # without permission, a case has at least the peak of earlier ones
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    """Peak memory of this process since the last reset, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _case(fuzzer: Fuzzer, prepared: Any, home: Path, number: int) -> str:
    """The outcome of one file: a word, the class of a ddpm_clip error, or a crash."""
    try:
        return fuzzer.attempt(random.Random(f"{fuzzer.name} {number}"), prepared, home)
    except DdpmClipError as error:
        return type(error).__name__
    except BaseException as error:
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        at = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
        return f"crash {type(error).__name__} {at} {str(error)[:120]}"


def _single(fuzzer: Fuzzer, number: int) -> None:
    """Run one case in this process, to see its traceback."""
    with tempfile.TemporaryDirectory() as home:
        prepared = fuzzer.prepare(Path(home))
        print(fuzzer.attempt(random.Random(f"{fuzzer.name} {number}"), prepared, Path(home)))


def _report(fuzzer: Fuzzer, rows: list[dict[str, Any]], out: Path) -> None:
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes.update(row["outcomes"])
    bad = [one for row in rows for one in row["bad"]]
    cases = sum(row["cases"] for row in rows)
    hangs = sum(one["what"] == "hang" for one in bad)
    slowest, worst = max(r["slowest"] for r in rows), max(rows, key=lambda row: row["growth_mb"])
    growth = worst["growth_mb"]
    files, hang = f"{cases:,} fuzzed {fuzzer.what}", f"hangs of more than {CPU_SECONDS:g} s"
    memory = f"peak memory growth over {files}"
    claims = [
        claim(f"crashes in {files}", len(bad) - hangs, 0, at_most=True, unit="files"),
        claim(f"{hang} in {files}", hangs, 0, at_most=True, unit="files"),
        claim(memory, growth, GROWTH_MB, at_most=True, unit="MB"),
    ]
    print_claims(claims)
    write_results(
        out,
        {
            "claims": claims,
            "cases": cases,
            "outcomes": dict(outcomes.most_common()),
            "bad": bad[:50],
            "slowest_cpu_seconds": slowest,
            "growth_mb": growth,
            "largest_case": worst["largest"],
            "minutes": round(sum(row["seconds"] for row in rows) / 60, 1),
        },
    )


def _options(fuzzer: Fuzzer) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Fuzz {fuzzer.what}.")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--again", action="store_true", help="discard finished trials")
    parser.add_argument(
        "--case", type=int, help="run a single case in this process, with its traceback"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / f"{fuzzer.name}.json")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    return parsed(parser)
