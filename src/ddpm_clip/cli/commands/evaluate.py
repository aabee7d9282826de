"""`evaluate`: measures a model with an independent judge and CLIP, and writes a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Overwrite
from ddpm_clip.cli.painting_options import (
    NUMBER,
    WHOLE,
    Bridge,
    Device,
    ModelArgument,
    OneGuidance,
    Sampler,
    Steps,
    described,
    painting_overrides,
)
from ddpm_clip.cli.progress import NOTHING_WRITTEN, watched

if TYPE_CHECKING:
    from collections.abc import Generator

    from ddpm_clip.evaluation.report.evaluate import Evaluation
    from ddpm_clip.types import Progress


Against = Annotated[
    str | None, typer.Option(help="Real pictures to compare with; by default the run's own.")
]
Count = Annotated[
    int | None, typer.Option("-n", "--n", help=described("n", ", however long it takes"), **WHOLE)
]
Minutes = Annotated[
    float | None,
    typer.Option(help="Choose n for about this duration; 5 minutes if neither is given.", **NUMBER),
]
Prompts = Annotated[
    Path | None,
    typer.Option(help="A text file, one prompt per line; after a tab its facts: name=value, ..."),
]
Scorer = Annotated[
    str | None, typer.Option(help="Folder of a mini-CLIP other than the model's own.")
]


def evaluate(
    model: ModelArgument,
    against: Against = None,
    n: Count = None,
    minutes: Minutes = None,
    prompts: Prompts = None,
    judge: Annotated[
        Path | None, typer.Option(help="Folder of a judge (a classifier of painted pictures).")
    ] = None,
    clip: Scorer = None,
    seed: Annotated[int, typer.Option(help=described("seed"), **WHOLE)] = 0,
    steps: Steps = None,
    guidance: OneGuidance = None,
    sampler: Sampler = None,
    bridge: Bridge = None,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("evaluation"),
    overwrite: Overwrite = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure prompt success, realism, diversity and copying.

    ddpm-clip evaluate runs/photos --minutes 5
    ddpm-clip evaluate digits -n 20 --out reports/digits

    Writes evaluation.json, evaluation.md and evaluation.html, each figure next to that of real
    pictures, with the reason for everything that could not be measured. Prints the path of the
    HTML page.
    """
    from ddpm_clip.evaluation.report.evaluate import Request
    from ddpm_clip.evaluation.report.formats.files import FILES, HTML, write_evaluation
    from ddpm_clip.evaluation.report.formats.files import as_json as json_form
    from ddpm_clip.evaluation.report.plan import check_size
    from ddpm_clip.reports.folder import check_folder

    how = painting_overrides(
        guidance=guidance, steps=steps, sampler=sampler, bridge=bridge, seed=seed
    )
    check_size(n, minutes)
    check_folder(out, FILES, overwrite)
    request = Request(n, minutes, prompts, judge, clip, against, how)
    found = watched(_evaluate(model, device, request), told=NOTHING_WRITTEN)
    write_evaluation(found, out)
    if as_json:
        return console.result_json(json_form(found))
    _say(found)
    console.result(str(out / HTML))


def _evaluate(model: str, device: str, request: Any) -> "Generator[Progress, None, Evaluation]":
    from ddpm_clip.evaluation.report.evaluate import evaluate as work
    from ddpm_clip.generation.text_to_image import TextToImage

    return work(TextToImage.from_pretrained(model, device), request)


def _say(found: "Evaluation") -> None:
    """Print the first figure of each section, and what could not be measured."""
    for part in found.sections:
        first = part.figures[0]
        beside = f"  (real: {first.spoken_real()})" if first.real is not None else ""
        interval = f", {first.spoken_interval()}" if first.interval is not None else ""
        console.say(f"{part.title}: {first.name} {first.spoken()}{interval}{beside}  n={first.n}")
        for note in part.notes if "zero_shot" in part.detail else ():
            console.say(f"  {note}")
    for one in found.skipped:
        console.say(f"not measured: {one.title}: {one.reason()}")
