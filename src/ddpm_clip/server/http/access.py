"""Which routes are public, who a caller is, and the session of the page.

Every route is in a table, as public or authenticated. One that is missing there counts as
authenticated, and fails a test.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.responses import Response
from starlette.routing import compile_path

from ddpm_clip.server.http.errors import HttpRefusal
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.service.service import LOCAL

PUBLIC, AUTHENTICATED = "public", "authenticated"

COOKIE = "ddpm_clip_session"
MOST_SESSIONS = 1000

ROUTES = {
    "/healthz": PUBLIC,
    "/api/session": PUBLIC,  # where a page exchanges the key for a session
    "/readyz": AUTHENTICATED,
    "/metrics": AUTHENTICATED,
    "/openapi.json": AUTHENTICATED,
    "/api/models": AUTHENTICATED,
    "/api/jobs": AUTHENTICATED,
    "/api/jobs/{id}": AUTHENTICATED,
    "/api/jobs/{id}/events": AUTHENTICATED,
    "/api/pictures": AUTHENTICATED,
    "/api/pictures/{id}.png": AUTHENTICATED,
    "/api/pictures/{id}": AUTHENTICATED,
    "/v1/models": AUTHENTICATED,
    "/v1/models/{id}": AUTHENTICATED,
    "/v1/images/generations": AUTHENTICATED,
    "/v1/images/edits": AUTHENTICATED,
    "/v1/images/variations": AUTHENTICATED,
}
"""Every route of the server, by its path."""


@dataclass
class Access:
    """Decides who may call what.

    Args:
        options: Holds the keys.
        routes: The table; `studio` adds its own routes to it.
    """

    options: ServerOptions
    routes: dict[str, str] = field(default_factory=lambda: dict(ROUTES))

    def __post_init__(self) -> None:
        """Make the session of this start, which pages get that need no key."""
        self._sessions: dict[str, str] = {}
        self._local = secrets.token_urlsafe(32)
        self.declare({})

    def declare(self, routes: Mapping[str, str]) -> None:
        """Add routes of another room to the table."""
        self.routes.update(routes)
        public = [route for route, access in self.routes.items() if access == PUBLIC]
        self._public = [compile_path(route)[0] for route in public]

    def is_public(self, path: str) -> bool:
        """Whether a path needs neither key nor session."""
        return any(route.match(path) for route in self._public)

    def owner(self, headers: Mapping[str, str]) -> str:
        """Return who calls.

        Args:
            headers: Of the request, by lower-case name.

        Raises:
            HttpRefusal: The caller has neither a key nor a session where one is needed.
        """
        session = self._session(headers.get("cookie", ""))
        if session is not None:
            return session
        if self.options.keys:
            return self._by_key(headers.get("authorization", ""))
        if headers.get("origin") in self.options.origins:
            return LOCAL
        if "origin" in headers or any(name.startswith("sec-fetch-") for name in headers):
            raise HttpRefusal(
                401,
                "E-SESSION",
                "this page has no session with the server",
                "a browser needs the cookie that the server's own page sets",
                "open the server's page first",
            )
        return LOCAL

    def login(self, key: str) -> str:
        """Return a new session for whoever has a key.

        Raises:
            HttpRefusal: It is not one of the keys.
        """
        owner = self._by_key(f"Bearer {key}")
        while len(self._sessions) >= MOST_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(32)
        self._sessions[session] = owner
        return session

    def give_session(self, response: Response, session: str | None = None) -> None:
        """Set the cookie of a session; None is that of a server without keys."""
        if session is None and self.options.keys:
            return
        value = session or self._local
        response.set_cookie(COOKIE, value, httponly=True, samesite="strict", path="/")

    def _session(self, cookies: str) -> str | None:
        """Return whose session a cookie is, if it is one."""
        try:
            found = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return None
        given = "" if found is None else found.value
        if not self.options.keys and _same(given, self._local):
            return LOCAL
        return self._sessions.get(given)

    def _by_key(self, authorization: str) -> str:
        scheme, _, given = authorization.partition(" ")
        found = [key for key in self.options.keys if _same(given.strip(), key)]
        if scheme.lower() != "bearer" or not found:
            raise HttpRefusal(
                401,
                "E-KEY",
                "the key is missing or wrong",
                "this server answers only with a key",
                "send the header Authorization: Bearer KEY",
                {"WWW-Authenticate": "Bearer"},
            )
        return f"key-{hashlib.sha256(found[0].encode()).hexdigest()[:12]}"


def _same(given: str, known: str) -> bool:
    """Compare in constant time, so that timing tells nothing of the key."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())
