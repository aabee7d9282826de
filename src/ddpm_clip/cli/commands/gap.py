"""`gap`: measures the modality gap and how well each bridge closes it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import Device
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.evaluation.gap.study import GapStudy

COLUMNS = (
    ("own picture", "cosine"),
    ("centred", "centred_cosine"),
    ("1/rank", "reciprocal_rank"),
    ("nearest", "nearest_ratio"),
    ("radius", "radius_ratio"),
    ("outside", "outside"),
)


def gap(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|MODEL]",
            help="A run, a model's folder, or a shipped name.",
            show_default=False,
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Pairs of embeddings: arrays `image` and `text`."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw both clouds and the bridges.")
    ] = None,
    splits: Annotated[
        int, typer.Option(min=1, help="Random splits of the pairs, if no model is given.")
    ] = 20,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the splits and of bridges that draw.")
    ] = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure the gap between text and image embeddings.

    ddpm-clip gap digits --out gap.png
    ddpm-clip gap --pairs data/clip_pairs/coco500_clip_vitb.npz

    CLIP embeds texts and pictures as two separate clouds: the modality gap. A model is measured
    on its own prompts and the training pictures that it keeps, or on --pairs; the table shows how
    well each of its bridges closes the gap. Pairs without a model compare ten simple maps, a few
    of which models use as bridges.
    """
    if model is None and pairs is None:
        raise UsageError("there is nothing to measure", fix="ddpm-clip gap digits", param="model")
    study = _study(model, pairs, splits, seed, device)
    if out is not None:
        from ddpm_clip.evaluation.gap.plot import draw_gap

        console.say(f"written: {draw_gap(study, out)}")
    if as_json:
        return console.result_json(study.as_dict())
    _print(study)


def _study(
    model: str | None, pairs: Path | None, splits: int, seed: int, device: str
) -> "GapStudy":
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import ProgressBars, follow
    from ddpm_clip.data.csv_exchange.embedding_pairs import read_pairs
    from ddpm_clip.evaluation.gap.study import study_model, study_pairs
    from ddpm_clip.runs.pretrained import load

    given = None if pairs is None else read_pairs(pairs)
    if model is not None:
        return study_model(load(model, device), given, seed=seed)
    assert given is not None
    assert pairs is not None
    with GracefulShutdown("stopping after this split") as shutdown, ProgressBars() as bars:
        return follow(study_pairs(pairs.stem, *given, splits=splits, seed=seed), bars, shutdown)


def _print(study: "GapStudy") -> None:
    report = study.report
    top = ", ".join(f"{number} ({share:.0%})" for number, share in report.top)
    rows = [
        ("distance of the means", _number(report.distance)),
        ("share of the squared distance", _percent(report.share)),
        ("cosine of a pair", _number(report.paired_cosine)),
        ("the same, centred", _number(report.centred_cosine)),
        ("cosine of text and other picture", _number(report.unpaired_cosine)),
        ("cosine of two pictures", _number(report.image_cosine)),
        ("cosine of two texts", _number(report.text_cosine)),
        ("radius of texts, ÷ pictures", _number(report.radius_ratio)),
        ("effective dimension, pictures", f"{report.image_dimensions:.1f} of {report.dim}"),
        ("effective dimension, texts", f"{report.text_dimensions:.1f} of {report.dim}"),
        ("coordinates of the gap", top),
        ("accuracy of a linear probe", _percent(report.probe)),
        ("the same, centred", _percent(report.probe_after)),
    ]
    console.result(f"{study.name}: {report.images} pictures, {report.texts} texts")
    for name, value in rows:
        if value:
            console.result(f"{name + ':':<34}{value}")
    _print_bridges(study)


def _print_bridges(study: "GapStudy") -> None:
    if not study.bridges:
        return
    shown = [
        (title, key)
        for title, key in COLUMNS
        if getattr(next(iter(study.bridges.values())), key) is not None
    ]
    console.result("")
    console.result(f"{'bridge':<24}" + "".join(f"{title:>12}" for title, _ in shown))
    for name, row in study.bridges.items():
        cells = "".join(f"{_number(getattr(row, key)):>12}" for _, key in shown)
        console.result(f"{name:<24}{cells}")
    console.say("nearest and radius: 1 is the value of real pictures")
    if any(key == "outside" for _, key in shown):
        console.say("outside: share of texts that are brought back into the pictures' cloud")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
