"""Loads a model for painting: a run, or a packed model, which is a folder as well.

    config.json            the model card with the resolved config
    model.safetensors      EMA weights, fp16
    conditioner.*          statistics, prompt bank, bank of embeddings, prior
    bridge.json            why this bridge is the default
    embedder/              the mini-CLIP, if there is one
    licence.json           whose work the weights were adapted from, if they were

A run folder loads the same way. Nothing in a folder is executed: it is safetensors and JSON only.
Painting is `generation/text_to_image.py`, packing is `packing.py`.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ddpm_clip.build import (
    EMBEDDER_FOLDER,
    bridge_options,
    build_ddpm,
    build_embedder,
    build_network,
    usable_device,
)
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import load_conditioner, read_note
from ddpm_clip.conditioning.plane import Plane
from ddpm_clip.config.resolve import Layer, flatten, merge
from ddpm_clip.config.schema import Config
from ddpm_clip.data.remote.places import inside
from ddpm_clip.errors import DataError, MissingInput, StorageError
from ddpm_clip.models import DDPM
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.file_names import FACTS
from ddpm_clip.runs.finding import find as find
from ddpm_clip.runs.run import Run
from ddpm_clip.types import Embedder
from ddpm_clip.utils.tensors import check_weights, load_tensors
from ddpm_clip.weights.card import CARD, read_card
from ddpm_clip.weights.licence import Notice, checked_notices, read_notices

COVERAGE = "coverage.json"
"""Calibration of prompt coverage; written and read by `ddpm_clip.coverage`."""


@dataclass(eq=False)
class LoadedModel:
    """A model that can paint: network, diffusion maths, conditioner, and embedder on first use."""

    name: str
    folder: Path
    config: Config
    network: nn.Module
    ddpm: DDPM
    conditioner: Conditioner
    classes: tuple[str, ...]
    fingerprint: str
    step: int | None
    device: torch.device

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of prompts, loaded on first use: unconditional painting needs none."""
        return build_embedder(
            self.config.embedder, classes=self.classes, home=self.folder, device=str(self.device)
        )

    @cached_property
    def plane(self) -> Plane:
        """The map of its pictures, laid on first use; a `DataError` if it has none."""
        return Plane.of(self.conditioner)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.config.data.channels, *self.config.data.image_size


def load(name: str | Path, device: str = "auto") -> LoadedModel:
    """Open a model for painting.

    Raises:
        MissingInput: There is no such model, or the run has no checkpoint.
        DataError: Its files do not match.
        StorageError: A file is damaged.
    """
    folder = find(name)
    return _load_run(Run.open(folder), device) if is_run(folder) else _load_packed(folder, device)


def weights_of(name: str | Path) -> dict[str, Tensor]:
    """Return the EMA weights of a run or packed model, float32, by the network's own names.

    Raises:
        MissingInput: There is no such model, or the run has no checkpoint.
        StorageError: The weights are damaged.
    """
    folder = find(name)
    if not is_run(folder):
        return _packed_weights(folder)
    return run_checkpoint(Run.open(folder)).tensors["ema"]


def describe(name: str | Path) -> dict[str, Any]:
    """Return the facts that `show` and `models` print, reading small files only."""
    folder = find(name)
    if is_run(folder):
        run = Run.open(folder)
        last = run.history()[-1:]
        return {
            "name": folder.name,
            "kind": "run",
            "folder": str(folder),
            "card": {},
            "step": max(run.checkpoint_steps(), default=None),
            "last": last[0] if last else None,
            "classes": list(classes_of(run)),
            "embedder": run.read_json("embedder.json"),
            "bridge": read_note(folder),
            "licences": notices_of(folder),
            "config": run.config.model_dump(mode="json"),
        }
    facts = read_card(folder)
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return {
        "name": facts["name"],
        "kind": "packed model",
        "folder": str(folder),
        "megabytes": round(size / 1e6, 1),
        "step": facts["step"],
        "classes": facts["classes"],
        "card": facts["card"],
        "bridge": read_note(folder),
        "licences": notices_of(folder),
        "config": _config_of(folder, facts).model_dump(mode="json"),
    }


def notices_of(folder: Path) -> list[Notice]:
    """Return the licence notices of a model: its own, its embedder's, those of what it began from.

    Raises:
        DataError: A licence file is malformed.
        StorageError: The facts of a run are damaged.
    """
    found = read_notices(folder, folder / EMBEDDER_FOLDER)
    if is_run(folder):
        try:
            began = checked_notices(Run.open(folder).read_json(FACTS).get("licences", []))
        except ValueError as error:
            raise StorageError(f"cannot read {folder / FACTS}", str(error)) from error
        found += [notice for notice in began if notice not in found]
    return found


def is_run(folder: Path) -> bool:
    """Whether a folder is a run rather than a packed model."""
    return (folder / "config.yaml").is_file()


def run_checkpoint(run: Run, step: int | None = None) -> Checkpoint:
    """Return the EMA weights of a run at a step, by default the newest.

    Raises:
        MissingInput: The run has no such checkpoint.
    """
    checkpoint = run.load(step, groups=["ema"])
    if checkpoint is None:
        raise MissingInput(
            f"{run.folder} has no checkpoint yet",
            fix=f"ddpm-clip resume {run.folder}",
            param="model",
        )
    return checkpoint


def _load_run(run: Run, device: str) -> LoadedModel:
    checkpoint, name = run_checkpoint(run), run.folder.resolve().name
    classes = classes_of(run)
    weights = checkpoint.tensors["ema"]
    return _assembled(name, run.folder, run.config, weights, classes, checkpoint.step, device)


def _load_packed(folder: Path, device: str) -> LoadedModel:
    facts = read_card(folder)
    config = _config_of(folder, facts)
    weights, classes = _packed_weights(folder), tuple(facts["classes"])
    return _assembled(facts["name"], folder, config, weights, classes, facts["step"], device)


def classes_of(run: Run) -> tuple[str, ...]:
    """Return the classes of a run's pictures, in order; () if none are recorded."""
    classes = run.read_json("classes.json").get("classes", [])
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise StorageError(f"{run.folder / 'classes.json'} is not a list of class names")
    return tuple(classes)


def _config_of(folder: Path, facts: dict[str, Any]) -> Config:
    """Return the config of a packed model, validated, without its maker's paths."""
    return without_paths(merge([Layer(str(folder / CARD), flatten(facts["config"]))])[0])


def _packed_weights(folder: Path) -> dict[str, Tensor]:
    try:
        return {k: v.float() for k, v in load_tensors(folder / "model.safetensors").items()}
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read the weights in {folder}", str(error)[:200]) from error


def _assembled(
    name: str,
    folder: Path,
    config: Config,
    weights: dict[str, Tensor],
    classes: tuple[str, ...],
    step: int | None,
    device: str,
) -> LoadedModel:
    place = usable_device(device)
    conditioner = load_conditioner(folder, bridge_options(config.conditioning))
    make = partial(build_network, config, conditioner.width)
    try:
        check_weights(make, weights)  # before building: the config may state absurd sizes
    except ValueError as error:
        raise DataError(
            f"the weights in {folder} do not match its config", str(error)[:300]
        ) from error
    network = make()
    network.load_state_dict(weights)
    network = network.to(place, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    ddpm = build_ddpm(config.diffusion, place, config.distillation.levels)
    fingerprint = weights_fingerprint(weights)
    return LoadedModel(
        name, folder, config, network, ddpm, conditioner, classes, fingerprint, step, place
    )


def weights_fingerprint(weights: dict[str, Tensor]) -> str:
    """Return 16 hex digits of a hash of the fp16 weights, equal for a run and its packed model."""
    digest = hashlib.sha256()
    for key in sorted(weights):
        digest.update(
            key.encode() + weights[key].half().contiguous().view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()[:16]


def without_paths(config: Config) -> Config:
    """Return the config without paths that lead out of the working folder.

    A packed model is distributed: it must not reveal its maker's folders, nor decide which files
    are read on the machine that opens it.
    """
    source, model = inside(config.data.source), inside(config.embedder.model)
    if model and Path(model).is_dir():
        model = Path(model).name
    teacher = inside(config.distillation.teacher)
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"source": source}),
            "embedder": config.embedder.model_copy(update={"model": model}),
            "distillation": config.distillation.model_copy(update={"teacher": teacher}),
        }
    )
