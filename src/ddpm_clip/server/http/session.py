"""`/api/session`: a page exchanges the key for a session, so that it need not keep the key."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ddpm_clip.errors import UsageError
from ddpm_clip.server.http.access import Access
from ddpm_clip.server.http.bodies import json_of
from ddpm_clip.server.http.errors import HttpRefusal

router = APIRouter(prefix="/api")

WAIT = 0.5
"""Seconds before a wrong key is refused, so that guessing is slow."""


@router.post("/session", status_code=204)
async def login(request: Request) -> Response:
    """Set the cookie of a session for whoever has the key; public."""
    access: Access = request.app.state.access
    fields = await json_of(request)
    key = fields.pop("key", None)
    if not isinstance(key, str) or fields:
        raise UsageError("a session needs the key, and nothing else", fix='send {"key": "…"}')
    try:
        session = access.login(key)
    except HttpRefusal:
        await asyncio.sleep(WAIT)
        raise
    response = Response(status_code=204)
    access.give_session(response, session)
    return response
