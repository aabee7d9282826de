"""Checks of every request before any route: host, origin, key.

A page of a stranger in the browser of the user can send requests to a server on this machine. The
checks are against such pages (cross-site requests, DNS rebinding) and against callers without key.
"""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.server.http.access import Access
from ddpm_clip.server.http.errors import HttpRefusal, response_of
from ddpm_clip.server.http.options import ServerOptions


class Guard:
    """Refuses requests from elsewhere, and those without a key.

    Sets `owner` in the state of the request.
    """

    def __init__(self, app: ASGIApp, access: Access):
        self._app, self._access, self._options = app, access, access.options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["owner"] = self._checked(scope)
        except DdpmClipError as error:
            await response_of(error, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _checked(self, scope: Scope) -> str:
        """Return who calls.

        Raises:
            HttpRefusal: The request must not be answered.
        """
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        public = self._access.is_public(scope["path"])
        check_host(headers, self._options)
        check_origin(headers, scope["method"], self._options, public)
        if public:
            return ""
        return self._access.owner(headers)


def check_host(headers: Mapping[str, str], options: ServerOptions) -> None:
    """Raise an `HttpRefusal` (421) unless the request is for this server.

    A name of a stranger that was made to resolve to this machine (DNS rebinding) is refused so.
    """
    host = headers.get("host", "")
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host
    name = name if host.startswith("[") else name.partition(":")[0]
    if name.lower() not in options.accepted_hosts:
        raise HttpRefusal(
            421,
            "E-HOST",
            "this server does not have that name",
            "the header Host names another",
            "use its address, or start it with --allow-host NAME",
        )


def check_origin(
    headers: Mapping[str, str], method: str, options: ServerOptions, public: bool
) -> None:
    """Raise an `HttpRefusal` (403) if a page of another origin sends the request."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin in options.origins and origin != "null":
        return
    own = f"http://{headers.get('host', '')}", f"https://{headers.get('host', '')}"
    typed = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
    allowed = origin is None or origin in own
    if site is not None and not (site == "same-origin" or (typed and (site == "none" or public))):
        allowed = False
    if not allowed:
        raise HttpRefusal(
            403,
            "E-ORIGIN",
            "a page of another origin may not call this server",
            "the headers Origin or Sec-Fetch-Site say so",
            "start it with --allow-origin ORIGIN if you trust that page",
        )
