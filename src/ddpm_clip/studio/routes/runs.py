"""`/api/runs`: start, follow, stop, resume and open trainings.

The events are read from the files of the run, so they go on after the page, or the studio, was
started again: their ids are steps.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from ddpm_clip.errors import MissingInput
from ddpm_clip.server.http.bodies import json_of
from ddpm_clip.server.http.native import service_of
from ddpm_clip.server.http.streams import HEADERS
from ddpm_clip.server.service.fields import Identifier, JobRequest, Number, checked_id, validated
from ddpm_clip.studio.routes.described import EventResponse, PngResponse, takes
from ddpm_clip.studio.studio import studio_of
from ddpm_clip.studio.training import progress
from ddpm_clip.studio.training.command import MOST_STEPS, TrainingOptions, about_presets
from ddpm_clip.studio.training.following import RunFollower
from ddpm_clip.studio.training.trainings import Training

router = APIRouter(prefix="/api/runs")

SECONDS = 0.5
"""How often the files of a run are looked at."""

ALIVE = 30
"""Looks without news after which a comment is sent."""

A_MINUTE = {"Cache-Control": "private, max-age=60"}

Steps = Annotated[int, Field(ge=1, le=MOST_STEPS)]
Minutes = Annotated[float, Number("minutes")]


class Start(JobRequest):
    """A training to be started."""

    source: Annotated[str, Identifier("source")] = Field(description="id of a source")
    minutes: Minutes | None = None
    steps: Steps | None = None
    preset: str | None = Field(None, max_length=100)
    name: str = Field("", max_length=80)


class Resume(JobRequest):
    """How much longer a training shall be, if it shall."""

    minutes: Minutes | None = None
    steps: Steps | None = None


class Nothing(JobRequest):
    """An empty object: a JSON body keeps the forms of strangers' pages out."""


@router.get("")
def runs(request: Request) -> dict[str, Any]:
    """List the trainings, newest first, and the presets."""
    trainings = studio_of(request).trainings.all()
    return {"runs": [one.as_dict() for one in trainings], "presets": about_presets()}


@router.post("", status_code=201, openapi_extra=takes(Start))
async def start(request: Request) -> dict[str, Any]:
    """Start a training; `command` of the answer is what does the same in a shell."""
    asked: Start = validated(Start, await json_of(request))
    studio = studio_of(request)

    def started() -> dict[str, Any]:
        place, called = studio.sources.place(asked.source), studio.sources.name(asked.source)
        options = TrainingOptions(place, asked.minutes, asked.steps, asked.preset)
        return studio.trainings.start(options, asked.name, called).as_dict()

    return await asyncio.to_thread(started)


@router.get("/{id}")
def run(request: Request, id: str) -> dict[str, Any]:
    """Return a training with its loss curve and its sample grids."""
    return _training(request, id).details()


@router.get("/{id}/events", response_class=EventResponse)
async def events(request: Request, id: str) -> EventResponse:
    """Follow a training by server-sent events; `Last-Event-ID` continues after that step."""
    training = await asyncio.to_thread(_training, request, id)
    last = request.headers.get("last-event-id", "")
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else None
    follower = RunFollower(studio_of(request).trainings, training, since)
    return EventResponse(_sse(follower), headers=HEADERS)


@router.post("/{id}/stop", openapi_extra=takes(Nothing))
async def stop(request: Request, id: str) -> dict[str, Any]:
    """Let a training finish its step and save; asked twice, it ends at once."""
    validated(Nothing, await json_of(request))
    trainings = studio_of(request).trainings
    return (await asyncio.to_thread(trainings.stop, checked_id(id, "run"))).as_dict()


@router.post("/{id}/resume", openapi_extra=takes(Resume))
async def resume(request: Request, id: str) -> dict[str, Any]:
    """Continue a training, perhaps for longer."""
    asked: Resume = validated(Resume, await json_of(request))
    trainings = studio_of(request).trainings
    found = await asyncio.to_thread(
        trainings.resume, checked_id(id, "run"), asked.minutes, asked.steps
    )
    return found.as_dict()


@router.post("/{id}/open", openapi_extra=takes(Nothing))
async def open_model(request: Request, id: str) -> dict[str, Any]:
    """Make the newest checkpoint of a training a model of the page."""
    validated(Nothing, await json_of(request))
    trainings, models = studio_of(request).trainings, service_of(request).models

    def opened() -> dict[str, Any]:
        model = models.reopen(str(trainings.newest(checked_id(id, "run"))))
        models.opened(model)  # so that an error is told now
        return {"model": model}

    return await asyncio.to_thread(opened)


@router.get("/{id}/samples/{step}.png", response_class=PngResponse)
def sample(request: Request, id: str, step: int) -> PngResponse:
    """Return the sample grid of a step."""
    folder = _training(request, id).folder
    try:
        return PngResponse(progress.sample_path(folder, step).read_bytes(), headers=A_MINUTE)
    except OSError as error:
        raise MissingInput("there is no sample grid of this step", "", "reload") from error


def _training(request: Request, id: str) -> Training:
    return studio_of(request).trainings.training(checked_id(id, "run"))


async def _sse(follower: RunFollower) -> AsyncIterator[str]:
    """Yield the events of a training in the form of `text/event-stream`, to its end."""
    quiet = 0
    while True:
        news = await asyncio.to_thread(follower.look)
        for name, step, data in news:
            yield f"id: {step}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
        if follower.over:
            return
        quiet = 0 if news else quiet + 1
        if quiet == ALIVE:
            quiet = 0
            yield ": nothing new\n\n"
        await asyncio.sleep(SECONDS)
