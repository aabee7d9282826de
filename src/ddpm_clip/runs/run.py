"""A run: the folder that holds everything about one training.

    config.yaml          the resolved config
    run.json             format, version, the model that it was started from
    classes.json, pictures.json, embedder.json  facts about the data and the embedder
    history.jsonl        one line per step
    heldout.jsonl        one line per held-out loss, by noise level; success.jsonl: prompt success
    plan.json            what was planned for a training that was given minutes
    conditioner.*        statistics, prompt bank, bank of embeddings, prior
    bridge.json          why this bridge is the default, and what the prior was fitted on
    embedder/            the mini-CLIP, if there is one
    checkpoints/step-…/  weights, EMA, optimiser (safetensors), state and manifest (JSON)
    best.json            the checkpoint with the lowest held-out loss
    bad_files.json, nan_report.json  pictures that were left out, and NaN or infinite values
    lock                 the process that is writing, while there is one
    samples/ *.png *.gif samples and plots for the user; tracking/ of tensorboard and others
    pictures/            stored pictures of a stream

Knows nothing of networks: it stores named tensors (`runs/checkpoints.py`).
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import yaml

import ddpm_clip
from ddpm_clip.config.resolve import Layer, flatten, merge, read_yaml
from ddpm_clip.config.schema import Config
from ddpm_clip.data.storage.atomic import hold
from ddpm_clip.errors import CannotCreate, MissingInput, StorageError
from ddpm_clip.runs import checkpoints, history, leftovers
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.file_names import CONFIG, FACTS, published_steps
from ddpm_clip.runs.leftovers import clear, dotted, is_ours, may_change, only_begun
from ddpm_clip.types import TrainStep
from ddpm_clip.utils import storage
from ddpm_clip.utils.locks import LOCK

FORMAT = 1


class Run:
    """One run folder; made by `create`, opened by `open`."""

    def __init__(self, folder: Path, config: Config):
        self.folder, self.config = folder, config

    @classmethod
    def create(
        cls,
        folder: str | Path,
        config: Config,
        *,
        overwrite: bool = False,
        held: bool = False,
        facts: dict[str, Any] | None = None,
        copies: dict[str, Path] | None = None,
    ) -> "Run":
        """Start a run, or continue the existing one if it has the same config.

        If the process is killed before the new run is complete, the folder can be used again.

        Args:
            folder: Folder of the run.
            config: Config of the run.
            overwrite: Start from scratch, even if the folder holds something.
            held: The caller holds the folder's lock (`hold`) already.
            facts: More facts for run.json.
            copies: Folders to copy into a new run, by their names in the run.

        Raises:
            CannotCreate: The folder holds another run or other files, or cannot be made.
            Busy: Another process is training in it.
        """
        folder = Path(folder)
        with nullcontext() if held else hold(folder):
            if (folder / CONFIG).is_file() and not overwrite:
                return cls.open(folder)._continued(config)
            names = [
                name
                for name in sorted(os.listdir(folder))
                if name != LOCK and not name.startswith(storage.TEMPORARY)
            ]
            if names and not overwrite and not only_begun(folder):
                raise CannotCreate(
                    f"the folder {folder} is not empty",
                    f"it holds {names[0]!r} and is not a run",
                    "choose another --out, or --overwrite",
                    param="out",
                )
            run = cls(folder, config)
            if is_ours(folder):
                clear(folder, config.data.source)
            base = {"format": FORMAT, "ddpm_clip": ddpm_clip.__version__}
            run.write_json(FACTS, base | (facts or {}))
            for name, original in (copies or {}).items():
                with storage.published_folder(folder / name) as place:
                    shutil.copytree(original, place, dirs_exist_ok=True)
            run._write_config()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Open an existing run.

        Raises:
            MissingInput: The folder is not a run.
        """
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise MissingInput(
                f"no run in {folder}",
                "config.yaml is missing",
                "start one: ddpm-clip train SOURCE --out FOLDER",
            )
        tree = read_yaml(folder / CONFIG)
        return cls(folder, merge([Layer(str(folder / CONFIG), flatten(tree))])[0])

    def _continued(self, config: Config) -> "Run":
        ours, theirs = dotted(self.config), dotted(config)
        changed = [k for k in ours if ours[k] != theirs.get(k) and not may_change(k)]
        if changed:
            key = changed[0]
            raise leftovers.other_run(self.folder, key, ours[key], theirs.get(key))
        self.config = config
        self._write_config()
        return self

    def discard(self) -> None:
        """Delete the whole folder; only for a run that was just created and has failed."""
        storage.remove(self.folder)

    def settle(self, config: Config) -> None:
        """Save the config after open choices were decided by the data."""
        self.config = config
        self._write_config()

    def _write_config(self) -> None:
        text = yaml.safe_dump(
            self.config.model_dump(mode="json"), sort_keys=False, allow_unicode=True
        )
        storage.write_text(self.folder / CONFIG, text)

    # Small files

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file of the run, atomically."""
        storage.write_text(
            self.folder / name, json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        )

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON file of the run; {} if it does not exist.

        Raises:
            StorageError: The file is damaged.
        """
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, RecursionError) as error:
            raise StorageError(
                f"cannot read {path}", str(error)[:200], "it is damaged; restore it from a copy"
            ) from error

    # History

    @property
    def history_path(self) -> Path:
        """Path of the history, with one JSON object per step."""
        return self.folder / history.STEPS

    def append_history(self, steps: Iterable[TrainStep]) -> None:
        """Append steps to the history, and what they measured to that of the held-out loss.

        Raises:
            StorageError: The disk is full or cannot be written.
        """
        history.append(self.folder, steps)

    def history(self) -> list[dict[str, Any]]:
        """Return all steps so far, without an incomplete last line from a crash."""
        return history.read(self.history_path)

    def heldout_history(self) -> list[dict[str, Any]]:
        """Return all measurements of the held-out loss so far, each with its ranges of noise."""
        return history.read(self.folder / history.HELDOUT)

    def cut_history(self, step: int) -> None:
        """Remove the steps after `step`, which will be repeated, and what they measured."""
        history.cut(self.folder, step)

    # Checkpoints

    @property
    def checkpoints_folder(self) -> Path:
        """Folder of the checkpoints."""
        return self.folder / "checkpoints"

    def checkpoint_steps(self) -> list[int]:
        """Return the steps with a published checkpoint, ascending."""
        return published_steps(self.checkpoints_folder)

    def checkpoint_path(self, step: int) -> Path:
        """Return the folder of one checkpoint."""
        return checkpoints.path_of(self.checkpoints_folder, step)

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> Path:
        """Write a checkpoint by one rename, then delete all but the best and the newest.

        The newest `keep_last` are kept, but at least two, so that there is one to fall back to.
        """
        path = checkpoints.publish(self.checkpoints_folder, checkpoint)
        if best:
            self.note_best(checkpoint.step)
        self._prune()
        return path

    def _prune(self) -> None:
        newest = self.checkpoint_steps()[-self._kept :]
        checkpoints.prune(self.checkpoints_folder, keep={*newest, self.best_step()})

    @property
    def _kept(self) -> int:
        return max(2, self.config.training.keep_last)

    def check_room(self, size: int) -> None:
        """Check that there is space for checkpoints of `size` bytes, including the next one.

        Raises:
            StorageError: There is no space, or no permission to write.
        """
        more = self._kept + 2 - len(self.checkpoint_steps())  # the best, and the one being written
        checkpoints.check_room(self.checkpoints_folder, size, max(1, more))

    def note_best(self, step: int) -> None:
        """Record which checkpoint has the lowest held-out loss."""
        self.write_json("best.json", {"step": step})

    def best_step(self) -> int | None:
        """Return the saved step with the lowest held-out loss."""
        step: int | None = self.read_json("best.json").get("step")
        return step

    def load(
        self, step: int | None = None, groups: Iterable[str] | None = None
    ) -> Checkpoint | None:
        """Return the checkpoint of `step`, or the newest undamaged one; None if there is none.

        A damaged one is skipped with a warning.

        Raises:
            MissingInput: There is no checkpoint of that step.
            StorageError: Every checkpoint is damaged.
            DataError: The checkpoint was made by a newer ddpm_clip.
        """
        if step is None:
            return checkpoints.newest(self.checkpoints_folder, groups)
        if step not in self.checkpoint_steps():
            steps = ", ".join(map(str, self.checkpoint_steps()))
            raise MissingInput(
                f"{self.folder} has no checkpoint of step {step}",
                f"its checkpoints: {steps or 'none'}",
            )
        return checkpoints.read(self.checkpoint_path(step), groups)

    # One writer

    @contextmanager
    def writing(self) -> Iterator["Run"]:
        """Lock the run for one writer, and `tidy` it.

        Raises:
            Busy: Another process holds the lock.
        """
        with hold(self.folder):
            self.tidy()
            yield self

    def tidy(self) -> None:
        """Clean up after a crash; only for the process that holds the run's lock.

        Removes half-written files, sets damaged newest checkpoints aside, and deletes old
        checkpoints that the last save did not get to.
        """
        for folder in (self.folder, self.checkpoints_folder):
            storage.sweep(folder)
        checkpoints.set_damaged_aside(self.checkpoints_folder)
        self._prune()
