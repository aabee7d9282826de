"""`compass`: pictures and words in one plane."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.commands.similarity import EmbeddingSpace, Plot, Texts, checked_png
from ddpm_clip.cli.options import AsJson, Source
from ddpm_clip.cli.painting_options import Device

if TYPE_CHECKING:
    from ddpm_clip.evaluation.clip.similarity import Compass


def compass(
    source: Source,
    model: EmbeddingSpace = "digits",
    text: Texts = None,
    n: Annotated[
        int, typer.Option("-n", min=1, help="Number of pictures, chosen at random.")
    ] = 500,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "test",
    out: Plot = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Show pictures and words in one plane.

    ddpm-clip compass mnist --model runs/clip --text zero --text one --out compass.png

    A two-dimensional CLIP is shown as it is, any other in the first two principal components of
    the pictures. Prints the share of pictures whose nearest text is their label.
    """
    from ddpm_clip.data.pictures.left_out import warn_of_left_out
    from ddpm_clip.data.sources import open_source
    from ddpm_clip.data.subset import limit
    from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace, compass

    checked_png(out)
    space = EmbeddingSpace.open(model, device)
    whole = open_source(source, split=split)
    warn_of_left_out(whole)
    few = limit(whole, n)
    images = [space.crop(few[i]) for i in range(len(few))]
    labels = [few.label(i) or "" for i in range(len(few))]
    found = compass(space, images, labels, space.asked(text or list(few.classes)))
    if out:
        _draw_compass(found, out, space.name)
    if as_json:
        return console.result_json(found.as_dict())
    agree = (
        "no label is among the texts"
        if found.agree is None
        else f"for {found.agree:.1%} the nearest text is the label"
    )
    console.result(f"{len(labels)} pictures, {len(found.texts)} texts: {agree}")


def _draw_compass(found: "Compass", out: Path, name: str) -> None:
    from ddpm_clip.utils.plots.maps import compass_plot

    points: dict[str, list[list[float]]] = {}
    for point, label in zip(found.points.tolist(), found.labels, strict=True):
        points.setdefault(label, []).append(point)
    arrows = dict(zip(found.texts, found.arrows.tolist(), strict=True))
    title = f"{name}: {found.shown:.0%} of the variance"
    console.say(f"written: {compass_plot(points, arrows, out, title=title)}")
