"""The bounded queue of jobs: first come, first served, in turns between owners.

An owner with many waiting jobs delays the others by one job at most.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from ddpm_clip.errors import Busy
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.jobs import Job


class QueueFull(Busy):
    """The queue has no room for another job (HTTP 429)."""

    code = "E-QUEUE"


class FairQueue:
    """Waiting jobs, a line per owner; the owners take turns.

    Args:
        most: Most waiting jobs.
    """

    def __init__(self, most: int):
        self.most = most
        self._lines: OrderedDict[str, deque[Job]] = OrderedDict()
        self._places: set[object] = set()
        self._changed = threading.Condition()
        self._open = True

    @contextmanager
    def place(self) -> Iterator[object]:
        """Keep room for one job, until it is put or the block ends.

        Without it, a crowd whose requests are checked at the same time would find room all at once,
        and most of the work would be done for requests that are refused in the end.

        Raises:
            QueueFull: There is no room.
            Busy: The queue is closed.
        """
        with self._changed:
            self._sweep()
            self._check_room()
            self._places.add(place := object())
        try:
            yield place
        finally:
            with self._changed:
                self._places.discard(place)

    def put(self, job: Job, place: object = None) -> None:
        """Append a job, and tell it its position, 0 for the next one.

        Args:
            job: What waits from now on.
            place: From `place`, if room was kept for it.

        Raises:
            QueueFull: There is no room.
            Busy: The queue is closed.
        """
        with self._changed:
            self._places.discard(place)
            self._sweep()
            self._check_room()
            self._lines.setdefault(job.owner, deque()).append(job)
            job.tell(Event("queued", {"position": self._in_turn().index(job)}))
            self._changed.notify()

    def check_room(self) -> None:
        """Raise a `QueueFull` if there is no room, or a `Busy` if the queue is closed."""
        with self._changed:
            self._sweep()
            self._check_room()

    def take(self, most: int) -> list[Job]:
        """Wait for jobs, and return those to run together, at least one; [] once closed and empty.

        Args:
            most: Most pictures of the jobs together; a single job may have more.
        """
        with self._changed:
            while not self._waiting():
                if not self._open:
                    return []
                self._changed.wait()
            return self._batch(most)

    def position(self, job: Job) -> int | None:
        """Return how many jobs are before this one; None if it does not wait."""
        with self._changed:
            waiting = self._in_turn()
            return waiting.index(job) if job in waiting else None

    def close(self) -> None:
        """Refuse further jobs; those that wait are still taken."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    @property
    def open(self) -> bool:
        """Whether it accepts jobs."""
        return self._open

    @property
    def full(self) -> bool:
        """Whether a further job would be refused."""
        return len(self) >= self.most

    def __len__(self) -> int:
        with self._changed:
            self._sweep()
            return sum(map(len, self._lines.values()))

    def _batch(self, most: int) -> list[Job]:
        """Remove and return the next job, and others with the same key."""
        first, *others = self._in_turn()
        batch, taken = [first], first.pictures
        for job in others if first.key is not None else ():
            if job.key == first.key and taken + job.pictures <= most:
                batch.append(job)
                taken += job.pictures
        for job in batch:
            self._lines[job.owner].remove(job)
        self._lines.move_to_end(first.owner)  # the next turn is another owner's
        self._sweep()
        return batch

    def _in_turn(self) -> list[Job]:
        """Return the waiting jobs in the order in which they would run alone."""
        lines = [list(line) for line in self._lines.values()]
        longest = max(map(len, lines), default=0)
        return [line[i] for i in range(longest) for line in lines if i < len(line)]

    def _waiting(self) -> bool:
        self._sweep()
        return bool(self._lines)

    def _sweep(self) -> None:
        """Remove cancelled jobs, and owners without any."""
        for owner, line in list(self._lines.items()):
            kept = deque(job for job in line if not job.over)
            if kept:
                self._lines[owner] = kept
            else:
                del self._lines[owner]

    def _check_room(self) -> None:
        if not self._open:
            raise Busy("the server is shutting down", "", "try again when it has started again")
        waiting = len(self._places) + sum(map(len, self._lines.values()))
        if waiting >= self.most:
            raise QueueFull(
                "the queue is full",
                f"{waiting} jobs are waiting, and no more are accepted",
                "try again in a moment",
            )
