"""Claim: no code in an untrusted file is ever executed, whatever entry point reads it.

Seventy hostile files are put in place of every kind of file, and given to every command and
function that reads one. An audit hook watches the interpreter, and a canary file would appear if
code ran. As a control, a child process really unpickles them: the hook must see it, or a canary
must appear.

    python benchmarks/soak/malicious.py                 all
    python benchmarks/soak/malicious.py --every 9       every ninth file
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from entry_points import Goods, command, entry_points
from payloads import blobs
from trials import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.data.pictures import decoding
from ddpm_clip.errors import DdpmClipError
from ddpm_clip.utils import pickled_child

EXECUTED = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "pickle.find_class",
    "webbrowser.open",
    "urllib.Request",
    "pty.spawn",
    "sqlite3.connect",
    "os.symlink",
    "ctypes.dlsym",
    "marshal.loads",
)
"""Audit events that reading a file must never cause."""

OURS = (decoding.__file__, pickled_child.__file__)
"""Files that start our own child processes, which are allowed."""

_heard: list[str] = []
_listening = False


def listen() -> None:
    """Record what the interpreter executes from now on; an audit hook cannot be removed again."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not _listening or not event.startswith(EXECUTED):
            return
        words = arguments[1] if event == "subprocess.Popen" else ()
        if any(str(word) in OURS for word in words or ()):
            return
        if event == "marshal.loads" and _imports():
            return  # a cached module
        _heard.append(f"{event} {str(arguments)[:100]}")

    sys.addaudithook(hook)


def _imports() -> bool:
    """Whether the import system is the caller."""
    frame = sys._getframe(2)
    return "importlib" in frame.f_code.co_filename


@contextlib.contextmanager
def heard() -> Iterator[list[str]]:
    """Collect what is executed inside the `with` block."""
    global _listening
    _heard.clear()
    _listening = True
    try:
        yield _heard
    finally:
        _listening = False


def tried(
    name: str, data: bytes, goods: Goods, home: Path, canaries: Path, every: int = 1
) -> dict[str, Any]:
    """Try one hostile file with every entry point, or with every `every`-th."""
    found: dict[str, Any] = {"file": name, "doors": 0, "executed": [], "crashes": []}
    for entry, read, path in list(entry_points(goods, data, name, home))[::every]:
        found["doors"] += 1
        with heard() as events:
            try:
                read(path)
            except DdpmClipError:
                pass
            except Exception as error:
                found["crashes"].append(f"{entry}: {type(error).__name__} {str(error)[:200]}")
        found["executed"] += [f"{entry}: {event}" for event in events]
        if left := sorted(os.listdir(canaries)):
            found["executed"].append(f"{entry}: canary {left}")
            shutil.rmtree(canaries)
            canaries.mkdir()
    return found


def control(data: bytes, canaries: Path) -> bool:
    """Whether a hostile file is detected, or leaves a canary, when it is really unpickled."""
    program = (
        "import pickle, sys\n"
        "def hook(event, _):\n"
        "    if event == 'pickle.find_class': print('heard', flush=True)\n"
        "sys.addaudithook(hook)\n"
        "pickle.loads(sys.stdin.buffer.read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=data,
        capture_output=True,
        timeout=60,
        cwd=canaries,
        check=False,
    )
    found = b"heard" in done.stdout or bool(os.listdir(canaries))
    shutil.rmtree(canaries)
    canaries.mkdir()
    return found


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rows, controls = [], Counter[bool]()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        canaries, goods = home / "canaries", Goods(home)
        canaries.mkdir()
        files = sorted(blobs(canaries / "canary").items())[:: options.every]
        random.Random(0).shuffle(files)
        command("generate", "six", "--model", "digits", "--steps", 2, "-n", 1, "--out", home / "w")
        listen()
        for number, (label, data) in enumerate(files):
            if label.endswith(".pkl"):
                controls[control(data, canaries)] += 1
            place = home / str(number)
            place.mkdir()
            rows.append(tried(label, data, goods, place, canaries))
            shutil.rmtree(place, ignore_errors=True)
            said = f"{number + 1} of {len(files)}: {label}"
            print(said, rows[-1]["executed"], rows[-1]["crashes"], file=sys.stderr)
    executed = [one for row in rows for one in row["executed"]]
    crashes = [one for row in rows for one in row["crashes"]]
    tries = sum(row["doors"] for row in rows)
    files = f"from {len(rows)} hostile files through {tries:,} entry points"
    claims = [
        claim(f"code executions, {files}", len(executed), 0, at_most=True, unit="events"),
        claim(f"unexpected errors, {files}", len(crashes), 0, at_most=True, unit="errors"),
        claim(
            "control: hostile pickles that are detected",
            controls[True] / max(1, controls.total()),
            0.95,
        ),
    ]
    print_claims(claims)
    write_results(
        options.out,
        {
            "claims": claims,
            "files": len(rows),
            "doors": tries,
            "executed": executed[:50],
            "crashes": crashes[:50],
            "control": {"heard": controls[True], "of": controls.total()},
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="use only every N-th file")
    parser.add_argument("--out", type=Path, default=RESULTS / "malicious.json")
    return parsed(parser)


if __name__ == "__main__":
    main()
