"""A run is a folder that remembers everything of one training.

    config.yaml          the resolved config
    run.json             format, version, the model that it was started from
    classes.json, pictures.json, embedder.json  what the data and the embedder were
    history.jsonl        one line a step
    conditioner.*        statistics, prompt bank, bank of embeddings, prior
    bridge.json          why this bridge is the default, and what the prior was fitted on
    embedder/            the mini-CLIP, where there is one
    checkpoints/step-…/  weights, EMA, optimiser (safetensors), state and manifest (JSON)
    best.json            which of them has the lowest held-out loss
    bad_files.json, nan_report.json  what was left out, and what became no number
    lock                 who writes it, while somebody does
    samples/ *.png *.gif what a person looks at
    pictures/            what was kept of a stream

Knows nothing of networks: what it stores are named tensors (`runs/checkpoints.py`).
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
from ddpm_clip.runs import checkpoints
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.leftovers import CONFIG, FACTS, clear, dotted, is_ours, may_change, only_begun
from ddpm_clip.types import TrainStep
from ddpm_clip.utils import storage
from ddpm_clip.utils.locks import LOCK

FORMAT = 1


class Run:
    """One run folder. Make it with `create` or `open`."""

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
        """Start a run, or continue the one that is there if it is the same.

        Args:
            folder: of the run.
            config: of the run.
            overwrite: start anew.
            held: the caller holds the folder (`hold`); else it is held meanwhile.
            facts: more for run.json.
            copies: folders to be copied into a new run, by their names there.

        Killed before all of a new run is there, the folder counts as none, and may be begun again.

        Raises:
            CannotCreate: the folder holds another run, or something else, or cannot be made.
            Busy: another process is training in it.
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
                    f"it holds {names[0]!r} and is no run",
                    "choose another --out, or --overwrite",
                    param="out",
                )
            run = cls(folder, config)
            if is_ours(folder):
                clear(folder, config.data.source)
            told = {"format": FORMAT, "ddpm_clip": ddpm_clip.__version__}
            run.write_json(FACTS, told | (facts or {}))
            for name, original in (copies or {}).items():
                with storage.published_folder(folder / name) as place:
                    shutil.copytree(original, place, dirs_exist_ok=True)
            run._write_config()
        return run

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Open a run that exists.

        Raises:
            MissingInput: there is none in that folder.
        """
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise MissingInput(
                f"no run in {folder}",
                "config.yaml is not there",
                "start one: ddpm-clip train SOURCE --out FOLDER",
            )
        tree = read_yaml(folder / CONFIG)
        return cls(folder, merge([Layer(str(folder / CONFIG), flatten(tree))])[0])

    def _continued(self, config: Config) -> "Run":
        ours, theirs = dotted(self.config), dotted(config)
        changed = [k for k in ours if ours[k] != theirs.get(k) and not may_change(k)]
        if changed:
            key = changed[0]
            raise CannotCreate(
                f"{self.folder} holds another run",
                f"its {key} is {ours[key]!r}, not {theirs[key]!r}",
                "choose another --out, or --overwrite to start anew",
                param=key,
            )
        self.config = config
        self._write_config()
        return self

    def discard(self) -> None:
        """Take the whole folder away; only for a run just made here that came to nothing."""
        storage.remove(self.folder)

    def settle(self, config: Config) -> None:
        """Write down what an open choice became when the data were seen."""
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
        """Read a JSON file of the run; {} where it is not there.

        Raises:
            StorageError: it is damaged.
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
        """One JSON object a step."""
        return self.folder / "history.jsonl"

    def append_history(self, steps: Iterable[TrainStep]) -> None:
        """Add lines to the history; what is no number is null there.

        Raises:
            StorageError: the disk is full or does not let us write; no line was added.
        """
        try:
            storage.append_lines(self.history_path, (step.as_row() for step in steps))
        except OSError as error:
            fix = "free some space, or let us write there"
            raise StorageError(f"cannot write {self.history_path}", str(error), fix) from error

    def history(self) -> list[dict[str, Any]]:
        """All steps so far; a torn last line (a crash) is left out."""
        return [row for row in storage.read_lines(self.history_path) if "step" in row]

    def cut_history(self, step: int) -> None:
        """Forget what came after `step`: it will come again."""
        rows = [row for row in self.history() if row["step"] <= step]
        storage.write_text(self.history_path, "".join(json.dumps(row) + "\n" for row in rows))

    # Checkpoints

    @property
    def checkpoints_folder(self) -> Path:
        """Where the checkpoints are."""
        return self.folder / "checkpoints"

    def checkpoint_steps(self) -> list[int]:
        """Steps with a published checkpoint, rising."""
        return checkpoints.published_steps(self.checkpoints_folder)

    def checkpoint_path(self, step: int) -> Path:
        """The folder of one checkpoint."""
        return checkpoints.path_of(self.checkpoints_folder, step)

    def save(self, checkpoint: Checkpoint, *, best: bool = False) -> Path:
        """Publish a checkpoint by one rename, then prune: the best and the newest stay.

        They are `keep_last`, and two at least, so that there is one to fall back to.
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
        """See to it that checkpoints of `size` bytes have room, the one being written included.

        Raises:
            StorageError: they have none, or may not be written.
        """
        more = self._kept + 2 - len(self.checkpoint_steps())  # the best, and the one in the making
        checkpoints.check_room(self.checkpoints_folder, size, max(1, more))

    def note_best(self, step: int) -> None:
        """Write down which checkpoint has the lowest held-out loss."""
        self.write_json("best.json", {"step": step})

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
            DataError: it was made by a newer ddpm_clip.
        """
        if step is None:
            return checkpoints.newest(self.checkpoints_folder, groups)
        if step not in self.checkpoint_steps():
            there = ", ".join(map(str, self.checkpoint_steps()))
            raise MissingInput(
                f"{self.folder} has no checkpoint of step {step}", f"there is: {there or 'none'}"
            )
        return checkpoints.read(self.checkpoint_path(step), groups)

    # One writer

    @contextmanager
    def writing(self) -> Iterator["Run"]:
        """Hold the run for one writer, and `tidy` it.

        Raises:
            Busy: another process holds it.
        """
        with hold(self.folder):
            self.tidy()
            yield self

    def tidy(self) -> None:
        """Sweep up after a crash: half-written files, and newest checkpoints that are damaged.

        Old ones go that the last save had no time to prune: there may be no other save.
        Only for the one who holds the run.
        """
        for folder in (self.folder, self.checkpoints_folder):
            storage.sweep(folder)
        checkpoints.set_damaged_aside(self.checkpoints_folder)
        self._prune()
