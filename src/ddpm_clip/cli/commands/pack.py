"""`pack`: makes a small model folder from a run, to share."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli import console


def pack(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    out: Annotated[Path, typer.Option(help="A new folder for the model.", show_default=False)],
    no_bank: Annotated[
        bool,
        typer.Option(
            "--no-bank",
            help="Leave out the training embeddings; disables the knn bridge and `sample`.",
        ),
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the model; by default that of the folder.")
    ] = None,
    best: Annotated[
        bool,
        typer.Option("--best", help="Take the checkpoint of lowest held-out loss, not the newest."),
    ] = False,
) -> None:
    """Make a small model folder from a run, to share.

    ddpm-clip pack runs/photos --out models/photos
    ddpm-clip generate "a cat" --model models/photos

    It holds the EMA weights and everything that painting needs.
    """
    from ddpm_clip.runs.packing import pack as write

    console.result(str(write(run, out, bank=not no_bank, name=name, best=best)))
