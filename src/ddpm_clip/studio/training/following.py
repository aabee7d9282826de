"""Follows a training from look to look: what is new in its files, as events for the page."""

from typing import Any

from ddpm_clip.studio.training import progress
from ddpm_clip.studio.training.trainings import Training, Trainings

NewEvent = tuple[str, int, dict[str, Any]]
"""Name, step, and data."""


class RunFollower:
    """Looks at a training again and again.

    Args:
        trainings: All trainings.
        training: The one that is followed.
        since: Step after which everything is new; None begins with the newest.

    Attributes:
        over: Whether the training has ended; then there is nothing more to come.
    """

    def __init__(self, trainings: Trainings, training: Training, since: int | None = None):
        self._trainings, self._training = trainings, training
        self._rows = progress.LossRows(training.folder, only_the_end=since is None)
        self._since = since or 0
        known = progress.sample_steps(training.folder)
        self._shown = {step for step in known if since is None or step <= since} - set(known[-1:])
        self._said, self._step, self.over = "", self._since, False

    def look(self) -> list[NewEvent]:
        """Return what is new: stage, step, samples, and the end."""
        self._training = self._trainings.training(self._training.note.id)
        self.over = not self._training.is_running  # before the files: the last row comes too
        return [*self._stage(), *self._steps(), *self._samples(), *self._end()]

    def _stage(self) -> list[NewEvent]:
        """Return what a training that is still preparing printed last."""
        said = self._training.said
        if self.over or said in ("", self._said):
            return []
        self._said = said
        return [("stage", self._step, {"text": said})]

    def _steps(self) -> list[NewEvent]:
        rows = [row for row in self._rows.read() if row["step"] > self._since]
        if not rows:
            return []
        self._step = rows[-1]["step"]
        return [("step", self._step, progress.step_facts(rows[-progress.RECENT :], self._of))]

    def _samples(self) -> list[NewEvent]:
        new = [s for s in progress.sample_steps(self._training.folder) if s not in self._shown]
        self._shown.update(new)
        return [("samples", self._step, self._training.sample(step)) for step in new]

    def _end(self) -> list[NewEvent]:
        if not self.over:
            return []
        one = self._training
        ended = {"code": one.note.code, "state": one.state, "said": one.said}
        return [("ended", self._step, ended)]

    @property
    def _of(self) -> int | None:
        return self._training.of
