"""Shared by the commands of the earlier projects: their file names, and flags that no longer exist.

Each of these scripts translates its options and calls the command line `ddpm-clip`.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from pathlib import Path

WEIGHT_FILES = (".pth", ".pt", ".ckpt")


CHECKPOINTS = "model_checkpoint"
"""Where the first project kept a file for each epoch; now a run, which keeps its checkpoints."""


def folder_of(path: str) -> str:
    """The folder used in place of a weights file: `mnist_clip` for `mnist_clip.pth`.

    A file in the folder of a run, such as `model_checkpoint/9.pth`, stands for the run.
    """
    folder = Path(path)
    if folder.suffix not in WEIGHT_FILES:
        return str(folder)
    own = folder.with_suffix("")
    is_in_run = not own.exists() and (folder.parent / "config.yaml").is_file()
    return str(folder.parent if is_in_run else own)


def saved_to(path: str) -> str:
    """Like `folder_of`, for a file about to be written; prints a note if the name changes."""
    folder = folder_of(path)
    if folder != path:
        print(f"weights are saved in a folder: {folder} instead of {path}", file=sys.stderr)
    return folder


def accept(parser: ArgumentParser, names: Iterable[str], why: str) -> None:
    """Accept flags that no longer have any effect."""
    for name in names:
        parser.add_argument(
            f"--{name}", dest=f"gone_{name}", metavar="IGNORED", help=f"ignored: {why}"
        )


def remark_on_ignored(given: Namespace) -> None:
    """Print which of the given flags have no effect."""
    gone = [f"--{name[5:]}" for name, value in vars(given).items() if name[:5] == "gone_" and value]
    if gone:
        print(f"ignored: {', '.join(gone)} (see --help)", file=sys.stderr)


def settings(**keys: object) -> list[str]:
    """Build `--set` options for every key that has a value; two underscores stand for the dot."""
    given = {name.replace("__", "."): value for name, value in keys.items() if value is not None}
    return [word for name, value in given.items() for word in ("--set", f"{name}={value}")]
