"""`gap`: how far words lie from pictures, and what each bridge makes of it."""

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
        typer.Option(metavar="FILE.npz", help="Embeddings `image` and `text`, row by row a pair."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw both clouds and the bridges.")
    ] = None,
    splits: Annotated[
        int, typer.Option(min=1, help="Splits of the pairs, where no model is given.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the splits and of what is drawn.")] = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure the modality gap of a model, or of pairs of embeddings.

    ddpm-clip gap digits --out gap.png
    ddpm-clip gap --pairs data/clip_pairs/coco500_clip_vitb.npz

    A model is measured by its own prompts and the pictures of its bank, and with --pairs by those.
    Pairs alone compare every simple bridge, most of which no model uses.
    """
    if model is None and pairs is None:
        raise UsageError("there is nothing to measure", fix="ddpm-clip gap digits", param="model")
    study = _study(model, pairs, splits, seed, device)
    if out is not None:
        from ddpm_clip.evaluation.gap.plot import draw_gap

        console.say(f"drawn: {draw_gap(study, out)}")
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

    told = None if pairs is None else read_pairs(pairs)
    if model is not None:
        return study_model(load(model, device), told, seed=seed)
    assert told is not None
    assert pairs is not None
    with GracefulShutdown("leaving after this split") as shutdown, ProgressBars() as bars:
        return follow(study_pairs(pairs.stem, *told, splits=splits, seed=seed), bars, shutdown)


def _print(study: "GapStudy") -> None:
    report = study.report
    top = ", ".join(f"{number} ({share:.0%})" for number, share in report.top)
    rows = [
        ("distance of the means", _number(report.distance)),
        ("share of the squared distance", _percent(report.share)),
        ("cosine of a pair", _number(report.paired_cosine)),
        ("the same, centred", _number(report.centred_cosine)),
        ("cosine of word and other picture", _number(report.unpaired_cosine)),
        ("cosine of two pictures", _number(report.image_cosine)),
        ("cosine of two texts", _number(report.text_cosine)),
        ("radius of words, ÷ pictures", _number(report.radius_ratio)),
        ("effective dimension, pictures", f"{report.image_dimensions:.1f} of {report.dim}"),
        ("effective dimension, words", f"{report.text_dimensions:.1f} of {report.dim}"),
        ("coordinates of the gap", top),
        ("told apart by a straight cut", _percent(report.probe)),
        ("the same, each centred", _percent(report.probe_after)),
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
    console.say("nearest and radius: 1 is what a picture has")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
