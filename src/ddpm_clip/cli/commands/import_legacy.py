"""`import-legacy`: a .pth of an earlier project to a model, without running what it holds."""

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
        Path | None, typer.Option(metavar="FILE.pth", help="Of the CLIP, if it has its own.")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Of a network that is asked by class.")
    ] = None,
    timesteps: Annotated[
        int | None, typer.Option(min=2, help="Rows of the schedule, if the file has none (400).")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The pretrained CLIP, if another.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the model; by default the folder's.")] = None,
) -> None:
    """Make a model of a .pth that an earlier project trained.

    ddpm-clip import-legacy model_checkpoint/9.pth --out models/nine
    ddpm-clip import-legacy mnist_ddpm.pth --clip mnist_clip.pth --out models/mnist
    ddpm-clip generate "six" --model models/mnist

    A .pth can run code when it is opened. It is read by another process, in weights-only mode and
    with bounded means; what it holds besides weights is refused, and no other command reads one.
    """
    from ddpm_clip.runs.legacy_weights import import_legacy as convert

    names = [one.strip() for one in classes.split(",")] if classes else []
    model = convert(
        file, out, clip=clip, classes=names, timesteps=timesteps, embedder=embedder, name=name
    )
    console.result(str(model))
    console.say(f'Paint: ddpm-clip generate "your words" --model {out}')
