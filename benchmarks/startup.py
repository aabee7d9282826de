"""Cold start: time from the shell to a PNG, to the help text, and of `import ddpm_clip`.

`python benchmarks/startup.py` (a minute). Every measurement is a fresh process; the first of each
kind fills the page cache and is not counted. A bare interpreter serves as the reference.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reporting import RESULTS, claim, parsed, print_claims, write_results
from timing import Timing, side_by_side

COMMAND = Path(sys.executable).with_name("ddpm-clip")
GENERATE, HELP, IMPORT, BARE = "generate, one picture", "--help", "import ddpm_clip", "bare Python"
BARS = {GENERATE: 6.0, HELP: 0.5, IMPORT: 0.2}


def main() -> None:
    options = _options()
    with TemporaryDirectory() as folder:
        timings = side_by_side(arms(options.model, Path(folder)), options.rounds, told=print)
    for name, timing in timings.items():
        print(f"{name:25} {timing.median:.3f} s")
    kept = claims(timings)
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "model": options.model,
            "starts": {name: timing.as_dict() for name, timing in timings.items()},
        },
    )


def arms(model: str, folder: Path) -> dict[str, Callable[[], object]]:
    """The processes to start."""
    paint = ["generate", "a six", "--model", model, "-n", "1", "--out", str(folder / "painted")]
    commands = {
        GENERATE: [str(COMMAND), *paint],
        HELP: [str(COMMAND), "--help"],
        IMPORT: [sys.executable, "-c", "import ddpm_clip"],
        BARE: [sys.executable, "-c", "pass"],
    }
    return {name: starter(command) for name, command in commands.items()}


def starter(command: list[str]) -> Callable[[], object]:
    """Return a function that runs a command to its end.

    The function raises `subprocess.CalledProcessError` if the command fails, because a failure
    must not count as fast.
    """
    return lambda: subprocess.run(command, check=True, capture_output=True, cwd="/")


def claims(timings: dict[str, Timing]) -> list[dict[str, Any]]:
    """The medians with their targets."""
    return [
        claim(f"cold start: {name}", timings[name].median, bar, at_most=True, unit="s")
        for name, bar in BARS.items()
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="digits")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--smoke", action="store_true", help="only one round")
    parser.add_argument("--out", type=Path, default=RESULTS / "startup.json")
    options = parsed(parser)
    if options.smoke:
        options.rounds = 1
    return options


if __name__ == "__main__":
    main()
