"""`similarity` and `compass`: what an embedder makes of pictures and words, in numbers and plots.

Prints scores; with --out, --bars it also draws. Knows nothing of how anything is computed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Source
from ddpm_clip.cli.painting_options import Device
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

    from ddpm_clip.evaluation.similarity import Compass, Similarity

Space = Annotated[
    str, typer.Option("--model", help="A model, or the folder of a mini-CLIP.", show_default=True)
]
Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help="Words, as often as wanted; by default the model's own prompts."),
]
Plot = Annotated[Path | None, typer.Option("--out", metavar="FILE.png", help="Draw it.")]


def similarity(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", help="Pictures.", show_default=False)
    ],
    model: Space = "digits",
    text: Texts = None,
    out: Plot = None,
    bars: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the scores picture by picture.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """How near pictures lie to words.

    ddpm-clip similarity six.png two.png --text six --text "the digit two" --out heat.png

    Prints the nearest text of each picture with its cosine and its share among the texts.
    """
    from ddpm_clip.evaluation.similarity import Space, similarity

    for path in (out, bars):
        _png(path)
    space = Space.open(model, device)
    found = similarity(
        space,
        [_opened(one) for one in pictures],
        space.asked(text or []),
        [one.name for one in pictures],
    )
    _draw(found, out, bars)
    if as_json:
        return console.result_json(found.as_dict())
    for j, name in enumerate(found.pictures):
        i = int(found.scores[:, j].argmax())
        score, share = found.scores[i, j].item(), found.shares[i, j].item()
        console.result(f"{name}: {found.texts[i]} ({score:.3f}, {share:.0%})")


def compass(
    source: Source,
    model: Space = "digits",
    text: Texts = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Pictures, by lot.")] = 500,
    split: Annotated[str, typer.Option(help="Which part of a data set.")] = "test",
    out: Plot = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Lay pictures and words into one plane.

    ddpm-clip compass mnist --model runs/clip --text zero --text one --out compass.png

    A two-dimensional CLIP is shown as it is, any other on the two axes along which the pictures
    vary most. Prints the share of pictures whose nearest text is their label.
    """
    from ddpm_clip.data.images import square
    from ddpm_clip.data.sources import open_source
    from ddpm_clip.data.subset import limit
    from ddpm_clip.evaluation.similarity import Space, compass

    _png(out)
    space = Space.open(model, device)
    few = limit(open_source(source, split=split), n)
    images = [square(few[i]) for i in range(len(few))]
    labels = [few.label(i) or "" for i in range(len(few))]
    found = compass(space, images, labels, space.asked(text or list(few.classes)))
    if out:
        _draw_compass(found, out, space.name)
    if as_json:
        return console.result_json(found.as_dict())
    agree = "no label is among the texts" if found.agree is None else f"{found.agree:.1%} agree"
    console.result(f"{len(labels)} pictures, {len(found.texts)} texts: {agree}")


def _draw(found: "Similarity", out: Path | None, bars: Path | None) -> None:
    from ddpm_clip.utils.plots import Panel, heat_map, panels

    label = "cosine, centred" if found.centred else "cosine"
    if out:
        path = heat_map(found.scores.tolist(), found.texts, found.pictures, out, label=label)
        console.say(f"written: {path}")
    if bars:
        parts = [
            Panel(name, label, bars={"": list(zip(found.texts, column, strict=True))})
            for name, column in zip(found.pictures, found.scores.T.tolist(), strict=True)
        ]
        height = 1.2 + 0.24 * len(found.texts)
        console.say(f"written: {panels(parts, bars, columns=3, height=height)}")


def _draw_compass(found: "Compass", out: Path, name: str) -> None:
    from ddpm_clip.utils.plots import compass_plot

    points: dict[str, list[list[float]]] = {}
    for point, label in zip(found.points.tolist(), found.labels, strict=True):
        points.setdefault(label, []).append(point)
    arrows = dict(zip(found.texts, found.arrows.tolist(), strict=True))
    title = f"{name}: {found.shown:.0%} of the variance"
    console.say(f"written: {compass_plot(points, arrows, out, title=title)}")


def _opened(path: Path) -> "Image":
    from ddpm_clip.data.images import open_image, square

    return square(open_image(path))


def _png(path: Path | None) -> None:
    if path is not None and path.suffix.lower() != ".png":
        raise UsageError(f"{path} is no PNG", fix="a name that ends in .png", param="out")
