"""What every response carries: security headers, an id, and how long it took."""

import logging
import secrets
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.server.http.errors import response_of

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'"
)

SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Headers:
    """Adds the headers to every response, those of errors included."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, id, started = time.perf_counter(), secrets.token_hex(8), False
        scope.setdefault("state", {})["request_id"] = id

        async def sent(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-ID"] = id
                taken = 1000 * (time.perf_counter() - began)
                headers.append("Server-Timing", f"total;dur={taken:.1f}")
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:  # a fault of ours: the log has all of it, the client its id
            log.error("request %s failed", id, exc_info=error)
            if started:
                raise
            fault = DdpmClipError("the request failed", "of a fault in ddpm_clip", f"report {id}")
            await response_of(fault, scope["path"])(scope, receive, sent)
