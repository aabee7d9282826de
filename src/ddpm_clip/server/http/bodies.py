"""What requests carry: JSON and pictures, of limited size, in limited time.

FastAPI's own reading of bodies is not used: it has no limit, and answers 500 to NaN and to lone
surrogates, which its error handler cannot write.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from ddpm_clip.errors import UsageError
from ddpm_clip.server.http.errors import HttpRefusal
from ddpm_clip.utils.untrusted import parse_json

JSON = "application/json"


def media_type(request: Request) -> str:
    """Return the media type of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_type(request: Request, *accepted: str) -> str:
    """Return the media type of a body, if it is accepted; `image/` accepts all that begin so.

    Raises:
        HttpRefusal: It is another (415); forms of a stranger's page are refused so, too.
    """
    given = media_type(request)
    fits = any(given == one or (one.endswith("/") and given.startswith(one)) for one in accepted)
    if not fits or request.headers.get("content-encoding", "identity") != "identity":
        raise HttpRefusal(
            415,
            "E-TYPE",
            "the body has a type that this route does not take",
            f"it takes {' or '.join(accepted)}, not compressed",
            f"send the header Content-Type: {accepted[0]}",
        )
    return given


async def body_of(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Args:
        request: The request.
        most: Most bytes.

    Raises:
        HttpRefusal: It is larger (413), or does not arrive in time (408).
    """
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise _too_large(most)
    seconds = request.app.state.options.read_seconds
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, most)
    except TimeoutError:
        raise HttpRefusal(
            408,
            "E-SLOW",
            "the request did not arrive in time",
            f"it took longer than {seconds:g} seconds",
            "send it again",
            {"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise HttpRefusal(400, "E-GONE", "the client has gone") from None


async def _read(request: Request, most: int) -> bytes:
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > most:
            raise _too_large(most)
    return bytes(parts)


def _too_large(most: int) -> HttpRefusal:
    why, close = f"it may have {most / 2**20:g} MiB", {"Connection": "close"}
    return HttpRefusal(413, "E-BODY", "the body is too large", why, "send less", close)


async def json_of(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body of a request.

    NaN and infinity come through, so that the error can name the field that holds them.

    Raises:
        HttpRefusal: Type, size or time of the body.
        UsageError: It is not a JSON object, is nested too deeply, or holds a lone surrogate.
    """
    check_type(request, JSON)
    body = await body_of(request, request.app.state.options.body)
    try:
        value = parse_json(body, finite=False, replace=False)
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:200]
        raise UsageError("the body is not valid JSON", why, "send a JSON object") from None
    if not isinstance(value, Mapping):
        raise UsageError(
            "the body is not a JSON object", f"it is a {type(value).__name__}", "send {…}"
        )
    return dict(value)
