"""The service, without HTTP: order, batches, cancelling, limits; nobody's fault hurts another."""

import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.errors import DdpmClipError, MissingInput, NonFiniteError, UsageError
from ddpm_clip.generation import text_to_image
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.events import Event, step
from ddpm_clip.server.service.fair_queue import FairQueue, QueueFull
from ddpm_clip.server.service.fields import JobRequest
from ddpm_clip.server.service.jobs import Job
from ddpm_clip.server.service.kind import Context, JobKind, Member
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.pictures import PictureStore
from ddpm_clip.server.service.service import Service


class Nothing(JobRequest):
    """A request without fields."""


def fails(error):
    """A kind of job that raises."""

    def run(context, request):
        yield step(1, 2)
        raise error

    return JobKind(Nothing, run)


def endless(context, request):
    while True:
        yield step(1, 2)
        time.sleep(0.01)


KINDS = dict(JOB_KINDS) | {
    "raises": fails(ValueError("a secret of /home/someone")),
    "swells": fails(MemoryError()),
}


@pytest.fixture(scope="module")
def own(models):
    with Service(models, KINDS) as running:
        yield running


def pixels(service, job) -> list[np.ndarray]:
    """The pictures of a finished job."""
    assert job.wait(120)
    assert job.state == "done", job.error
    ids = [one["id"] for one in job.result["pictures"]]
    stored = [service.pictures.get(id, job.owner).data for id in ids]
    return [np.asarray(Image.open(io.BytesIO(data))).astype(int) for data in stored]


def a_job(owner="a", key=None, pictures=1):
    return Job("paint", Member(Context(None, "m", None, owner), None), key=key, pictures=pictures)


def test_owners_take_turns():
    queue = FairQueue(10)
    jobs = {name: a_job(name[0]) for name in ("a1", "a2", "a3", "b1")}
    for job in jobs.values():
        queue.put(job)
    taken = [queue.take(1)[0] for _ in jobs]
    assert [name for one in taken for name, job in jobs.items() if job is one] == [
        "a1",
        "b1",
        "a2",
        "a3",
    ]


def test_a_batch_has_one_key_and_few_pictures():
    queue = FairQueue(10)
    jobs = [a_job(key=key, pictures=2) for key in ("x", "y", "x", "x", "x", None)]
    for job in jobs:
        queue.put(job)
    assert queue.take(6) == [jobs[0], jobs[2], jobs[3]]
    assert queue.take(6) == [jobs[1]]
    assert queue.take(6) == [jobs[4]]
    assert queue.take(6) == [jobs[5]]


def test_a_full_queue_refuses_and_a_cancelled_job_makes_room():
    queue = FairQueue(2)
    first, second, third = a_job(), a_job(), a_job()
    queue.put(first)
    queue.put(second)
    with pytest.raises(QueueFull):
        queue.put(third)
    first.cancel()
    queue.put(third)
    assert (queue.position(second), queue.position(third), queue.position(first)) == (0, 1, None)


def test_room_that_is_kept_for_one_is_nobody_elses():
    queue = FairQueue(1)
    with queue.place() as place:
        with pytest.raises(QueueFull):
            queue.check_room()
        with pytest.raises(QueueFull):
            queue.put(a_job())
        queue.put(a_job(), place)
        assert queue.full
    queue.take(1)
    with pytest.raises(UsageError), queue.place():
        raise UsageError("of a request")
    queue.put(a_job())  # the room of the failed request is free again


def test_pictures_give_way_by_number_bytes_and_age():
    now = [0.0]
    limits = ServiceLimits(pictures=2, picture_bytes=10, keep_seconds=60)
    store = PictureStore(limits, clock=lambda: now[0])
    first, second, third = (store.add(b"1234", (1, 1), "a") for _ in range(3))
    assert len(store) == 2
    with pytest.raises(MissingInput):
        store.get(first.id, "a")
    with pytest.raises(MissingInput):  # the same answer as for one that never was
        store.get(second.id, "another owner")
    store.add(b"1234567", (1, 1), "a")
    assert (len(store), store.bytes) == (1, 7)
    now[0] = 61
    with pytest.raises(MissingInput):
        store.get(third.id, "a")
    with pytest.raises(UsageError):
        store.add(b"x" * 11, (1, 1), "a")


@pytest.mark.slow
def test_requests_are_painted_together_and_hardly_differ_from_alone(service, slow):
    asked = [("left", 1, 1.0), ("right", 2, 3.0), ("left", 3, 2.0), ("right", 2**32 - 1, 2.0)]
    fields = [
        {"prompt": prompt, "seed": seed, "guidance": scale, "n": 2, "steps": 5}
        for prompt, seed, scale in asked
    ]
    first = service.submit("paint", {"prompt": "left"})
    assert slow.begun.wait(120)  # meanwhile the others wait, so that they meet
    batches = service.worker.counts.batches
    jobs = [service.submit("paint", one) for one in fields]
    slow.go.set()
    together = [pixels(service, job) for job in jobs]
    assert first.wait(120)
    assert service.worker.counts.batches - batches <= 2
    facts = jobs[-1].result["pictures"][1]["parameters"]
    assert (facts["batch_pictures"], facts["position"]) == (8, 7)
    alone = [pixels(service, service.submit("paint", one)) for one in fields]
    assert np.abs(np.array(together) - np.array(alone)).max() <= 1


def test_other_settings_are_another_batch(service, slow):
    service.submit("paint", {"prompt": "left"})
    assert slow.begun.wait(120)
    fields = {"prompt": "left", "seed": 1, "n": 1}
    jobs = [service.submit("paint", fields | {"steps": steps}) for steps in (2, 3)]
    slow.go.set()
    for job in jobs:
        assert job.wait(120)
        assert job.result["pictures"][0]["parameters"]["batch_pictures"] == 1


def test_cancelling_takes_effect_within_a_step(service, slow):
    job = service.submit("paint", {"prompt": "left", "steps": 50})
    assert slow.begun.wait(120)
    job.cancel()
    slow.go.set()
    after = service.submit("paint", {"prompt": "right", "steps": 2})
    assert after.wait(120)
    assert slow.steps <= 2 + 2  # the step that was being taken, at most one more, and its own two
    assert (job.state, job.result) == ("cancelled", None)
    assert [one.event.name for one in job.events()] == ["queued", "started", "cancelled"]


def test_a_waiting_job_is_replaced(service, slow):
    first = service.submit("paint", {"prompt": "left"})
    assert slow.begun.wait(120)
    second = service.submit("paint", {"prompt": "left"}, replaces=first.id)
    third = service.submit("paint", {"prompt": "right"}, replaces=second.id)
    slow.go.set()
    assert third.wait(120)
    assert [job.state for job in (first, second, third)] == ["cancelled", "cancelled", "done"]


@pytest.mark.parametrize(("kind", "code"), [("raises", "E-INTERNAL"), ("swells", "E-MEMORY")])
def test_a_fault_ends_its_job_only(own, kind, code, caplog):
    job, after = own.submit(kind, {}), own.submit("paint", {"prompt": "left"})
    assert job.wait(120)
    assert (job.state, job.error.code) == ("failed", code)
    assert "someone" not in str(job.error)
    assert after.wait(120)
    assert after.state == "done"


@pytest.mark.slow
def test_a_job_that_takes_too_long_is_ended(models):
    kinds = {"endless": JobKind(Nothing, endless)}
    with Service(models, kinds, ServiceLimits(seconds=0.1)) as impatient:
        job = impatient.submit("endless", {})
        assert job.wait(120)
    assert (job.state, job.error.code) == ("failed", "E-TIME")


def test_nan_in_a_batch_fails_only_whom_it_concerns(service, slow, monkeypatch):
    painted_batch = text_to_image.painted_batch

    def poisoned(steps, batch, *rest):
        painted = yield from painted_batch(steps, batch, *rest)
        if any(request.prompt == "right" for request in batch):
            raise NonFiniteError("a picture has NaN or infinite values")
        return painted

    service.submit("paint", {"prompt": "left"})
    assert slow.begun.wait(120)
    monkeypatch.setattr(text_to_image, "painted_batch", poisoned)
    jobs = [service.submit("paint", {"prompt": one, "steps": 4}) for one in ("left", "right")]
    slow.go.set()
    assert all(job.wait(120) for job in jobs)
    assert [job.state for job in jobs] == ["done", "failed"]
    assert isinstance(jobs[1].error, NonFiniteError)


def test_few_ended_jobs_are_kept(models):
    with Service(models, KINDS, ServiceLimits(jobs=2)) as few:
        jobs = [few.submit("paint", {"prompt": "left", "steps": 1}) for _ in range(4)]
        assert all(job.wait(120) for job in jobs)
        last = few.submit("paint", {"prompt": "left", "steps": 1})
        with pytest.raises(MissingInput):
            few.job(jobs[0].id)
        assert few.job(last.id) is last


def test_old_steps_are_forgotten_and_the_end_is_not():
    job = Job("paint", Member(Context(None, "m", None, "a"), None), steps_kept=3)
    for number in range(10):
        job.tell(step(number, 10, ["data:…"]))
    assert [one.event.data["step"] for one in job.events()] == [7, 8, 9]
    job.finish({})
    job.tell(Event("warning", {"message": "too late"}))
    assert [(one.id, one.event.name) for one in job.events()] == [(11, "done")]


def test_steps_of_an_ended_job_are_kept_for_who_is_about_to_listen():
    """A stream of partial pictures begins after its job was queued, perhaps after its end."""
    context = Context(None, "m", None, "a")
    job = Job("paint", Member(context, None), awaited=True)
    job.tell(step(1, 2, ["data:…"]))
    job.finish({})
    stop = job.listen(lambda: None)
    assert [one.event.name for one in job.events()] == ["step", "done"]
    stop()
    assert [one.event.name for one in job.events()] == ["done"]


def test_a_listener_reads_the_last_steps_after_the_end():
    job = Job("paint", Member(Context(None, "m", None, "a"), None))
    stop = job.listen(lambda: None)
    job.tell(step(1, 1))
    job.finish({})
    assert [one.event.name for one in job.events()] == ["step", "done"]
    stop()
    assert [one.event.name for one in job.events()] == ["done"]


def test_a_stopping_service_finishes_what_it_accepted(models, slow):
    service = Service(models, KINDS)
    service.start()
    job = service.submit("paint", {"prompt": "left"})
    assert slow.begun.wait(120)
    service.close()
    with pytest.raises(DdpmClipError, match="shutting down"):
        service.submit("paint", {"prompt": "left"})
    slow.go.set()
    assert service.stop(120)
    assert job.state == "done"


class SlowToOpen(Models):
    """Models of which each takes as long to open as a test likes."""

    def __init__(self):
        super().__init__(["digits", "flowers"])
        self.begun, self.go, self.asked = threading.Event(), threading.Event(), list[str]()

    def opened(self, id):
        self.asked.append(id)
        self.begun.set()
        self.go.wait(120)


def test_a_model_counts_as_open_once_all_of_it_is_there(tiny_tti, monkeypatch):
    """Else /readyz calls for work while a signal would still cancel what waits."""
    models, seen = Models([str(tiny_tti.model.folder)]), []
    monkeypatch.setattr(
        "ddpm_clip.server.service.models._examples", lambda _: seen.append(models.ready)
    )
    models.open_all()
    assert (seen, models.ready) == ([False], True)


def test_a_service_that_still_opens_its_models_stops_at_once():
    models = SlowToOpen()
    service = Service(models, KINDS)
    service.start()
    assert models.begun.wait(120)
    waits = service.submit("paint", {"prompt": "left"})
    began = time.monotonic()
    assert not service.stop(60)
    assert time.monotonic() - began < 20
    assert waits.state == "cancelled"
    assert service.worker.opening
    models.go.set()
    assert service.worker.join(120)
    assert models.asked == ["digits"], "no further model is opened for nobody"
