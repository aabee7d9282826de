"""`reproduce`: paint a picture again from the parameters it records, and compare."""

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
    Path, typer.Argument(metavar="PICTURE", help="A PNG painted by ddpm-clip.", show_default=False)
]
Model = Annotated[
    str | None, typer.Option(help="The model that painted it; not needed for a shipped one.")
]
Sources = Annotated[
    list[Path] | None,
    typer.Option("--source", metavar="FILE", help="A picture it was edited from; repeatable."),
]
Mask = Annotated[Path | None, typer.Option(metavar="FILE", help="The mask it was inpainted with.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Where to write the new picture.")
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda or mps; default: that of the picture.")
]

DIFFERENT = 1
"""Exit code if any pixel differs."""


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
    """Paint a picture again from its recorded parameters, and compare the pixels.

    ddpm-clip reproduce outputs/000000-7-0123abcd.png
    ddpm-clip reproduce varied.png --source rose.png --out again.png

    The exit code is 1 if any pixel differs; the message says how many and by how much. A picture
    of a run needs --model, and an edited picture the inputs of its edit: --source and --mask. The
    recorded number of CPU threads is used again, because it affects the last bits.
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
    """Return the verdict as a sentence."""
    name, compared = found.recipe.file, found.comparison
    if compared.equal:
        return f"equal: {name}, all {compared.pixels:,} pixels"
    one, other = (f"{width}x{height}" for width, height in compared.sizes)
    if one != other:
        return f"different: {name} has {one} pixels, but {other} were painted"
    return (
        f"different: {name}, {compared.different:,} of {compared.pixels:,} pixels, by at most "
        f"{compared.largest} of 255 levels; PSNR {compared.psnr:g} dB"
    )
