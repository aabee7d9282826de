"""What the earlier projects' commands share here: file names, and flags that are gone.

Each of these scripts hands over to the command line `ddpm-clip`.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path

WEIGHT_FILES = (".pth", ".pt", ".ckpt")


def folder_of(path: str) -> str:
    """The folder that stands for a weights file: `mnist_clip.pth` is `mnist_clip`."""
    folder = Path(path)
    return str(folder.with_suffix("") if folder.suffix in WEIGHT_FILES else folder)


def saved_to(path: str) -> str:
    """`folder_of` for a file that is about to be written; says so where the name changes."""
    folder = folder_of(path)
    if folder != path:
        print(f"weights are kept in a folder: {folder} instead of {path}", file=sys.stderr)
    return folder


def accept(parser: ArgumentParser, names: Iterable[str], why: str) -> None:
    """Accept flags that have no effect any more."""
    for name in names:
        parser.add_argument(
            f"--{name}", dest=f"gone_{name}", metavar="IGNORED", help=f"ignored: {why}"
        )


def remark_on_ignored(given: Namespace) -> None:
    """Say which of the given flags have no effect."""
    gone = [f"--{name[5:]}" for name, value in vars(given).items() if name[:5] == "gone_" and value]
    if gone:
        print(f"ignored: {', '.join(gone)} (see --help)", file=sys.stderr)


def settings(**keys: object) -> list[str]:
    """`--set` for every config key that has a value; two underscores stand for the dot."""
    given = {name.replace("__", "."): value for name, value in keys.items() if value is not None}
    return [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
