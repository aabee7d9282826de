"""Train the mini-CLIP, judge and run of a recipe with the commands, each in its own folder.

Anything already trained from the same recipe is reused, and interrupted training resumes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

from ddpm_clip import TextToImage
from ddpm_clip.cli.main import main as command
from ddpm_clip.config.resolve import resolve
from ddpm_clip.config.schema import Config, DataConfig
from ddpm_clip.embedders.mini_clip import CARD as CLIP_CARD
from ddpm_clip.evaluation.judge.job import train_judge_run
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import JudgeStep
from ddpm_clip.types import Progress
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.storage import write_text


def settled(recipe: Path, changes: Sequence[str] = ()) -> Config:
    """The config of a recipe, with KEY=VALUE changes."""
    return resolve(file=recipe, assignments=list(changes), environ={})[0]


def mini_clip(recipe: Path, folder: Path, changes: Sequence[str] = ()) -> dict[str, Any]:
    """Train the mini-CLIP of a recipe, unless it exists.

    Returns:
        The figures that `train-clip` measured on held-out pictures.
    """
    config = settled(recipe, changes).model_dump(mode="json")
    made = {"data": config["data"], "embedder": config["embedder"] | {"model": None}}
    words = ("train-clip", "--config", str(recipe), "--out", str(folder), "--overwrite")
    made_once(folder, made, lambda: _run(*words, *set_flags(changes)))
    card = json.loads((folder / CLIP_CARD).read_text(encoding="utf-8"))["card"]
    figures: dict[str, Any] = card["figures"]
    return figures


def judge(data: DataConfig, folder: Path, **training: Any) -> JudgeNet:
    """Train a judge with `train_judge_run`, unless it exists.

    Args:
        data: config of the pictures.
        folder: folder of the judge.
        training: seed, steps, batch_size and half, passed on to `train_judge_run`.
    """
    made = {"data": data.model_dump(mode="json"), "training": training}

    def make() -> None:
        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("judge", total=training["steps"])

            def show(at: Progress | JudgeStep) -> None:
                if isinstance(at, JudgeStep):
                    bar.update(task, completed=at.step, description=f"judge {at.accuracy:.0%}")

            finish(train_judge_run(folder, data, **training), show)

    made_once(folder, made, make)
    return JudgeNet.load(folder)


def trained(recipe: Path, folder: Path, changes: Sequence[str] = ()) -> TextToImage:
    """Train the denoiser of a recipe to the end; a finished one stays as it is."""
    _run(
        "train",
        "--config",
        str(recipe),
        "--out",
        str(folder),
        "--no-animation",
        *set_flags(changes),
    )
    return TextToImage.from_pretrained(str(folder))


def made_once(folder: Path, recipe: Mapping[str, Any], make: Callable[[], None]) -> None:
    """Make a network, unless the folder contains one that was made from exactly this recipe."""
    if not _is_made(folder, recipe):
        make()
        _note(folder, recipe)


def set_flags(changes: Sequence[str]) -> list[str]:
    """KEY=VALUE changes as flags of a command."""
    return [word for change in changes for word in ("--set", change)]


def _is_made(folder: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether this folder contains a network trained from exactly this recipe."""
    note = folder.with_name(f"{folder.name}.json")
    if not folder.is_dir() or not note.is_file():
        return False
    same: bool = json.loads(note.read_text(encoding="utf-8")) == recipe
    return same


def _note(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Record, beside the folder, the recipe it was trained from."""
    write_text(folder.with_name(f"{folder.name}.json"), json.dumps(recipe, indent=1) + "\n")


def _run(*words: str) -> None:
    print("$ ddpm-clip", *words, flush=True)
    if code := command(words):
        raise SystemExit(code)
