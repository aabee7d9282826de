"""Packs a run into one small folder for distribution: EMA weights and what painting needs."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

import ddpm_clip
from ddpm_clip.build import EMBEDDER_FOLDER, bridge_options
from ddpm_clip.conditioning.files import BRIDGE_NOTE, load_conditioner, save_conditioner
from ddpm_clip.errors import CannotCreate
from ddpm_clip.runs.pretrained import (
    COVERAGE,
    classes_of,
    notices_of,
    run_checkpoint,
    without_paths,
)
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.storage import published_folder, write_text
from ddpm_clip.utils.tensors import save_tensors
from ddpm_clip.weights.card import CARD, FORMAT
from ddpm_clip.weights.licence import write_notices


def pack(
    run_folder: str | Path,
    out: str | Path,
    *,
    bank: bool = True,
    name: str | None = None,
    card: dict[str, Any] | None = None,
    best: bool = False,
) -> Path:
    """Write a run's EMA weights and all that painting needs into one small folder.

    Args:
        run_folder: A run with at least one checkpoint.
        out: The folder to write, which must be new or empty.
        bank: Keep the bank of training embeddings, which the `knn` bridge needs.
        name: Name of the model; by default the name of the folder.
        card: More facts for the reader of the model card (data, licence, figures).
        best: Use the checkpoint of lowest held-out loss instead of the newest.

    Raises:
        CannotCreate: `out` exists and is not an empty folder.
    """
    run, out = Run.open(run_folder), Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotCreate(f"{out} exists", fix="choose another --out", param="out")
    checkpoint = run_checkpoint(run, run.best_step() if best else None)
    conditioner = load_conditioner(run.folder, bridge_options(run.config.conditioning))
    with published_folder(out) as folder:
        save_tensors(folder / "model.safetensors", _halved(checkpoint.tensors["ema"]))
        save_conditioner(folder, conditioner, bank)
        own = run.folder / EMBEDDER_FOLDER
        inside = own.iterdir() if own.is_dir() and not own.is_symlink() else ()
        notes = [run.folder / note for note in (BRIDGE_NOTE, *((COVERAGE,) if bank else ()))]
        _copy_own([*notes, *inside], run.folder, folder)
        write_notices(folder, notices_of(run.folder))
        facts = {
            "format": FORMAT,
            "ddpm_clip": ddpm_clip.__version__,
            "name": name or out.name,
            "step": checkpoint.step,
            "classes": list(classes_of(run)),
            "card": card or {},
            "config": without_paths(run.config).model_dump(mode="json"),
        }
        write_text(folder / CARD, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return out


def _halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}


def _copy_own(files: Iterable[Path], home: Path, out: Path) -> None:
    """Copy files of a run to the same place in `out`; no links, which could lead to a secret."""
    for file in files:
        if file.is_file() and not file.is_symlink() and file.suffix in (".json", ".safetensors"):
            (out / file.relative_to(home)).parent.mkdir(exist_ok=True)
            shutil.copy(file, out / file.relative_to(home))
