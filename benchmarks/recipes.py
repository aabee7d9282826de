"""From a recipe to a mini-CLIP, a judge and a run, each in its folder, by the product's commands.

What is there of the very same recipe is not made again, and a training that was broken off goes on.
Knows nothing of what is measured with them.
"""

import json
from collections.abc import Mapping, Sequence
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
    """Train the mini-CLIP of a recipe, unless it is there.

    Returns:
        what `train-clip` measured on held-out pictures.
    """
    config = settled(recipe, changes).model_dump(mode="json")
    made = {"data": config["data"], "embedder": config["embedder"] | {"model": None}}
    if not _is_made(folder, made):
        _run(
            "train-clip",
            "--config",
            str(recipe),
            "--out",
            str(folder),
            "--overwrite",
            *_set(changes),
        )
        _note(folder, made)
    card = json.loads((folder / CLIP_CARD).read_text(encoding="utf-8"))["card"]
    figures: dict[str, Any] = card["figures"]
    return figures


def judge(data: DataConfig, folder: Path, **training: Any) -> JudgeNet:
    """Train a judge as `train_judge_run`, unless it is there.

    Args:
        data: the pictures.
        folder: of the judge.
        training: seed, steps, batch_size, half.
    """
    made = {"data": data.model_dump(mode="json"), "training": training}
    if not _is_made(folder, made):
        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("judge", total=training["steps"])

            def show(at: Progress | JudgeStep) -> None:
                if isinstance(at, JudgeStep):
                    bar.update(task, completed=at.step, description=f"judge {at.accuracy:.0%}")

            finish(train_judge_run(folder, data, **training), show)
        _note(folder, made)
    return JudgeNet.load(folder)


def trained(recipe: Path, folder: Path, changes: Sequence[str] = ()) -> TextToImage:
    """Train the denoiser of a recipe to its end; one that is finished stays as it is."""
    _run("train", "--config", str(recipe), "--out", str(folder), "--no-animation", *_set(changes))
    return TextToImage.from_pretrained(str(folder))


def _is_made(folder: Path, recipe: Mapping[str, Any]) -> bool:
    """Whether a network was finished in this folder by just this recipe."""
    note = folder.with_name(f"{folder.name}.json")
    if not folder.is_dir() or not note.is_file():
        return False
    same: bool = json.loads(note.read_text(encoding="utf-8")) == recipe
    return same


def _note(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Remember, beside the folder, by which recipe it was made."""
    write_text(folder.with_name(f"{folder.name}.json"), json.dumps(recipe, indent=1) + "\n")


def _set(changes: Sequence[str]) -> list[str]:
    return [word for change in changes for word in ("--set", change)]


def _run(*words: str) -> None:
    print("$ ddpm-clip", *words, flush=True)
    if code := command(words):
        raise SystemExit(code)
