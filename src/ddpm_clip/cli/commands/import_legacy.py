"""`import-legacy`: converts a .pth of an earlier project to a model, without running code in it."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli import console


def import_legacy(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.pth", help="The checkpoint.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="A new folder for the model.", show_default=False)],
    clip: Annotated[
        Path | None,
        typer.Option(metavar="FILE.pth", help="Checkpoint of the project's own CLIP, if any."),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Class names, for a class-conditional network."),
    ] = None,
    timesteps: Annotated[
        int | None, typer.Option(min=2, help="Timesteps T, if the file does not say (400).")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The pretrained CLIP, if not the usual one.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model; by default that of the folder.")
    ] = None,
) -> None:
    """Convert a .pth checkpoint of an earlier project to a model.

    ddpm-clip import-legacy model_checkpoint/9.pth --out models/nine
    ddpm-clip import-legacy mnist_ddpm.pth --clip mnist_clip.pth --out models/mnist
    ddpm-clip generate "six" --model models/mnist

    Opening a .pth can run code. It is read in a separate process in weights-only mode with limited
    resources; anything besides weights is refused. No other command reads a .pth.
    """
    from ddpm_clip.runs.legacy_weights import import_legacy as convert

    names = [one.strip() for one in classes.split(",")] if classes else []
    model = convert(
        file, out, clip=clip, classes=names, timesteps=timesteps, embedder=embedder, name=name
    )
    console.result(str(model))
    console.say(f'Paint: ddpm-clip generate "your words" --model {out}')
