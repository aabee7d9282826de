"""`reproduce`: a picture on the command line, painted again from what it says of itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import ClipGuide
from ddpm_clip.cli.progress import NOTHING_WRITTEN, watched

if TYPE_CHECKING:
    from ddpm_clip.reproducing import Reproduction

PictureFile = Annotated[
    Path, typer.Argument(metavar="PICTURE", help="A PNG that we wrote.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="The model that painted it; found by itself if it ships.")
]
Sources = Annotated[
    list[Path] | None,
    typer.Option("--source", metavar="FILE", help="A picture that it was edited from; repeatable."),
]
Mask = Annotated[Path | None, typer.Option(metavar="FILE", help="The mask of an inpainted one.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Where to put the picture painted now.")
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda or mps; by default that of the picture.")
]

DIFFERENT = 1
"""Exit code for pixels that are not the same."""


def reproduce(
    picture: PictureFile,
    model: Model = None,
    source: Sources = None,
    mask: Mask = None,
    clip_guide: ClipGuide = None,
    out: Out = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Paint a picture again from its own parameters, and compare the pixels.

    ddpm-clip reproduce outputs/000000-7-0123abcd.png
    ddpm-clip reproduce varied.png --source rose.png --out again.png

    Leaves with 1 where a pixel differs, and says how many and by how much. A run is named by
    --model; what an edited picture was made from by --source and --mask.
    """
    from ddpm_clip.reproducing import reproduce
    from ddpm_clip.reproducing.reproduction import checked_out

    if out is not None:
        checked_out(out)
    work = reproduce(
        picture, model, device=device, sources=source or [], mask=mask, clip_guide=clip_guide
    )
    found = watched(work, told=NOTHING_WRITTEN)
    written = None if out is None else found.save(out)
    for note in found.notes:
        console.say(f"note: {note}")
    if as_json:
        console.result_json(
            found.as_dict() | {"painted_again": None if written is None else written.resolve()}
        )
    else:
        console.result(console.printable(_sentence(found)))
        if written is not None:
            console.say(f"painted again: {written}")
    if not found.equal:
        raise typer.Exit(DIFFERENT)


def _sentence(found: "Reproduction") -> str:
    """The verdict for a person."""
    name, apart = found.recipe.file, found.comparison
    if apart.equal:
        return f"equal: {name}, all {apart.pixels:,} pixels"
    one, other = (f"{width}x{height}" for width, height in apart.sizes)
    if one != other:
        return f"different: {name} has {one} pixels, and {other} were painted"
    return (
        f"different: {name}, {apart.different:,} of {apart.pixels:,} pixels, by at most "
        f"{apart.largest} of 255 levels; PSNR {apart.psnr:g} dB"
    )
