"""`similarity`: how similar pictures and words are to an embedder, as numbers and plots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import Device
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.evaluation.clip.similarity import Similarity

EmbeddingSpace = Annotated[
    str, typer.Option("--model", help="A model, or the folder of a mini-CLIP.", show_default=True)
]
Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help="A text; repeatable. By default the model's own prompts."),
]
Plot = Annotated[Path | None, typer.Option("--out", metavar="FILE.png", help="Draw a plot.")]


def similarity(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="PICTURE...", help="Picture files.", show_default=False)
    ],
    model: EmbeddingSpace = "digits",
    text: Texts = None,
    out: Plot = None,
    bars: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw one bar chart per picture.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure the CLIP similarity of pictures and texts.

    ddpm-clip similarity six.png two.png --text six --text "the digit two" --out heat.png

    Prints the most similar text of each picture, with its cosine and its softmax share.
    """
    from ddpm_clip.data.pictures.images import open_image
    from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace, similarity

    for path in (out, bars):
        checked_png(path)
    space = EmbeddingSpace.open(model, device)
    found = similarity(
        space,
        [space.crop(open_image(one)) for one in pictures],
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


def _draw(found: "Similarity", out: Path | None, bars: Path | None) -> None:
    from ddpm_clip.utils.plots.curves import Plot, draw_plots
    from ddpm_clip.utils.plots.maps import heat_map

    label = "cosine, centred" if found.centred else "cosine"
    if out:
        path = heat_map(found.scores.tolist(), found.texts, found.pictures, out, label=label)
        console.say(f"written: {path}")
    if bars:
        parts = [
            Plot(name, label, bars={"": list(zip(found.texts, column, strict=True))})
            for name, column in zip(found.pictures, found.scores.T.tolist(), strict=True)
        ]
        height = 1.2 + 0.24 * len(found.texts)
        console.say(f"written: {draw_plots(parts, bars, columns=3, height=height)}")


def checked_png(path: Path | None) -> None:
    """Raise a `UsageError` if the name of a plot does not end in .png."""
    if path is not None and path.suffix.lower() != ".png":
        raise UsageError(f"{path} is not a PNG", fix="choose a name that ends in .png", param="out")
