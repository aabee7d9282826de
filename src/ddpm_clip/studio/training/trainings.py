"""All trainings of a studio: list them, start one at a time, stop and resume.

    ROOT/roses-3f2a/       the run folder, as `ddpm-clip train` makes it
    ROOT/roses-3f2a.json   what the studio notes of it
    ROOT/roses-3f2a.log    what the process printed

Everything can be used without the studio: `ddpm-clip resume ROOT/roses-3f2a`.
"""

import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from ddpm_clip.errors import Busy, MissingInput
from ddpm_clip.runs.file_names import published_steps
from ddpm_clip.server.http.errors import PATH
from ddpm_clip.studio.training import progress
from ddpm_clip.studio.training.child import Child
from ddpm_clip.studio.training.command import (
    OFTEN,
    TrainingOptions,
    executed,
    resuming,
    shown,
    slug,
)
from ddpm_clip.studio.training.note import Note, read_notes, write_note

STOPPED = (0, 130, 143, -signal.SIGTERM)
"""Exit codes of a training that finished or was stopped: it saved, or had not begun to train."""

SAVING_SECONDS = 30.0
"""Time for a training to finish its step and save when the studio ends."""

LAST_WORDS = 2000
"""Most characters of what a failed training printed last."""


@dataclass(frozen=True, slots=True)
class Training:
    """One training as it is now.

    Attributes:
        note: What the studio noted of it.
        folder: Its run folder; a training that failed early has none.
        state: running, done, stopped or failed.
        saved: Step of its newest checkpoint; None without one.
        of: How many steps it has, if that is known.
        said: What it printed last, while it prepares and if it failed.
    """

    note: Note
    folder: Path
    state: str
    saved: int | None
    of: int | None
    said: str = ""

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self.state == "running"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; no path is in it but the relative ones of the command."""
        now = progress.newest_facts(self.folder, self.of)
        return self.note.as_dict() | {
            **now,
            "state": self.state,
            "of": self.of,
            "said": self.said,
            "can_open": self.saved is not None,
        }

    def details(self) -> dict[str, Any]:
        """Return the JSON form with the loss curve and the sample grids."""
        rows = progress.LossRows(self.folder).read()
        samples = [self.sample(step) for step in progress.sample_steps(self.folder)]
        plan = progress.plan_of(self.folder)
        return self.as_dict() | {"curve": progress.curve(rows), "samples": samples, "plan": plan}

    def sample(self, step: int) -> dict[str, Any]:
        """Return where a client gets a sample grid."""
        return {"step": step, "url": f"/api/runs/{self.note.id}/samples/{step}.png"}


class Trainings:
    """The trainings in one folder.

    Args:
        root: The folder; made if it does not exist.
    """

    def __init__(self, root: Path):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root.resolve()
        self._children: dict[str, Child] = {}
        self._lock = RLock()

    def all(self) -> list[Training]:
        """Return all trainings, the newest first."""
        with self._lock:
            return [self._seen(note) for note in reversed(read_notes(self.root))]

    def training(self, name: str) -> Training:
        """Return a training.

        Raises:
            MissingInput: There is none of this id.
        """
        for note in read_notes(self.root):
            if note.id == name:
                return self._seen(note)
        raise MissingInput("no such training", "its files were deleted or moved", "reload the page")

    @property
    def running(self) -> Training | None:
        """The training whose process runs, if there is one."""
        return next((one for one in self.all() if one.is_running), None)

    def start(self, options: TrainingOptions, name: str, source: str) -> Training:
        """Start a training.

        Args:
            options: What to train on, and for how long.
            name: What the user calls it.
            source: What its pictures are called.

        Raises:
            Busy: Another training runs.
            CannotCreate: The process cannot be started.
        """
        with self._lock:
            self._check_free()
            folder = f"{slug(name or source)}-{secrets.token_hex(2)}"
            words = options.words(self.root / folder)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            named = name.strip() or source
            note = Note(secrets.token_hex(16), folder, named, source, shown(words), now)
            return self._run(note, words)

    def resume(self, name: str, minutes: float | None = None, steps: int | None = None) -> Training:
        """Continue a training from its newest checkpoint, perhaps for longer.

        Raises:
            MissingInput: There is no such training, or it has no checkpoint.
            Busy: Another training runs, or this one.
        """
        with self._lock:
            self._check_free()
            training = self.training(name)
            if training.saved is None:
                raise MissingInput(
                    "this training cannot be resumed",
                    "it ended before it saved anything",
                    "start a new one",
                )
            words = resuming(training.folder, minutes, steps)
            return self._run(training.note.again(shown(words)), words)

    def stop(self, name: str) -> Training:
        """Ask a training to finish its step and save; asked twice, it ends at once."""
        with self._lock:
            training = self.training(name)
            self._child(training.note).stop()
            return training

    def close(self, told: Callable[[str], object] = lambda line: None) -> None:
        """Stop the training that runs, and wait until it has saved."""
        running = self.running
        if running is None:
            return
        told("the training finishes its step and saves")
        child = self._child(running.note)
        child.stop()
        child.wait(SAVING_SECONDS)
        told(f"continue: {shown(resuming(running.folder))}")

    def newest(self, name: str) -> Path:
        """Return the run folder of a training that has a checkpoint.

        Raises:
            MissingInput: It has none (yet).
        """
        training = self.training(name)
        if training.saved is None:
            raise MissingInput(
                "this training cannot paint yet",
                "it has not saved a checkpoint",
                f"wait for step {OFTEN['checkpoint_every']}, or stop it: it saves then",
            )
        return training.folder

    def _run(self, note: Note, words: list[str]) -> Training:
        write_note(self.root, note)
        log = self.root / f"{note.folder}.log"
        self._children[note.id] = Child.started(executed(words), self.root / note.folder, log)
        return self._seen(note)

    def _seen(self, note: Note) -> Training:
        """Look at a training's files and its process."""
        folder = self.root / note.folder
        child = self._child(note)
        saved = max(published_steps(folder / "checkpoints"), default=None)
        of = progress.total_steps(folder)
        if child.pid is not None:
            prepares = not (folder / progress.STEPS).exists()
            said = self._said(note).rpartition("\n")[2] if prepares else ""
            return Training(note, folder, "running", saved, of, said)
        if child.code is not None and child.code != note.code:
            note = note.ended(child.code)
            write_note(self.root, note)
        state = _ended(note.code, saved, of)
        said = self._said(note) if state == "failed" else ""
        return Training(note, folder, state, saved, of, said)

    def _child(self, note: Note) -> Child:
        return self._children.setdefault(note.id, Child(self.root / note.folder))

    def _check_free(self) -> None:
        running = self.running
        if running is not None:
            raise Busy(
                "another training is running",
                f"{running.note.name!r} uses this machine, and two at once would both be slow",
                "stop it, or wait until it is done",
            )

    def _said(self, note: Note) -> str:
        """Return what a training printed last; of absolute paths, the last part."""
        try:
            text = (self.root / f"{note.folder}.log").read_text("utf-8", "replace")
        except OSError:
            return ""
        return PATH.sub(r"\1", text[-LAST_WORDS:]).strip()


def _ended(code: int | None, step: int | None, of: int | None) -> str:
    if code is not None and code not in STOPPED:
        return "failed"
    if step is None:
        return "failed" if code is None else "stopped"
    return "done" if of is not None and step >= of else "stopped"
