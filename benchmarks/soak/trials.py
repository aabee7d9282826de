"""Shared by all soaks: numbered trials that resume after an interruption, and results as JSON.

Each trial is one line of a file below runs/; a restarted program continues with the first missing
one. All random draws of a trial follow from its arm and number.
"""

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from reporting import RESULTS, ROOT, claim, parsed, print_claims
from reporting import write_results as _write

from ddpm_clip.utils.storage import append_lines, read_lines

__all__ = ["RESULTS", "Trials", "claim", "parsed", "print_claims", "write_results"]


class Trials:
    """The trials of one program.

    Args:
        name: name of the program.
        again: whether to discard finished trials.
        home: folder of the file.
    """

    def __init__(self, name: str, again: bool = False, home: Path = ROOT / "runs" / "soak"):
        self.path = home / f"{name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if again:
            self.path.unlink(missing_ok=True)

    def run(
        self, arm: str, count: int, trial: Callable[[random.Random], Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """Yield the results of `count` trials of an arm; finished trials are not repeated."""
        done = {row["number"]: row for row in read_lines(self.path) if row.get("arm") == arm}
        for number in range(count):
            if number not in done:
                found = trial(random.Random(f"{arm} {number}"))
                done[number] = {"arm": arm, "number": number, **found}
                append_lines(self.path, [done[number]])
            yield done[number]

    def finished(self) -> None:
        """Discard the trials, once their result is written."""
        self.path.unlink(missing_ok=True)


def write_results(path: Path, measured: Mapping[str, Any]) -> None:
    """Write results like a benchmark, with the command of this folder."""
    _write(path, measured)
    text = path.read_text(encoding="utf-8")
    facts = json.loads(text)
    facts["made"]["command"] = facts["made"]["command"].replace("benchmarks/", "benchmarks/soak/")
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
