"""Reports a training to trackers: tensorboard, wandb, mlflow and whatever else accelerate knows.

A tracker shows what is in the run anyway, so it never stops a training: one that fails is dropped
with a warning. Whether its package is installed is checked before anything is written.
"""

import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from ddpm_clip.errors import DdpmClipWarning, UsageError
from ddpm_clip.runs.history import without_condition
from ddpm_clip.runs.run import Run
from ddpm_clip.types import NoiseBin, TrainStep

EVERY = 10
"""Steps over which the training loss is averaged for one report."""

FOLDER = "tracking"
"""Folder of a run in which trackers write files."""

PROJECT = "ddpm_clip"
"""Project or experiment under which trackers with a server list all runs."""

EXTRAS = ("tensorboard",)
"""Trackers whose package is an extra of the same name; others are installed by themselves."""


def check_trackers(names: Sequence[str]) -> None:
    """Check that all trackers are known and installed, before anything is written.

    Raises:
        UsageError: one is not; the message says what to install.
    """
    if not names:
        return
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers

    there = {getattr(one, "value", str(one)) for one in get_available_trackers()}
    for name in names:
        if name not in LOGGER_TYPE_TO_CLASS:
            raise UsageError(
                f"unknown tracker {name!r}",
                f"accelerate knows {', '.join(sorted(LOGGER_TYPE_TO_CLASS))}",
                "--track tensorboard",
                param="training.track",
            )
        if name not in there:
            package = f'"ddpm-clip[{name}]"' if name in EXTRAS else name
            raise UsageError(
                f"the tracker {name} is not installed",
                "its package cannot be imported here",
                f"pip install {package}, or leave out --track {name}",
                param="training.track",
            )


class Trackers:
    """The trackers of one run; without names it does nothing.

    Args:
        run: the run, which says which trackers (`training.track`).
        step: the step that it resumes from; 0 for a new run.
        is_first: whether this process reports; of several, only the first does.
    """

    def __init__(self, run: Run, step: int = 0, *, is_first: bool = True):
        self.run, self._open = run, dict[str, Any]()
        self._since: list[TrainStep] = []
        for name in run.config.training.track if is_first else ():
            self._try(name, lambda name=name: self._started(name, step))  # type: ignore[misc]

    def _started(self, name: str, step: int) -> None:
        from accelerate.state import PartialState
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        PartialState()
        folder = self.run.folder / FOLDER
        folder.mkdir(exist_ok=True)
        make, config = LOGGER_TYPE_TO_CLASS[name], self.run.config.model_dump(mode="json")
        if name == "tensorboard":
            tracker = make(name, logging_dir=folder, purge_step=step + 1)
        elif name == "wandb":
            own = {"name": self.run.folder.name, "id": _identity(folder), "resume": "allow"}
            tracker = make(PROJECT, dir=str(folder), **own)
        elif make.requires_logging_directory:
            tracker = make(PROJECT, logging_dir=folder)
        else:
            tracker = make(PROJECT)
        tracker.start()
        self._open[name] = tracker
        if name == "tensorboard":  # its table of hyperparameters makes a second run of every run
            tracker.log({"config": f"<pre>{yaml.safe_dump(config, sort_keys=False)}</pre>"}, step=0)
        else:
            tracker.store_init_configuration(_flat(config))

    def step(self, at: TrainStep) -> None:
        """Report a step: its loss, averaged with those before it, and what it measured."""
        if not self._open:
            return
        self._since.append(at)
        if len(self._since) >= EVERY or at.heldout_loss is not None:
            self.values(_averaged(self._since) | measured(at), at.step)
            self._since.clear()

    def values(self, values: Mapping[str, float], step: int) -> None:
        """Report numbers by name."""
        for name, tracker in list(self._open.items()):
            self._try(name, lambda one=tracker: one.log(dict(values), step=step))  # type: ignore[misc]

    def picture(self, title: str, path: Path, step: int) -> None:
        """Report a picture from a file."""
        for name, tracker in list(self._open.items()):
            self._try(name, lambda one=tracker: _show(one, title, path, step))  # type: ignore[misc]

    def close(self) -> None:
        """Report what is left, and end all trackers."""
        if self._since:
            self.values(_averaged(self._since), self._since[-1].step)
            self._since.clear()
        for name, tracker in list(self._open.items()):
            self._try(name, tracker.finish)
        self._open.clear()

    def _try(self, name: str, work: Callable[[], Any]) -> None:
        """Do something with a tracker; drop it with a warning if that fails."""
        try:
            work()
        except Exception as error:  # of any other package, or of its server
            self._open.pop(name, None)
            warnings.warn(
                f"the tracker {name} failed and is no longer reported to: "
                f"{type(error).__name__}: {str(error)[:200]}; the training goes on",
                DdpmClipWarning,
                stacklevel=2,
            )


def measured(at: TrainStep) -> dict[str, float]:
    """Return what a step measured on the held-out pictures, as numbers by name."""
    if at.heldout_loss is None:
        return {}
    found = {"heldout/loss": at.heldout_loss}
    if at.noise_bins:
        found["heldout/loss_without_condition"] = without_condition(at.noise_bins)
    for number, one in enumerate(at.noise_bins, 1):
        place = bin_name(number, one)
        found[f"heldout_with_condition/{place}"] = one.with_condition
        found[f"heldout_without_condition/{place}"] = one.without_condition
    return found


def bin_name(number: int, one: NoiseBin) -> str:
    """Return the name of a range of noise, such as `2_sigma_0.1_to_0.2`."""
    return f"{number}_sigma_{one.sigma_low:.2g}_to_{one.sigma_high:.2g}"


def _averaged(steps: Sequence[TrainStep]) -> dict[str, float]:
    """Return means over some steps; a skipped step has no loss."""
    losses = [one.loss for one in steps if np.isfinite(one.loss)]
    found = {
        "train/learning_rate": steps[-1].lr,
        "train/pictures_per_second": float(np.mean([one.images_per_second for one in steps])),
        "train/epoch": steps[-1].epoch,
    }
    return found | ({"train/loss": float(np.mean(losses))} if losses else {})


def _show(tracker: Any, title: str, path: Path, step: int) -> None:
    with Image.open(path) as file:
        image = file.convert("RGB")
    if tracker.name == "tensorboard":
        tracker.log_images({title: np.asarray(image)[None]}, step=step, dataformats="NHWC")
    elif tracker.name == "mlflow":
        tracker.log_artifact(str(path), title)
    elif hasattr(tracker, "log_images"):
        tracker.log_images({title: [image]}, step=step)


def _identity(folder: Path) -> str:
    """Return an id that a run keeps when it is resumed."""
    path = folder / "id"
    if not path.is_file():
        path.write_text(uuid.uuid4().hex)
    return path.read_text()


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config as dotted names and plain values."""
    found: dict[str, Any] = {}
    for section, values in tree.items():
        inner = values if isinstance(values, dict) else {"": values}
        for key, value in inner.items():
            plain = value if isinstance(value, int | float | str | bool) else str(value)
            found[f"{section}.{key}".rstrip(".")] = plain
    return found
