"""`pack`: a run to a small folder that can be given away."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli import console


def pack(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    out: Annotated[Path, typer.Option(help="A new folder for the model.", show_default=False)],
    no_bank: Annotated[
        bool,
        typer.Option("--no-bank", help="Leave the training embeddings out; no knn bridge then."),
    ] = False,
    name: Annotated[str | None, typer.Option(help="Of the model; by default the folder's.")] = None,
    best: Annotated[
        bool, typer.Option("--best", help="The checkpoint of lowest held-out loss, not the newest.")
    ] = False,
) -> None:
    """Make a small model folder of a run.

    ddpm-clip pack runs/photos --out models/photos
    ddpm-clip generate "a cat" --model models/photos

    It holds the averaged weights and all that painting needs.
    """
    from ddpm_clip.runs.packing import pack as write

    console.result(str(write(run, out, bank=not no_bank, name=name, best=best)))
