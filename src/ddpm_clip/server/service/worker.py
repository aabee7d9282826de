"""The thread that computes: one batch of jobs after the other, step by step.

A fault of one job is the fault of that job alone: if a batch fails, each of its jobs runs again by
itself, and only the one at fault fails then.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from ddpm_clip.errors import DdpmClipError, OutOfMemory
from ddpm_clip.server.service.fair_queue import FairQueue
from ddpm_clip.server.service.jobs import Job
from ddpm_clip.server.service.kind import JobKind, Result, Told
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.models import Models

log = logging.getLogger(__name__)

Work = Generator[Told, None, list[Result]]


class TookTooLong(DdpmClipError):
    """A job computed longer than the service allows."""

    code = "E-TIME"


@dataclass
class Counts:
    """What a worker has done.

    Attributes:
        jobs: Ended jobs by kind and state.
        pictures: Finished pictures.
        batches: Batches of jobs that were run.
        seconds: Time spent computing.
    """

    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    pictures: int = 0
    batches: int = 0
    seconds: float = 0.0


class Worker:
    """Runs jobs until its queue is closed and empty.

    Args:
        queue: Where jobs come from.
        kinds: What a job does, by the name of its kind.
        models: Opened before the first job.
        limits: How many pictures are painted together, and how long a batch may take.

    Attributes:
        counts: What it has done so far.
        seconds: How long a batch took lately; a moving average.
    """

    def __init__(
        self, queue: FairQueue, kinds: Mapping[str, JobKind], models: Models, limits: ServiceLimits
    ):
        self._queue, self._kinds, self._models, self._limits = queue, kinds, models, limits
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._opened = threading.Event()
        self.seconds, self.counts = 1.0, Counts()

    def start(self) -> None:
        """Open the models, then run jobs, in the thread of the worker."""
        self._thread.start()

    @property
    def opening(self) -> bool:
        """Whether it still opens the models; nothing can interrupt it in the middle of one."""
        return self._thread.is_alive() and not self._opened.is_set()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the queue is closed and all jobs are finished; return whether they are."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        self._models.open_all(lambda: self._queue.open)
        self._opened.set()
        while batch := self._queue.take(self._limits.batch):
            began = time.monotonic()
            self._run(batch)
            self._count(batch, time.monotonic() - began)

    def _run(self, jobs: Sequence[Job]) -> None:
        """Run jobs together; if that fails, each alone."""
        for job in jobs:
            job.start()
        try:
            self._follow(jobs, self._begun(jobs))
        except Exception as error:
            if len(jobs) > 1:
                for job in jobs:
                    self._run([job])
            else:
                jobs[0].fail(_told(error))

    def _count(self, jobs: Sequence[Job], seconds: float) -> None:
        self.seconds += 0.2 * (seconds - self.seconds)
        self.counts.batches += 1
        self.counts.seconds += seconds
        for job in jobs:
            self.counts.jobs[job.kind, job.state] += 1
            self.counts.pictures += job.pictures if job.state == "done" else 0

    def _begun(self, jobs: Sequence[Job]) -> Work:
        """Return the work of one job or several."""
        kind = self._kinds[jobs[0].kind]
        if kind.together is not None:
            return kind.together([job.member for job in jobs])
        return _alone(kind, jobs[0])

    def _follow(self, jobs: Sequence[Job], work: Work) -> None:
        """Run work to its end, or until nobody waits for it."""
        deadline = time.monotonic() + self._limits.seconds
        try:
            while not all(job.over for job in jobs):
                told = next(work)
                for place, event in told:
                    jobs[place].tell(event)
                if time.monotonic() > deadline:
                    raise TookTooLong(
                        f"it took longer than {self._limits.seconds:g} seconds",
                        "a server has more than one client",
                        "ask for fewer steps or pictures",
                    )
        except StopIteration as end:
            for job, result in zip(jobs, end.value, strict=True):
                job.finish(result)
        finally:
            work.close()


def _alone(kind: JobKind, job: Job) -> Work:
    """Return the work of a job that does not run together with others."""
    work = kind.run(job.member.context, job.member.request)
    try:
        while True:
            try:
                event = next(work)
            except StopIteration as end:
                return [end.value]
            yield [(0, event)]
    finally:
        work.close()


def _told(error: Exception) -> DdpmClipError:
    """Return what a client is told of an exception; the log gets the rest."""
    if isinstance(error, DdpmClipError):
        return error
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return OutOfMemory("there is not enough memory for this job", "", "ask for fewer pictures")
    log.error("a job failed: %s", type(error).__name__, exc_info=error)
    return DdpmClipError("the job failed", "of a fault in ddpm_clip", "report it, with the log")
