"""`stream`: pictures that emerge, as server-sent events in the form of the Images API."""

import base64
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import Request

from ddpm_clip.server.http.errors import openai_form
from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.http.openai.answers import USAGE, in_base64, size_of, warnings_of
from ddpm_clip.server.http.openai.fields import ImageFields
from ddpm_clip.server.http.openai.waiting import failure_of, until_gone
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.jobs import Job


def preview_of(partials: int, steps: int) -> int:
    """Return of every how many steps a preview is needed for so many partial pictures."""
    return max(1, steps // (partials + 1)) if partials else 0


async def stream_of(
    request: Request, job: Job, fields: ImageFields, name: str
) -> AsyncIterator[str]:
    """Yield the events of a stream: partial pictures, then each finished one, or an error.

    Args:
        request: The request.
        job: Its job, whose previews become partial pictures.
        fields: What was asked for.
        name: Beginning of the names of events: image_generation or image_edit.
    """
    shown, most = 0, fields.partial_images or 0
    common = common_of(fields)
    async for one in until_gone(job):
        if one is None:
            yield ": nothing new\n\n"
        elif one.event.name == "step" and shown < most and is_partial(one.event):
            for place, url in enumerate(one.event.data["previews"]):
                told = partial_of(url, fields) | {"partial_image_index": shown, "index": place}
                yield sse(f"{name}.partial_image", common | told)
            shown += 1
    if job.result is None:
        yield sse("error", openai_form(failure_of(job)))
        return
    for told in completed(request, job, fields):
        yield sse(f"{name}.completed", common | told)


def is_partial(event: Event) -> bool:
    """Whether a step shows previews that are not yet the finished pictures."""
    return "previews" in event.data and event.data["step"] < event.data["steps"]


def common_of(fields: ImageFields) -> dict[str, Any]:
    """Return what every event of a stream has."""
    return {
        "created_at": int(time.time()),
        "output_format": fields.form,
        "quality": "auto",
        "background": "opaque",
    }


def partial_of(url: str, fields: ImageFields) -> dict[str, Any]:
    """Return the picture of a data URL in the format that was asked for, with its size."""
    png = base64.b64decode(url.partition(",")[2])
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    picture = in_base64(png, fields.form, fields.output_compression)
    return {"b64_json": picture, "size": f"{width}x{height}"}


def completed(request: Request, job: Job, fields: ImageFields) -> Iterator[dict[str, Any]]:
    """Yield the event of each finished picture."""
    assert job.result is not None
    store, owner = service_of(request).pictures, owner_of(request)
    for place, one in enumerate(job.result["pictures"]):
        png = store.get(one["id"], owner).data
        yield {
            "b64_json": in_base64(png, fields.form, fields.output_compression),
            "size": size_of(one),
            "seed": one["seed"],
            "index": place,
            "usage": USAGE,
            "warnings": warnings_of(job),
        }


def sse(name: str, data: dict[str, Any]) -> str:
    """Return one event; its name is its type as well, which clients read."""
    body = data if name == "error" else {"type": name} | data
    return f"event: {name}\ndata: {json.dumps(body)}\n\n"
