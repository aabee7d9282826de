"""`scan`: decodes every picture of a source and reports, without training."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Source

if TYPE_CHECKING:
    from ddpm_clip.data.checkup.scanning import Scanned

SHOWN = 20


def scan(
    source: Source,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "train",
    max_bad: Annotated[
        float, typer.Option(min=0, max=1, help="Share of unusable pictures that is tolerated.")
    ] = 0.2,
    max_samples: Annotated[
        int | None,
        typer.Option(min=1, help="Scan a random subset of this size; of a stream the first."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=4, help="Side of the training pictures: smaller ones are reported.")
    ] = 32,
    as_json: AsJson = False,
) -> None:
    """Check pictures: sizes, classes, bad files, and what may harm a training.

    ddpm-clip scan photos/
    ddpm-clip scan photos.zip --size 64 --json

    Reported are duplicates, pictures that are tiny, extremely long or likely text, and grey ones
    among coloured ones, with what a training makes of them; and what is left out of the source.
    Nothing is changed.
    """
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import NOTHING_WRITTEN, ProgressBars, follow
    from ddpm_clip.data.checkup.scanning import look_through
    from ddpm_clip.data.sources import open_source
    from ddpm_clip.data.subset import limit

    pictures = limit(open_source(source, split=split), max_samples)
    with GracefulShutdown("stopping after this picture") as shutdown, ProgressBars() as bars:
        work = look_through(pictures, max_bad, size)
        scanned = follow(work, bars, shutdown, told=NOTHING_WRITTEN)
    report = scanned.as_dict()
    if as_json:
        return console.result_json(report)
    _print(report, scanned)


def _print(report: dict[str, Any], scanned: "Scanned") -> None:
    from ddpm_clip.data.pictures.left_out import left_out_of

    console.result(
        f"{report['usable']} of {report['pictures']} pictures are usable in {report['source']}"
    )
    sizes = ", ".join(f"{size} ({n})" for size, n in report["common_sizes"].items())
    console.result(
        f"sides from {report['smallest_side']} to {report['largest_side']} pixels; mostly {sizes}"
    )
    if report["classes"]:
        named = ", ".join(f"{name} ({n})" for name, n in list(report["classes"].items())[:SHOWN])
        console.result(f"{len(report['classes'])} classes: {named}")
    for line in left_out_of(scanned.source).lines():
        console.result(f"left out: {line}")
    for one in (*scanned.findings, *scanned.bad):
        console.result(str(one))
