"""Claim: the test suite notices every planted fault, and its quick part most of them.

Each fault of benchmarks/faults/ is planted in a copy of the repository, one at a time, and the
relevant test files are run until one fails: first only quick tests (`-m "not slow"`), and if they
notice nothing, the slow ones. In the end the same tests must pass on the unchanged copy, or a
failure would mean nothing. Each fault has its own process, forked from one that has loaded PyTorch
but nothing of this package; where processes cannot be forked (Windows), use WSL.

    python benchmarks/mutants.py                        half an hour on an idle core
    python benchmarks/mutants.py --only guidance        one area, or one fault by its name
    python benchmarks/mutants.py --quick                quick tests only; writes no results

It goes on where it was stopped; `--again` starts over.
"""

import argparse
import compileall
import contextlib
import importlib
import json
import os
import py_compile
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from clean_tree import parsed
from fault_list import PACKAGE, ROOT, TESTS, Fault, read_faults

QUICK, SLOW = "not slow", "slow"
LIMIT = 600.0
"""Seconds after which a test run is ended; a fault that makes tests hang is noticed."""

COPIED = ("src", "tests", "config", "scripts", "examples", "benchmarks", "docs", "pyproject.toml")
LOADED_BEFORE = ("torch", "numpy", "PIL.Image", "pydantic", "typer", "yaml", "safetensors.torch")
LOADED_BEFORE += ("pytest", "rich.console", "matplotlib.figure", "torch._dynamo")
PASSED, FAILED, STOPPED, NO_TESTS = 0, 1, 2, 5
"""Exit codes of pytest; it stops where a file cannot even be imported."""

PROGRESS = ROOT / "runs" / "mutants.jsonl"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a test run ended: its exit code, and the first test that failed."""

    code: int
    by: str = ""


def ran(copy: Path, tests: Sequence[str], marker: str, limit: float = LIMIT) -> Outcome:
    """Run test files of the copy until one test fails, in a process of their own."""
    with tempfile.TemporaryFile() as log:
        child = os.fork()
        if child == 0:
            _become_pytest(copy, tests, marker, log.fileno())
        code = _ended(child, limit)
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    if code is None:
        return Outcome(FAILED, f"nothing: the tests took more than {limit:g} s")
    found = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", said, re.M)
    if code not in (PASSED, FAILED, STOPPED, NO_TESTS):
        raise RuntimeError(f"pytest ended with {code}:\n{said[-2000:]}")
    return Outcome(code, found.group(1) if found else "")


def _become_pytest(copy: Path, tests: Sequence[str], marker: str, log: int) -> None:
    """Run pytest in this forked process; never returns."""
    code = 3
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout = sys.stderr = os.fdopen(os.dup(log), "w", buffering=1)
        os.chdir(copy)
        sys.path[:1] = [str(copy), str(copy / "src")]
        import pytest

        words = ["-x", "-q", "-p", "no:cacheprovider", "-m", marker]
        code = int(pytest.main([*words, *(str(TESTS / name) for name in tests)]))
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


def _ended(child: int, limit: float) -> int | None:
    """Return the exit code of a process, 1 if it crashed, or None if it took too long."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else FAILED
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@contextlib.contextmanager
def repository_copy() -> Iterator[Path]:
    """Yield a copy of the repository, whose package the processes below import."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copy = Path(place)
        for name in COPIED:
            if (ROOT / name).is_dir():
                skipped = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, copy / name, ignore=skipped)
        for path in (path for path in ROOT.iterdir() if path.is_file() and path.name[0] != "."):
            shutil.copy2(path, copy)
        # compiled files that are found out of date by content, since faults follow quickly
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(copy / "src", quiet=1, invalidation_mode=mode)
        before = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(copy / "src"), before)))
        try:
            yield copy
        finally:
            os.environ["PYTHONPATH"] = before


@contextlib.contextmanager
def planted(copy: Path, fault: Fault) -> Iterator[None]:
    """Plant a fault in the copy within the block."""
    path = copy / PACKAGE / fault.file
    sound = path.read_text(encoding="utf-8")
    path.write_text(fault.planted(sound), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(sound, encoding="utf-8")


def tried(copy: Path, fault: Fault, quick_only: bool = False) -> dict[str, Any]:
    """Plant a fault and return what noticed it."""
    start = time.monotonic()
    with planted(copy, fault):
        quick = ran(copy, fault.tests, QUICK)
        noticed, by, arm = quick.code in (FAILED, STOPPED), quick.by, "quick"
        if not noticed and not quick_only:
            slow = ran(copy, fault.tests, SLOW)
            noticed, by, arm = slow.code in (FAILED, STOPPED), slow.by, "slow"
            if quick.code == slow.code == NO_TESTS:
                raise RuntimeError(f"{fault.name}: there are no tests in {fault.tests}")
    seconds = round(time.monotonic() - start, 1)
    return {"noticed": arm if noticed else None, "by": by, "seconds": seconds}


def control(copy: Path, faults: Sequence[Fault], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return what fails on the unchanged copy, where nothing may.

    Every quick test that is relevant to a fault, and the slow ones where they alone noticed it.
    """
    arms = {
        QUICK: faults,
        SLOW: [f for f, row in zip(faults, rows, strict=True) if row["noticed"] == "slow"],
    }
    broken = []
    for marker, of in arms.items():
        tests = sorted({name for fault in of for name in fault.tests})
        found = ran(copy, tests, marker, 6 * LIMIT) if tests else Outcome(PASSED)
        broken += [found.by or "pytest"] if found.code not in (PASSED, NO_TESTS) else []
    return broken


def results(faults: Sequence[Fault], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return claims and rows, as JSON has them; rows are in the order of the faults."""
    from reporting import claim

    n = len(rows)
    noticed = sum(row["noticed"] is not None for row in rows)
    quick = sum(row["noticed"] == "quick" for row in rows)
    listed = [
        {"area": fault.area, "name": fault.name, "file": fault.file, "means": fault.means, **row}
        for fault, row in zip(faults, rows, strict=True)
    ]
    claims = [
        claim(f"planted faults that the suite notices, of {n}", noticed / n, 1.0),
        claim(f"planted faults that its quick part notices alone, of {n}", quick / n, 0.7),
    ]
    return {"claims": claims, "faults": listed}


def finished(path: Path) -> dict[str, dict[str, Any]]:
    """Return the outcomes of an earlier, interrupted call by fault and content."""
    if not path.is_file():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[-1:] == "}"]
    return {row.pop("key"): row for row in map(json.loads, lines)}


def key_of(fault: Fault) -> str:
    """Return a key that changes with the fault, its file and its tests."""
    digest = sha256(json.dumps(asdict(fault)).encode())
    for path in (ROOT / PACKAGE / fault.file, *(ROOT / TESTS / name for name in fault.tests)):
        digest.update(path.read_bytes())
    return f"{fault.name} {digest.hexdigest()[:16]}"


def each(copy: Path, faults: Sequence[Fault], quick_only: bool) -> Iterator[dict[str, Any]]:
    """Yield the outcome of every fault; finished ones are not tried again.

    Raises:
        RuntimeError: this package is loaded, so that forked tests would run its sound code.
    """
    if PACKAGE.name in sys.modules:
        raise RuntimeError(f"{PACKAGE.name} is loaded already: tests would never see a fault")
    done = finished(PROGRESS)
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    for fault in faults:
        key = key_of(fault)
        row = done.get(key) or tried(copy, fault, quick_only)
        if key not in done and row["noticed"] is not None:  # a test may be written for the others
            with open(PROGRESS, "a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key} | row) + "\n")
        said = row["noticed"] or "NOT NOTICED"
        print(f"{said:12}{fault.area}/{fault.name}  {row['by']}", flush=True)
        yield row


def main() -> int:
    """Try every fault; 1 if one is not noticed, or if tests fail without any."""
    options = _options()
    faults = read_faults(only=options.only)
    if options.again:
        PROGRESS.unlink(missing_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in LOADED_BEFORE:
        importlib.import_module(name)
    with repository_copy() as copy:
        rows = list(each(copy, faults, options.quick))
        broken = [] if options.quick else control(copy, faults, rows)
    if broken:
        print(f"these tests fail without any fault, so nothing is proven: {', '.join(broken)}")
        return 1
    if not (options.quick or options.only):
        from reporting import print_claims, write_results

        found = results(faults, rows)
        print_claims(found["claims"])
        write_results(options.out, found)
        PROGRESS.unlink(missing_ok=True)
    return int(any(row["noticed"] is None for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=(), help="areas or names of faults")
    parser.add_argument("--quick", action="store_true", help="quick tests only")
    parser.add_argument("--again", action="store_true", help="discard finished faults")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/mutants.json")
    return parsed(parser)


if __name__ == "__main__":
    sys.exit(main())
