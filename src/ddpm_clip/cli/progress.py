"""Progress of long stages: bars on a terminal, occasional lines elsewhere."""

import time
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ddpm_clip.cli import console
from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted, with_hint

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from ddpm_clip.types import Progress

Result = TypeVar("Result")

SILENCE = 10.0
"""Seconds between two lines if there is no terminal."""


class ProgressBars:
    """One bar, or one series of lines, per stage."""

    def __init__(self) -> None:
        self._rich: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._spoke = time.monotonic()

    def __enter__(self) -> "ProgressBars":
        if console.on_terminal():
            self._rich = _rich_progress()
            self._rich.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._rich:
            self._rich.stop()

    def update(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Show that `done` of `total` are done."""
        began, first = self._began.setdefault(stage, (time.monotonic(), done))
        spent = time.monotonic() - began
        left = spent / (done - first) * (total - done) if done > first else None
        if self._rich:
            if stage not in self._tasks:
                self._tasks[stage] = self._rich.add_task(stage, total=total, note="", left="")
            task = self._tasks[stage]
            self._rich.update(
                task, completed=done, total=total, note=note, left=_clock(left, done, total)
            )
        elif time.monotonic() - self._spoke > SILENCE or (done == total and spent > SILENCE):
            self._spoke = time.monotonic()
            parts = [f"{stage} {done:,}/{total:,}", note, _clock(left, done, total)]
            console.say("  ".join(part for part in parts if part))


NOTHING_WRITTEN = "Interrupted. Nothing was written."
"""Message after an interruption of work that only writes at its end."""


def follow(
    work: "Generator[Progress, None, Result]",
    bars: ProgressBars,
    shutdown: GracefulShutdown | None = None,
    *,
    told: str | Callable[[], str] | None = None,
) -> Result:
    """Run a stage to its end while showing its progress.

    Args:
        work: the stage.
        bars: progress bars.
        shutdown: records a request to stop.
        told: message after an interruption, or what makes one; by default that finished work is
            kept.

    Raises:
        Interrupted: a stop was requested; the stage was closed first, so that it could save.
    """
    while True:
        if shutdown and shutdown.asked:
            work.close()
            kept = with_hint(
                "Interrupted. Finished work is kept.", "Run the command again to continue."
            )
            raise Interrupted(shutdown.asked, (told() if callable(told) else told) or kept)
        try:
            at = next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        bars.update(at.stage, at.done, at.total, at.note)


def watched(
    work: "Generator[Progress, None, Result]", *, told: str | Callable[[], str] | None = None
) -> Result:
    """`follow` a stage with its own progress bars; the first Ctrl-C lets its step finish."""
    with GracefulShutdown("leaving after this step") as shutdown, ProgressBars() as bars:
        return follow(work, bars, shutdown, told=told)


def _rich_progress() -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description:<6}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TextColumn("{task.fields[left]}", style="dim"),
        console=Console(stderr=True),
    )


def _clock(left: float | None, done: int, total: int) -> str:
    """Return the remaining seconds as m:ss; nothing at the end or before an estimate exists."""
    if left is None or done >= total:
        return ""
    minutes, seconds = divmod(round(left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d} left" if hours else f"{minutes}:{seconds:02d} left"
