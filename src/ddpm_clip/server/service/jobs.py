"""One job: its state, its events, and who listens to them.

A job is written by the worker, cancelled and read by any thread.
"""

import secrets
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.server.service.events import ENDS, Event, NumberedEvent
from ddpm_clip.server.service.kind import Member, Result

Listener = Callable[[], None]


class Job:
    """A submitted request.

    Args:
        kind: Name of its kind.
        member: What it may use, and what was asked.
        key: Jobs with equal keys may run together; None runs it alone.
        pictures: How many pictures it takes of a batch.
        steps_kept: Most `step` events that are kept.
        awaited: Whether a client is about to listen; steps are kept until it has listened.

    Attributes:
        id: Its random name.
        state: queued, running, done, failed or cancelled.
        step: How many sampling steps are finished.
        steps: How many there are, once it is known.
        result: What it returned, once it is done.
        error: Why it failed.
        ended: When it ended, in seconds of `time.monotonic`.
    """

    def __init__(
        self,
        kind: str,
        member: Member,
        *,
        key: Hashable | None = None,
        pictures: int = 1,
        steps_kept: int = 100,
        awaited: bool = False,
    ):
        self.key, self.pictures = key, pictures
        self.id, self.kind, self.member = secrets.token_hex(16), kind, member
        self.state, self.step, self.steps = "queued", 0, 0
        self.result: Result | None = None
        self.error: DdpmClipError | None = None
        self.submitted, self.began, self.ended = time.monotonic(), 0.0, 0.0
        self._events: list[NumberedEvent] = []
        self._number, self._steps_kept, self._awaited = 0, steps_kept, awaited
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        """Id of its model."""
        return self.member.context.model

    @property
    def owner(self) -> str:
        """Whose job it is."""
        return self.member.context.owner

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in ENDS

    @property
    def watched(self) -> bool:
        """Whether anybody listens to its events."""
        return bool(self._listeners)

    def tell(self, event: Event) -> None:
        """Add an event and wake the listeners; after the end nothing is added."""
        with self._lock:
            if self.over:
                return
            self._number += 1
            self._note(event)
            self._events.append(NumberedEvent(self._number, event))
            self._shorten()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def start(self) -> None:
        """Tell that the worker has begun."""
        self.tell(Event("started"))

    def finish(self, result: Result) -> None:
        """End with a result."""
        self.result = None if self.over else result
        self.tell(Event("done", {"result": result}))

    def fail(self, error: DdpmClipError) -> None:
        """End with an error."""
        self.error = None if self.over else error
        self.tell(Event("failed", error.as_dict()))

    def cancel(self) -> None:
        """End at once; the worker stops before the next sampling step."""
        self.tell(Event("cancelled"))

    def events(self, since: int = 0) -> list[NumberedEvent]:
        """Return the events with a greater number; all but the newest `step` events may be gone."""
        with self._lock:
            return [one for one in self._events if one.id > since]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a function after each event, in the thread that tells it; returns how to stop."""
        with self._lock:
            self._listeners.append(listener)

        def stop() -> None:
            with self._lock:
                self._listeners.remove(listener)
                self._awaited = False
                self._shorten()

        return stop

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the job has ended; return whether it has."""
        changed = threading.Event()
        stop = self.listen(changed.set)
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while not self.over:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                changed.wait(left)
                changed.clear()
        finally:
            stop()
        return True

    def as_dict(self, position: int | None = None) -> dict[str, Any]:
        """Return what the API tells of this job."""
        told: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "model": self.model,
            "state": self.state,
            "position": position,
            "step": self.step,
            "steps": self.steps,
        }
        told |= {} if self.result is None else {"result": self.result}
        return told | ({} if self.error is None else self.error.as_dict())

    def _note(self, event: Event) -> None:
        """Follow an event with the state."""
        if event.name == "started":
            self.state, self.began = "running", time.monotonic()
        elif event.name == "step":
            self.step, self.steps = event.data["step"], event.data["steps"]
        elif event.name in ENDS:
            self.state, self.ended = event.name, time.monotonic()

    def _shorten(self) -> None:
        """Forget old `step` events, which may hold previews; all of them once nobody needs them."""
        keep = self._steps_kept if not self.over or self._awaited or self._listeners else 0
        steps = [one for one in self._events if one.event.name == "step"]
        if len(steps) > keep:
            gone = {one.id for one in steps[: len(steps) - keep]}
            self._events = [one for one in self._events if one.id not in gone]
