"""What `/openapi.json` says of the studio's routes: which bodies they take, what they return.

Bodies are read within limits by the routes themselves, so FastAPI cannot find out what they hold.
"""

from typing import Any

from fastapi.responses import Response, StreamingResponse

from ddpm_clip.server.http.bodies import JSON
from ddpm_clip.server.service.fields import JobRequest


class PngResponse(Response):
    """A picture."""

    media_type = "image/png"


class ZipResponse(StreamingResponse):
    """A zip."""

    media_type = "application/zip"


class EventResponse(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


def takes(body: type[JobRequest]) -> dict[str, Any]:
    """Return the description of a JSON body, for `openapi_extra` of a route."""
    return _required({JSON: {"schema": body.model_json_schema()}})


def takes_files(*types: str) -> dict[str, Any]:
    """Return the description of a body that is a file of one of some types."""
    file = {"schema": {"type": "string", "format": "binary"}}
    return _required(dict.fromkeys(types, file))


def _required(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
