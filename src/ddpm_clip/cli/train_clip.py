"""`train-clip`: a small CLIP of one's own, for pictures of which something is known."""

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
    from ddpm_clip.training.clip_job import ClipFigures


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

    Prints its folder, or with --json what was measured on held-out pictures.
    """
    from ddpm_clip.training.clip_job import train_clip_run

    settled, _ = resolved(
        source, preset, config, set_, embedder__steps=steps, embedder__dim=dim
    )  # fmt: skip
    figures = _followed(train_clip_run(out, settled, overwrite=overwrite), settled.embedder.steps)
    console.say(f"{figures.retrieval:.1%} of {figures.n} held-out pictures found a true caption")
    if as_json:
        return console.result_json({"folder": str(out.resolve()), "figures": asdict(figures)})
    console.result(str(out))


def _followed(work: Any, total: int) -> "ClipFigures":
    """Run the job under bars; interrupted, it leaves nothing behind."""
    from ddpm_clip.cli.interrupt import Interrupted, Patience
    from ddpm_clip.cli.progress import Bars
    from ddpm_clip.types import Progress
    from ddpm_clip.utils.generators import finish

    def show(at: Any) -> None:
        if patience.asked:
            raise Interrupted(patience.asked, "Interrupted. Nothing was written.")
        if isinstance(at, Progress):
            bars.update(at.stage, at.done, at.total, at.note)
        else:
            bars.update("train", at.step, total, f"loss {at.loss:.4f}  fits {at.accuracy:.0%}")

    with Patience("leaving after this step") as patience, Bars() as bars, closing(work):
        figures: ClipFigures = finish(work, show)
        return figures
