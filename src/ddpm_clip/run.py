"""A run is a folder that remembers everything of one training.

    config.yaml          the resolved config
    run.json             format, version, the model that it was started from
    classes.json, embedder.json  what the data and the embedder were
    history.jsonl        one line a step
    conditioner.*        statistics, prompt bank, bank of embeddings, prior
    bridge.json          why this bridge is the default, and what the prior was fitted on
    embedder/            the mini-CLIP, where there is one
    checkpoints/step-…/  weights, EMA, optimiser (safetensors), state and manifest (JSON)
    samples/ *.png *.gif what a person looks at
    pictures/            what was kept of a stream

Knows nothing of networks: what it stores are named tensors (`checkpoints.py`).
"""

import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

import ddpm_clip
from ddpm_clip.checkpoints import (
    Checkpoint,
    path_of,
    prune,
    publish,
    published_steps,
    read,
)
from ddpm_clip.config import Config
from ddpm_clip.configuring import Layer, flatten, merge, read_yaml
from ddpm_clip.errors import Busy, CannotCreate, MissingInput, StorageError
from ddpm_clip.types import TrainStep
from ddpm_clip.utils.storage import TEMPORARY, write_text

FORMAT = 1
FREE_TO_CHANGE = {
    "training.steps", "training.epochs", "training.checkpoint_every", "training.keep_last",
    "training.heldout_every", "training.sample_every", "training.animation", "training.threads",
    "training.compile", "training.device", "preset",
}  # fmt: skip
"""Keys in which a continued run may differ; all of `generation` too."""


class Run:
    """One run folder. Make it with `create` or `open`."""

    def __init__(self, folder: Path, config: Config):
        self.folder, self.config = folder, config

    @classmethod
    def create(cls, folder: str | Path, config: Config, *, overwrite: bool = False) -> "Run":
        """Start a run, or continue the one that is there if it is the same.

        Raises:
            CannotCreate: the folder holds another run, or something else.
            Busy: it is to be overwritten, and another process is training it.
        """
        folder = Path(folder)
        if (folder / "config.yaml").is_file() and not overwrite:
            return cls.open(folder)._continued(config)
        if folder.exists() and not folder.is_dir():
            raise CannotCreate(f"{folder} is a file", fix="choose another --out", param="out")
        strangers = [] if overwrite or not folder.exists() else sorted(os.listdir(folder))
        if strangers:
            raise CannotCreate(
                f"the folder {folder} is not empty", f"it holds {strangers[0]!r} and is no run",
                "choose another --out, or --overwrite", param="out",
            )  # fmt: skip
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotCreate(
                f"cannot create {folder}", str(error), "choose another --out"
            ) from error
        run = cls(folder, config)
        if overwrite and (folder / "run.json").is_file():  # a run, and not any folder of a person
            with run.writing():  # nor one that is being trained
                _clear(folder, config.data.source)
        run._write_config()
        run.write_json("run.json", {"format": FORMAT, "ddpm_clip": ddpm_clip.__version__})
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Open a run that exists.

        Raises:
            MissingInput: there is none in that folder.
        """
        folder = Path(folder)
        if not (folder / "config.yaml").is_file():
            raise MissingInput(f"no run in {folder}", "config.yaml is not there",
                               "start one: ddpm-clip train SOURCE --out FOLDER")  # fmt: skip
        tree = read_yaml(folder / "config.yaml")
        return cls(folder, merge([Layer(str(folder / "config.yaml"), flatten(tree))])[0])

    def _continued(self, config: Config) -> "Run":
        ours, theirs = _dotted(self.config), _dotted(config)
        changed = [k for k in ours if ours[k] != theirs.get(k) and not _may_change(k)]
        if changed:
            key = changed[0]
            raise CannotCreate(
                f"{self.folder} holds another run",
                f"its {key} is {ours[key]!r}, not {theirs[key]!r}",
                "choose another --out, or --overwrite to start anew", param=key,
            )  # fmt: skip
        self.config = config
        self._write_config()
        return self

    def discard(self) -> None:
        """Take the whole folder away; only for a run just made here that came to nothing."""
        _remove_tree(self.folder)

    def settle(self, config: Config) -> None:
        """Write down what an open choice became when the data were seen."""
        self.config = config
        self._write_config()

    def _write_config(self) -> None:
        text = yaml.safe_dump(
            self.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True
        )
        write_text(self.folder / "config.yaml", text)

    # Small files

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run, atomically."""
        write_text(self.folder / name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run; {} where it is not there."""
        path = self.folder / name
        if not path.is_file():
            return {}
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return value

    # History

    @property
    def history_path(self) -> Path:
        """One JSON object a step."""
        return self.folder / "history.jsonl"

    def append_history(self, steps: Iterable[TrainStep]) -> None:
        """Add lines to the history."""
        with open(self.history_path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(step)) + "\n" for step in steps)
            file.flush()
            os.fsync(file.fileno())

    def history(self) -> list[dict[str, Any]]:
        """All steps so far; a torn last line (a crash) is left out."""
        if not self.history_path.is_file():
            return []
        rows = []
        for line in self.history_path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def cut_history(self, step: int) -> None:
        """Forget what came after `step`: it will come again."""
        rows = [row for row in self.history() if row["step"] <= step]
        write_text(self.history_path, "".join(json.dumps(row) + "\n" for row in rows))

    # Checkpoints

    @property
    def checkpoints_folder(self) -> Path:
        """Where the checkpoints are."""
        return self.folder / "checkpoints"

    def checkpoint_steps(self) -> list[int]:
        """Steps with a published checkpoint, rising."""
        return published_steps(self.checkpoints_folder)

    def checkpoint_path(self, step: int) -> Path:
        """The folder of one checkpoint."""
        return path_of(self.checkpoints_folder, step)

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> Path:
        """Publish a checkpoint by one rename, then prune: the best and the newest stay.

        They are `keep_last`, and two at least, so that there is one to fall back to.
        """
        path = publish(self.checkpoints_folder, checkpoint)
        if best:
            self.write_json("best.json", {"step": checkpoint.step})
        newest = self.checkpoint_steps()[-max(2, self.config.training.keep_last) :]
        prune(self.checkpoints_folder, keep={*newest, self.best_step()})
        return path

    def best_step(self) -> int | None:
        """The step with the lowest held-out loss among those saved."""
        step: int | None = self.read_json("best.json").get("step")
        return step

    def load(
        self, step: int | None = None, groups: Iterable[str] | None = None
    ) -> Checkpoint | None:
        """The checkpoint of `step`, or the newest that is whole; None where there is none.

        A damaged newest one is passed over with a warning.

        Raises:
            MissingInput: no checkpoint of that step. StorageError: every one is damaged.
        """
        steps = self.checkpoint_steps()
        if step is not None:
            if step not in steps:
                raise MissingInput(
                    f"{self.folder} has no checkpoint of step {step}",
                    f"there is: {', '.join(map(str, steps)) or 'none'}",
                )
            return read(self.checkpoint_path(step), groups)
        for candidate in reversed(steps):
            try:
                return read(self.checkpoint_path(candidate), groups)
            except StorageError as error:
                warnings.warn(f"{error}\n  falling back to the checkpoint before it", stacklevel=2)
        if steps:
            raise StorageError(
                f"every checkpoint in {self.checkpoints_folder} is damaged",
                fix="start anew with --overwrite",
            )
        return None

    # One writer

    @contextmanager
    def writing(self) -> Iterator["Run"]:
        """Hold the run for one writer; leftovers of a crash are swept while it is held.

        Raises:
            Busy: another process holds it.
        """
        import fcntl

        path = self.folder / "lock"
        with open(path, "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                raise Busy(f"{self.folder} is being written", f"by process {file.read().strip()}",
                           "wait for it, or choose another --out") from error  # fmt: skip
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            for leftover in self.checkpoints_folder.glob(f"{TEMPORARY}*"):
                _remove_tree(leftover)
            yield self


def _dotted(config: Config) -> dict[str, Any]:
    return flatten(config.model_dump(mode="json"))


def _may_change(key: str) -> bool:
    return key in FREE_TO_CHANGE or key.startswith("generation.")


def _clear(folder: Path, source: str | None) -> None:
    """Remove what an earlier run wrote, and nothing else; not the pictures of the next one."""
    kept = folder / "pictures"  # of a stream
    place = Path((source or "").partition(":")[2] or source or ".").expanduser()
    if (kept / "kept.json").is_file() and not place.resolve().is_relative_to(kept.resolve()):
        _remove_tree(kept)
    for name in ("checkpoints", "samples", "embedder"):
        _remove_tree(folder / name)
    for name in (
        "history.jsonl",
        "best.json",
        "run.json",
        "conditioner.safetensors",
        "conditioner.json",
        "bridge.json",
    ):
        (folder / name).unlink(missing_ok=True)


def _remove_tree(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
