"""Run lessons with other random seeds: which claims hold by luck? Writes course/seeds.json.

    python scripts/course_seeds.py --lessons 02 05b --seeds 1 2

A seed other than 0 gives a lesson other initial weights, other drawn flowers, and other batches,
noises and masks; its code is the same but for the numbers. A claim that fails does not end the
lesson. A claim may be called "must" only if it holds with every seed that was tried;
`write_course.py --check` reads the file.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from running_notebooks import digest

from ddpm_clip.course.catalogue import LESSONS, lesson_file
from ddpm_clip.course.pictures import REAL
from ddpm_clip.course.session import SMOKE

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "course" / "seeds.json"
APART = 1000
"""Distance between the numbers of two seeds, so that no seed repeats the numbers of another."""

SEEDED = re.compile(r"(manual_seed\(|flowers\([^\n]*\bseed=)(\d+)")
"""Numbers in a lesson that its weights, its draws and its flowers follow from."""


def seeded(script: str, seed: int) -> str:
    """Return a lesson with other random numbers; seed 0 is the lesson as it is."""
    return SEEDED.sub(lambda found: f"{found[1]}{int(found[2]) + APART * seed}", script)


def run_here(script: str, seed: int) -> None:
    """Run a lesson in this process, beyond claims that fail and with other batches."""
    from ddpm_clip.course.fitting import FitOptions
    from ddpm_clip.course.session import ClaimFailed, Lesson

    claim = Lesson.claim

    def going_on(self: Lesson, *args: Any, **figures: Any) -> None:
        with suppress(ClaimFailed):
            claim(self, *args, **figures)

    Lesson.claim = going_on  # type: ignore[method-assign]
    names = list(FitOptions.__dataclass_fields__)
    values = list(FitOptions.__init__.__defaults__ or ())
    values[names.index("seed")] += APART * seed
    FitOptions.__init__.__defaults__ = tuple(values)  # type: ignore[misc]
    exec(compile(seeded(script, seed), "lesson", "exec"), {"__name__": "__main__"})


def claims_of(id: str, seed: int) -> dict[str, dict[str, Any]]:
    """Run a lesson in a process of its own; claim -> whether it holds, and its figures."""
    environment = os.environ | {REAL: os.environ.get(REAL, "0"), SMOKE: "0"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--here", id, str(seed)]
        subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, text=True
        )
        written = Path(folder) / "figures" / id / "claims.json"
        claims = json.loads(written.read_text(encoding="utf-8"))["claims"]
    return {
        one["id"]: {"kind": one["kind"], "holds": one["holds"], "figures": one["figures"]}
        for one in claims
    }


def add(id: str, seed: int, path: Path = FILE) -> dict[str, dict[str, Any]]:
    """Run a lesson with a seed, and add its claims to the file."""
    found = claims_of(id, seed)
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    code = digest(lesson_file(id).text)
    if known.get(id, {}).get("code") != code:
        known[id] = {"code": code, "seeds": {}}
    known[id]["seeds"][str(seed)] = found
    ordered = {name: known[name] for name in LESSONS if name in known}
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return found


def main() -> int:
    """Run lessons; return 1 if a claim that must hold does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", nargs="+", default=list(LESSONS), metavar="LESSON")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2], metavar="K")
    parser.add_argument("--here", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        id, seed = arguments.here
        run_here(lesson_file(id).text, int(seed))
        return 0
    failed = 0
    for seed in arguments.seeds:
        for id in arguments.lessons:
            for name, one in add(id, seed).items():
                bad = one["kind"] != "told" and not one["holds"]
                failed += bad
                print(f"seed {seed}, {name} ({one['kind']}): {one['holds']}{' <-' if bad else ''}")
            sys.stdout.flush()
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
