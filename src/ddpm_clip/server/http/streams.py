"""The events of a job as server-sent events, for any number of clients.

A client that reads slowly misses steps, never the end. While nothing happens, a comment is sent now
and then, so that proxies keep the connection and a client that has gone is noticed.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from ddpm_clip.server.service.events import NumberedEvent
from ddpm_clip.server.service.jobs import Job

ALIVE = 15.0
"""Seconds between two comments."""

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Of a stream: no proxy may collect it."""


async def followed(job: Job, since: int = 0) -> AsyncIterator[NumberedEvent | None]:
    """Yield the events of a job until its end; None where nothing happened for a while."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has just ended
            loop.call_soon_threadsafe(news.set)

    stop = job.listen(wake)
    try:
        while True:
            news.clear()
            over = job.over  # before the events are read: whatever is told later wakes us
            for one in job.events(since):
                since = one.id
                yield one
            if over:
                return
            try:
                async with asyncio.timeout(ALIVE):
                    await news.wait()
            except TimeoutError:
                yield None
    finally:
        stop()


async def sse(job: Job, since: int = 0) -> AsyncIterator[str]:
    """Yield the events of a job in the form of `text/event-stream`."""
    async for one in followed(job, since):
        if one is None:
            yield ": nothing new\n\n"
        else:
            yield f"id: {one.id}\nevent: {one.event.name}\ndata: {json.dumps(one.event.data)}\n\n"
