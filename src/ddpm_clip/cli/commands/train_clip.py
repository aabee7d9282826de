"""`train-clip`: trains a mini-CLIP on pictures with labels or captions."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import (
    AsJson,
    Assignments,
    ConfigFile,
    MaybeSource,
    Overwrite,
    Preset,
    resolved,
)

if TYPE_CHECKING:
    from ddpm_clip.evaluation.clip.figures import ClipFigures


def train_clip(
    source: MaybeSource = None,
    out: Annotated[Path, typer.Option(help="Folder of the mini-CLIP.")] = Path("runs/clip"),
    config: ConfigFile = None,
    preset: Preset = None,
    set_: Assignments = None,
    steps: Annotated[int | None, typer.Option(min=0, help="Optimisation steps.")] = None,
    dim: Annotated[int | None, typer.Option(help="Size of the embedding, 2 to 512.")] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Train a mini-CLIP on pictures with labels or captions.

    ddpm-clip train-clip mnist --out runs/clip --set data.channels=1 --set data.image_size=28
    ddpm-clip train mnist --set embedder.name=mini_clip --set embedder.model=runs/clip

    A mini-CLIP is a small CLIP for your own pictures, trained from scratch. Prints its
    folder, or with --json the figures on held-out pictures.
    """
    from ddpm_clip.evaluation.clip.job import train_clip_run

    settled, _ = resolved(source, preset, config, set_, embedder__steps=steps, embedder__dim=dim)
    figures = _followed(train_clip_run(out, settled, overwrite=overwrite), settled.embedder.steps)
    _say(figures)
    if as_json:
        return console.result_json({"folder": str(out.resolve()), "figures": asdict(figures)})
    console.result(str(out))


def _say(figures: "ClipFigures") -> None:
    """Print the figures that were measured."""
    if figures.retrieval is None:
        return console.say("Nothing was measured: the held-out pictures have no captions.")
    found = [f"{figures.retrieval:.1%} retrieve a true caption"]
    if figures.zero_shot is not None:
        found.append(f"{figures.zero_shot:.1%} their class among {figures.classes} names")
    which = "held-out" if figures.heldout else "training"
    console.say(f"Of {figures.n} {which} pictures, {', '.join(found)}.")
    if figures.gap is not None:
        console.say(
            f"Modality gap {figures.gap:.2f}; mean cosine of pairs {figures.paired_cosine:.2f}, "
            f"of others {figures.unpaired_cosine:.2f}; effective dimension of pictures "
            f"{figures.image_dimensions:.1f}, of texts {figures.text_dimensions:.1f}."
        )


def _followed(work: Any, total: int) -> "ClipFigures":
    """Run the job with progress bars; if it is interrupted, it leaves nothing behind."""
    from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted
    from ddpm_clip.cli.progress import ProgressBars
    from ddpm_clip.types import Progress
    from ddpm_clip.utils.generators import finish

    def show(at: Any) -> None:
        if shutdown.asked:
            raise Interrupted(shutdown.asked, "Interrupted. Nothing was written.")
        if isinstance(at, Progress):
            bars.update(at.stage, at.done, at.total, at.note)
        else:
            bars.update("train", at.step, total, f"loss {at.loss:.4f}  fits {at.accuracy:.0%}")

    with (
        GracefulShutdown("stopping after this step") as shutdown,
        ProgressBars() as bars,
        closing(work),
    ):
        figures: ClipFigures = finish(work, show)
        return figures
