"""The service: submit, look up and cancel jobs on opened models.

It knows nothing of HTTP. A Python program may use it as it is:

    service = Service(Models(["digits"]), JOB_KINDS)
    with service:
        job = service.submit("paint", {"prompt": "a six", "n": 4})
        job.wait()
        print(job.result)
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ddpm_clip.errors import MissingInput
from ddpm_clip.registry import Registry
from ddpm_clip.server.service.events import NumberedEvent, warning
from ddpm_clip.server.service.fair_queue import FairQueue
from ddpm_clip.server.service.fields import checked_id, validated
from ddpm_clip.server.service.jobs import Job
from ddpm_clip.server.service.kind import COMPUTE, Context, JobKind, Member
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.pictures import PictureStore
from ddpm_clip.server.service.warned import collected_warnings
from ddpm_clip.server.service.worker import Worker

LOCAL = "local"
"""The owner of everything, where there are no keys."""


class Service:
    """Jobs on models, computed by one thread.

    Args:
        models: What can be painted with.
        kinds: What can be asked for, by name.
        limits: How much is accepted and kept.

    Attributes:
        pictures: Painted and uploaded pictures.
    """

    def __init__(
        self, models: Models, kinds: Mapping[str, JobKind], limits: ServiceLimits | None = None
    ):
        self.models, self.limits = models, limits or ServiceLimits()
        self.kinds = Registry("job kind", kinds)
        self.pictures = PictureStore(self.limits)
        lanes = {COMPUTE, *(kind.lane for kind in kinds.values())}
        self._queues = {lane: FairQueue(self.limits.queue) for lane in lanes}
        self._workers = {
            lane: Worker(queue, self.kinds, models if lane == COMPUTE else Models(()), self.limits)
            for lane, queue in self._queues.items()
        }
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(0.0)

    def start(self) -> None:
        """Start the thread that opens the models and computes, and those of other lanes."""
        for worker in self._workers.values():
            worker.start()

    @property
    def worker(self) -> Worker:
        """The worker that computes."""
        return self._workers[COMPUTE]

    def check_room(self) -> None:
        """Raise a `QueueFull` or `Busy` if a job that computes would be refused now."""
        self._queues[COMPUTE].check_room()

    def place(self) -> AbstractContextManager[object]:
        """Keep room for a job that computes, until it is submitted or the block ends.

        Raises:
            QueueFull: No more jobs are accepted now.
            Busy: The service is stopping.
        """
        return self._queues[COMPUTE].place()

    def submit(
        self,
        kind: str,
        fields: Mapping[str, Any],
        owner: str = LOCAL,
        *,
        model: str | None = None,
        replaces: str | None = None,
        awaited: bool = False,
        place: object = None,
    ) -> Job:
        """Queue a job.

        Args:
            kind: A name in `kinds`.
            fields: The fields of its request, as JSON has them.
            owner: Whose job it is; only the owner may see it.
            model: Id of a model; None is the default.
            replaces: Id of a job of the same owner that is cancelled first.
            awaited: Whether a client is about to listen and must not miss a step, however soon
                the job ends.
            place: From `place`, if room was kept for the job.

        Raises:
            UsageError: The request is invalid.
            MissingInput: There is no such model.
            QueueFull: No more jobs are accepted now.
            Busy: The service is stopping.
        """
        if replaces is not None:
            self.cancel(replaces, owner, missing_ok=True)
        queue = self._queues[self.kinds[kind].lane]
        with queue.place() if place is None else nullcontext(place) as kept:
            context = Context(self.models, self.models.checked(model), self.pictures, owner)
            job = self._checked(kind, fields, context, awaited)
            with self._lock:
                queue.put(job, kept)
                self._jobs[job.id] = job
                self._forget()
        return job

    def _checked(
        self, kind: str, fields: Mapping[str, Any], context: Context, awaited: bool
    ) -> Job:
        """Return the job of a request, with what it is warned of."""
        chosen = self.kinds[kind]
        with collected_warnings() as messages:
            request = chosen.check(context, validated(chosen.request, fields))
        own = None if chosen.together is None else chosen.key(context, request)
        job = Job(
            kind,
            Member(context, request),
            key=None if own is None else (kind, context.model, own),
            pictures=chosen.pictures(request),
            steps_kept=self.limits.steps_kept,
            awaited=awaited,
        )
        for message in messages:
            job.tell(warning(message))
        return job

    def job(self, id: str, owner: str = LOCAL) -> Job:
        """Return a job.

        Raises:
            UsageError: This is not an id.
            MissingInput: There is no such job of this owner.
        """
        checked_id(id, "job")
        with self._lock:
            self._forget()
            job = self._jobs.get(id)
        if job is None or job.owner != owner:
            raise MissingInput(
                "there is no such job",
                "finished jobs are kept for a limited time",
                "submit it again",
                param="job",
            )
        return job

    def describe(self, job: Job) -> dict[str, Any]:
        """Return what the API tells of a job, with its position in the queue."""
        return job.as_dict(self._queues[self.kinds[job.kind].lane].position(job))

    def cancel(self, id: str, owner: str = LOCAL, *, missing_ok: bool = False) -> None:
        """Cancel a job; its computing stops before the next sampling step.

        Raises:
            MissingInput: There is no such job, and `missing_ok` is not set.
        """
        try:
            self.job(id, owner).cancel()
        except MissingInput:
            if not missing_ok:
                raise

    def events(self, id: str, since: int = 0, owner: str = LOCAL) -> list[NumberedEvent]:
        """Return the events of a job with a greater number."""
        return self.job(id, owner).events(since)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return sum(map(len, self._queues.values()))

    @property
    def ready(self) -> bool:
        """Whether every model is open, and a job would be accepted and begun."""
        open = self.models.ready and not self.worker.opening
        return open and not self.stopping and not self._queues[COMPUTE].full

    @property
    def stopping(self) -> bool:
        """Whether it refuses further jobs for good."""
        return not self._queues[COMPUTE].open

    def retry_after(self) -> int:
        """Return in how many seconds there will probably be room in the queue, at least 1."""
        return max(1, round(self.worker.seconds))

    def close(self) -> None:
        """Refuse further jobs from now on."""
        for queue in self._queues.values():
            queue.close()

    def stop(self, seconds: float) -> bool:
        """Refuse further jobs, finish those that are accepted, and cancel what is left then.

        While the models are being opened, nothing has begun: jobs that wait are cancelled at
        once, and the thread that opens a model is not waited for.

        Args:
            seconds: How long to wait before cancelling.

        Returns:
            Whether all accepted jobs were finished in time.
        """
        self.close()
        deadline = time.monotonic() + seconds
        workers = [one for one in self._workers.values() if not one.opening]
        left = 0 if self.worker in workers else len(self._queues[COMPUTE])
        drained = all(one.join(max(0.0, deadline - time.monotonic())) for one in workers)
        for job in list(self._jobs.values()):
            job.cancel()
        return all(one.join(10.0) for one in workers) and drained and not left

    def _forget(self) -> None:
        """Remove the oldest ended jobs; the lock is held."""
        oldest = time.monotonic() - self.limits.keep_seconds
        ended = [job for job in self._jobs.values() if job.over]
        many = len(ended) - self.limits.jobs
        for number, job in enumerate(ended):
            if number < many or job.ended < oldest:
                del self._jobs[job.id]
