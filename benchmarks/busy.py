"""A busy machine: how much longer the commands take beside processes that keep the CPUs busy.

`python benchmarks/busy.py` (twelve minutes on two cores; `--smoke` for three). Painting, training
steps and explaining are timed alone, beside one endless loop, and beside one on every core. Two
arms alternate: OpenMP's own waiting, which `import torch` before `ddpm_clip` leaves as it is, and
the waiting that `ddpm_clip` sets (`ddpm_clip/utils/cpu_threads.py`). `--counts` adds arms with
other spin counts. Every measurement is a fresh process; steps are timed once they are steady.
What all other processes use is measured too: the program refuses to start on a machine that is not
idle, and marks a result during which it was not.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ours import recipe, training
from reporting import RESULTS, claim, print_claims, write_results
from timing import Ratio, Timing, ratio

from ddpm_clip.cli.machine_load import busy_seconds, cpu_seconds, other_processes

DEFAULT, OURS = "OpenMP's own waiting", "ddpm_clip"
GENERATE, STEPS, EXPLAIN = "generate", "training step", "explain --quick"
WORKS = (GENERATE, STEPS, EXPLAIN)
IDLE_COST, BUSY_TIMES = 0.03, 2.2
OTHERS_ALLOWED = 0.1
"""CPUs that other processes may use on a machine that counts as idle."""

CLEANED = ("OMP_", "GOMP_", "KMP_", "MKL_", "DDPM_CLIP_")
"""Prefixes of variables that no arm inherits."""

COMMAND = "import {first}, sys; from ddpm_clip.cli.main import main; sys.exit(main(sys.argv[1:]))"
STEADY = "import {first}, sys; sys.path.insert(0, sys.argv[1]); import busy; busy.steady_steps({n})"


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: seconds, CPU seconds of the process, and CPUs that others used."""

    seconds: float
    cpu: float
    others: float


@dataclass(slots=True)
class Arm:
    """A way of waiting: what is imported first, and variables that are set."""

    first: str
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The environment of a process, without what others have decided about threads."""
        kept = {k: v for k, v in inherited.items() if not k.startswith(CLEANED)}
        return kept | self.variables


def arms(counts: Sequence[int]) -> dict[str, Arm]:
    """The two arms, and one for each spin count."""
    found = {DEFAULT: Arm("torch"), OURS: Arm("ddpm_clip")}
    return found | {
        f"spin count {n:,}": Arm("ddpm_clip", {"GOMP_SPINCOUNT": str(n)}) for n in counts
    }


def commands(arm: Arm, options: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    """The process of every piece of work."""
    paint = ["-q", "generate", "a six", "--model", "digits", "-n", str(options.pictures)]
    explain = ["-q", "explain", "digits", "a six", "--quick", "--overwrite"]
    if options.analyses != "all":
        explain += ["--analyses", options.analyses]
    code = COMMAND.format(first=arm.first)
    steps = STEADY.format(first=arm.first, n=options.steps)
    return {
        GENERATE: [sys.executable, "-c", code, *paint, "--out", str(folder / "painted")],
        STEPS: [sys.executable, "-c", steps, str(Path(__file__).parent)],
        EXPLAIN: [sys.executable, "-c", code, *explain, "--out", str(folder / "report")],
    }


def steady_steps(n: int, warm_up: int = 2) -> None:
    """Train the digits for a while; print the seconds of one step as JSON."""
    with training(recipe("digits", {"training.device": "cpu"})) as steps:
        for _ in range(warm_up):
            next(steps)
        began = time.perf_counter()
        for _ in range(n):
            next(steps)
        print(json.dumps((time.perf_counter() - began) / n))


@contextmanager
def neighbours(n: int) -> Iterator[list[int]]:
    """Keep `n` CPUs busy inside the block; yields the ids of the processes that do."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield [one.pid for one in spinning]
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def measure(
    command: list[str], environment: dict[str, str], pids: Sequence[int], *, told: bool = False
) -> Measured:
    """Run a process to its end; a failure raises, because it must not count as fast.

    Args:
        command: the process.
        environment: its environment.
        pids: the neighbours.
        told: whether the process prints its seconds; otherwise its whole life is timed.
    """
    before, began = _spent(pids), time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    passed, after = time.perf_counter() - began, _spent(pids)
    busy, known, child = (b - a for a, b in zip(before, after, strict=True))
    seconds = json.loads(done.stdout.splitlines()[-1]) if told else passed
    return Measured(seconds, child, max(0.0, busy - known - child) / passed)


def _spent(pids: Sequence[int]) -> tuple[float, float, float]:
    """CPU seconds so far: of the machine, of this process and the neighbours, of the children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() + sum(cpu_seconds(pid) or 0.0 for pid in pids)
    return busy_seconds() or 0.0, own, children.ru_utime + children.ru_stime


Found = dict[str, dict[str, dict[str, list[Measured]]]]
"""Measurements by work, by place (`place`), and by arm."""


def place(n: int) -> str:
    """Name what runs beside the work."""
    return "alone" if n == 0 else f"beside {n} busy process{'es' if n > 1 else ''}"


def turns(names: Sequence[str], number: int, n: int) -> list[str]:
    """The order of the arms in a round: reversed every other time; alone, there and back."""
    order = list(names)[:: -1 if number % 2 else 1]
    return order + order[::-1] if n == 0 else order


def rounds(options: argparse.Namespace, each: Mapping[str, Arm], folder: Path) -> Found:
    """Measure every work in every place by every arm, round by round."""
    beside = sorted({0, 1, os.cpu_count() or 1})
    found: Found = {
        work: {place(n): {name: [] for name in each} for n in beside} for work in options.works
    }
    for number in range(options.rounds):
        for n in beside:
            with neighbours(n) as pids:
                for work in options.works:
                    for name in turns(list(each), number, n):
                        command = commands(each[name], options, folder)[work]
                        one = measure(command, each[name].environment(), pids, told=work == STEPS)
                        found[work][place(n)][name].append(one)
                        print(f"{number + 1}: {work} {place(n)}, {name}: {one.seconds:.2f} s")
    return found


def by_round(several: Sequence[Measured], rounds: int) -> list[float]:
    """Seconds, as the mean of each round: alone, every arm has two turns in a round."""
    turns = len(several) // rounds
    return [
        statistics.mean(one.seconds for one in several[i * turns : (i + 1) * turns])
        for i in range(rounds)
    ]


def ratios(found: Found, rounds: int) -> dict[str, dict[str, dict[str, Ratio]]]:
    """Seconds relative to those of OpenMP's own waiting on the idle machine, round by round."""
    return {
        work: {
            where: {
                name: ratio(by_round(several, rounds), by_round(places["alone"][DEFAULT], rounds))
                for name, several in each.items()
            }
            for where, each in places.items()
        }
        for work, places in found.items()
    }


def claims(compared: Mapping[str, Mapping[str, Mapping[str, Ratio]]]) -> list[dict[str, Any]]:
    """What waiting costs on an idle machine, and what it leaves beside a process on every core."""
    made = []
    for work, places in compared.items():
        last = list(places)[-1]
        cost, times = places["alone"][OURS].median - 1, places[last][OURS].median
        text = f"{work}: more time on an idle machine than with {DEFAULT}"
        made.append(claim(text, cost, IDLE_COST, at_most=True))
        text = f"{work} {last}, relative to an idle machine"
        made.append(claim(text, times, BUSY_TIMES, at_most=True, unit="x"))
    return made


def others(found: Found) -> dict[str, Any]:
    """What all other processes used meanwhile, and whether that counts as an idle machine."""
    used = [
        one.others
        for places in found.values()
        for each in places.values()
        for several in each.values()
        for one in several
    ]
    mean = statistics.mean(used)
    return {
        "cpus_used_by_others": round(mean, 3),
        "at_most": round(max(used), 3),
        "idle": mean <= OTHERS_ALLOWED,
    }


def as_facts(found: Found, compared: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON form of all measurements."""
    return {
        work: {
            where: {
                name: Timing(tuple(one.seconds for one in several)).as_dict()
                | {
                    "cpu_seconds": round(statistics.median(one.cpu for one in several), 2),
                    "relative": compared[work][where][name].as_dict(),
                }
                for name, several in each.items()
            }
            for where, each in places.items()
        }
        for work, places in found.items()
    }


def main() -> None:
    options = _options()
    before = other_processes(2.0)
    if before and before.cpus > OTHERS_ALLOWED and not options.even_if_busy:
        busiest = ", ".join(f"{name} {cpus:.1f}" for name, cpus in before.busiest)
        sys.exit(
            f"other processes use {before.cpus:.2f} CPUs ({busiest}): nothing was measured.\n"
            "Wait until the machine is idle, or use --even-if-busy; the result is then marked."
        )
    with TemporaryDirectory() as folder:
        found = rounds(options, arms(options.counts), Path(folder))
    compared, machine = ratios(found, options.rounds), others(found)
    kept = claims(compared)
    print_claims(kept)
    print(f"other processes used {machine['cpus_used_by_others']:.2f} CPUs")
    if not machine["idle"]:
        print("the machine was not idle: the figures are no measurement of it")
    write_results(
        options.out,
        {
            "claims": kept,
            "cpus": os.cpu_count(),
            "machine": machine,
            "reference": DEFAULT,
            "work": {
                "pictures": options.pictures,
                "steps": options.steps,
                "analyses": options.analyses,
            },
            "measured": as_facts(found, compared),
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=24, help="pictures that generate paints")
    parser.add_argument("--steps", type=int, default=8, help="training steps that are timed")
    parser.add_argument(
        "--analyses", default="trajectory,commitment", help="those of explain --quick; or all"
    )
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)
    parser.add_argument("--counts", type=int, nargs="+", default=(), help="also these spin counts")
    parser.add_argument("--even-if-busy", action="store_true", help="measure and mark the result")
    parser.add_argument("--smoke", action="store_true", help="one round of less work")
    parser.add_argument("--out", type=Path, default=RESULTS / "busy.json")
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.pictures, options.steps = 1, 4, 2
    return options


if __name__ == "__main__":
    main()
