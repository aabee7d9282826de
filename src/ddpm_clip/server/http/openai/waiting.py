"""Waits for a job, and cancels it if the client has gone."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request

from ddpm_clip.errors import Busy, DdpmClipError
from ddpm_clip.server.http.errors import HttpRefusal
from ddpm_clip.server.http.streams import followed
from ddpm_clip.server.service.events import NumberedEvent
from ddpm_clip.server.service.jobs import Job


async def finished(request: Request, job: Job) -> None:
    """Return when a job is done.

    Raises:
        DdpmClipError: Why it failed.
        HttpRefusal: The client has gone; nobody reads the response.
    """
    end = asyncio.create_task(_end(job))
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((end, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        end.cancel()
        gone.cancel()
        await asyncio.gather(end, gone, return_exceptions=True)
        leave(job)
    check(job)


def leave(job: Job) -> None:
    """Cancel a job that nobody waits for any more; a repeated request may still wait for it."""
    if not job.over and not job.watched:
        job.cancel()


def check(job: Job) -> None:
    """Raise what went wrong with an ended job."""
    if job.error is not None:
        raise job.error
    if job.result is None:
        raise HttpRefusal(499, "E-GONE", "the client has gone, or the job was cancelled")


async def _end(job: Job) -> None:
    async for _ in followed(job):
        pass


async def _gone(request: Request) -> None:
    """Return when the client has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def until_gone(job: Job) -> AsyncIterator[NumberedEvent | None]:
    """Yield the events of a job; if the response is closed before its end, cancel the job."""
    try:
        async for one in followed(job):
            yield one
    finally:
        leave(job)


def failure_of(job: Job) -> DdpmClipError:
    """Return why a job ended without a result."""
    return job.error or Busy("the job was cancelled", "", "send it again")
