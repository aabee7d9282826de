"""Claim: a process may end at any change of the disk, and the newest good state still opens.

Saving a checkpoint, pruning, setting a damaged one aside, starting a run, embedding, merging and
packing are each interrupted at every open, write, sync, rename and deletion, in one process per
point (`faulty_files.py`). The disk is left as after a kill, and as after the two extremes of a
power cut. The controls must lose data: a save in place, and the same saves without syncs.

    python benchmarks/soak/crash_points.py            a few minutes
    python benchmarks/soak/crash_points.py --smoke    kills only, every third point
"""

import argparse
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from crash_scenarios import CONTROLS, SCENARIOS, Scenario
from faulty_files import CRASHED, CUTS, Disk
from trials import RESULTS, claim, parsed, print_claims, write_results

MOST = 5000
"""More points than any scenario can have; beyond them, the counting itself must be wrong."""

IN_MEMORY = "/dev/shm"
"""The file layer simulates what a cut leaves, so a RAM disk will do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one scenario under one kind of cut.

    Attributes:
        points: number of points at which the process was ended.
        lost: points after which the newest good state did not open, with the error.
    """

    scenario: str
    cut: str
    points: int
    lost: list[str]


def enumerated(scenario: Scenario, cut: str, every: int = 1) -> Outcome:
    """End the scenario at every point (or every `every`-th), and check what is left each time."""
    lost, k = [], 1
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if os.path.isdir(IN_MEMORY) else None) as place:
        template = Path(place).resolve() / "template"
        scenario.prepare(template)
        while k < MOST * every:
            home = template.with_name("home")
            shutil.copytree(template, home)
            at, finished = _ended_at(scenario, home, k, cut)
            try:
                scenario.check(home)
            except Exception as error:
                lost.append(f"point {k} ({at}): {type(error).__name__}: {str(error)[:300]}")
            shutil.rmtree(home)
            if finished:
                return Outcome(scenario.name, cut, (k - 1) // every, lost)
            k += every
    raise RuntimeError(f"{scenario.name} does not end")


def _ended_at(scenario: Scenario, home: Path, k: int, cut: str) -> tuple[str, bool]:
    """Run the scenario in a child that ends at point k; returns the point, and if it finished."""
    note = home.with_name("note")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            disk = Disk(home, k, cut, note)
            with disk.watching():
                scenario.act(home)
            code = 0
        except BaseException:
            note.write_text(traceback.format_exc(), encoding="utf-8")
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code not in (0, CRASHED):
        raise RuntimeError(f"{scenario.name} failed by itself at point {k}:\n{note.read_text()}")
    return note.read_text(encoding="utf-8") if code else "at the end", code == 0


def outcomes(cuts: tuple[str, ...], every: int) -> Iterator[Outcome]:
    """All scenarios under all kinds of cuts."""
    for scenario in SCENARIOS:
        for cut in cuts:
            yield enumerated(scenario, cut, every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="kills only, every third point")
    parser.add_argument("--out", type=Path, default=RESULTS / "crash_points.json")
    options = parsed(parser)
    torch.set_num_threads(1)
    every = 3 if options.smoke else 1
    found, controls = [], []
    for outcome in outcomes(CUTS[:1] if options.smoke else CUTS, every):
        found.append(outcome)
        print(
            f"{outcome.scenario}, {outcome.cut}: {outcome.points} points, {len(outcome.lost)} lost",
            *outcome.lost,
            sep="\n  ",
            flush=True,
        )
    for scenario, cut in CONTROLS:
        controls.append(enumerated(scenario, cut, every))
        print(
            f"control {scenario.name}, {cut}: {len(controls[-1].lost)} of "
            f"{controls[-1].points} points lost",
            flush=True,
        )
    points = sum(one.points for one in found)
    lost = sum(len(one.lost) for one in found)
    fewest = min(len(one.lost) for one in controls)
    kept = [
        claim(
            f"crash points after which the newest good state does not open, of {points:,}",
            lost,
            0,
            at_most=True,
            unit="points",
        ),
        claim("the same in the control with the fewest losses", fewest, 1, unit="points"),
    ]
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "cuts": list(CUTS),
            "every": every,
            "scenarios": [asdict(one) for one in found],
            "controls": [asdict(one) | {"lost": len(one.lost)} for one in controls],
        },
    )


if __name__ == "__main__":
    main()
