"""What every soak needs: numbered trials that go on after a kill, and a result like a benchmark's.

Each trial is a line of a file below runs/; started again, a program goes on with the first that is
missing. Every draw of a trial follows from its name and number. Knows nothing of what is tried.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from reporting import RESULTS, ROOT, claim, print_claims
from reporting import write_results as _write

from ddpm_clip.utils.storage import append_lines, read_lines

__all__ = ["RESULTS", "Trials", "claim", "print_claims", "write_results"]


class Trials:
    """The trials of one program.

    Args:
        name: of the program.
        again: forget those that were done.
        home: where the lines are kept.
    """

    def __init__(self, name: str, again: bool = False, home: Path = ROOT / "runs" / "soak"):
        self.path = home / f"{name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if again:
            self.path.unlink(missing_ok=True)

    def run(
        self, arm: str, count: int, trial: Callable[[random.Random], Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """What each of `count` trials of an arm found; those that are done are not done again."""
        done = {row["number"]: row for row in read_lines(self.path) if row.get("arm") == arm}
        for number in range(count):
            if number not in done:
                found = trial(random.Random(f"{arm} {number}"))
                done[number] = {"arm": arm, "number": number, **found}
                append_lines(self.path, [done[number]])
            yield done[number]

    def finished(self) -> None:
        """Forget the trials: their result is written."""
        self.path.unlink(missing_ok=True)


def write_results(path: Path, measured: Mapping[str, Any]) -> None:
    """As a benchmark writes them, with the command of this folder."""
    _write(path, measured)
    text = path.read_text(encoding="utf-8")
    facts = json.loads(text)
    facts["made"]["command"] = facts["made"]["command"].replace("benchmarks/", "benchmarks/soak/")
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
