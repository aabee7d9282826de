"""Refuses requests to paint before anything else is done for them, while the queue is full.

Under a flood most requests are refused, and each waits for that as long as all before it took.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from ddpm_clip.errors import Busy
from ddpm_clip.server.http.errors import response_of
from ddpm_clip.server.service.service import Service

PAINTING = "/v1/images/"


class Room:
    """Answers 429 or 503 to what the service would refuse."""

    def __init__(self, app: ASGIApp, service: Service):
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if scope["type"] == "http" and paints(scope):
            try:
                self._service.check_room()
            except Busy as error:
                refusal = response_of(error, scope["path"], self._service.retry_after())
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def paints(scope: Scope) -> bool:
    """Whether a request asks for pictures in the form of OpenAI, all of whose jobs compute."""
    return bool(scope["method"] == "POST" and scope["path"].startswith(PAINTING))
