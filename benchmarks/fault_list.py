"""The planted faults of benchmarks/faults/: small mistakes that a person could make in the sources.

Each file there is one area, with the test files that are its relevant part of the suite (a fault
may name others), and for each fault the file below src/ddpm_clip, the exact text before and after,
and what it would mean for a user. Imports nothing of the package: `mutants` starts processes that
must import a changed copy of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "benchmarks" / "faults"
PACKAGE, TESTS = Path("src") / "ddpm_clip", Path("tests")


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault.

    Attributes:
        area: the part of the package, the stem of its file in benchmarks/faults/.
        name: unique name.
        file: the changed file, below src/ddpm_clip.
        means: what it would mean for a user.
        before: the text that is replaced; it occurs in the file exactly once.
        after: the text that takes its place.
        tests: the test files that should notice it, below tests/.
    """

    area: str
    name: str
    file: str
    means: str
    before: str
    after: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """Return the file's text with the fault.

        Raises:
            ValueError: the text before is not there, or not exactly once.
        """
        found = text.count(self.before)
        if found != 1:
            raise ValueError(f"{self.name}: its text is {found} times in {self.file}, not once")
        return text.replace(self.before, self.after)


def read_faults(home: Path = HOME, only: Sequence[str] = ()) -> list[Fault]:
    """Return the faults of all areas; with `only`, those of these areas or names."""
    faults = []
    for path in sorted(home.glob("*.yaml")):
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
        for one in listed["faults"]:
            tests = tuple(one.pop("tests", listed["tests"]))
            faults.append(Fault(path.stem, tests=tests, **one))
    return [one for one in faults if not only or one.area in only or one.name in only]
