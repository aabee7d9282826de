"""Every failure as JSON, with its status; the handlers of the web framework are all replaced.

Below /v1 errors have the form of the OpenAI API, elsewhere that of this package.
"""

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from ddpm_clip.errors import (
    Busy,
    CannotCreate,
    DataError,
    DdpmClipError,
    MissingInput,
    NonFiniteError,
    PermissionRefused,
    UsageError,
    WeightsUnavailable,
)
from ddpm_clip.server.service.fair_queue import QueueFull

PATH = re.compile(r"(?:(?<=[\s'\"(=])|^)(?:/|[A-Za-z]:\\)[^\s'\"),;:]*[/\\]([^\s'\"),;:/\\]*)")
"""An absolute path; a client sees its last part only."""


class HttpRefusal(DdpmClipError):
    """A request that no route gets to see, or that a route refuses for the way it was sent.

    Args:
        status: The HTTP status.
        code: A stable code.
        what: What is wrong.
        why: The reason.
        fix: What to do instead.
        headers: Further headers of the response.
    """

    code = "E-HTTP"

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        why: str = "",
        fix: str = "",
        headers: dict[str, str] | None = None,
    ):
        super().__init__(what, why, fix)
        self.status, self.code, self.headers = status, code, headers or {}


STATUSES: tuple[tuple[type[DdpmClipError], int], ...] = (
    (QueueFull, 429),
    (Busy, 503),
    (MissingInput, 404),
    (UsageError, 400),
    (DataError, 400),
    (CannotCreate, 409),
    (PermissionRefused, 403),
    (WeightsUnavailable, 503),
    (DdpmClipError, 500),
)
"""Status of each class of errors; the first that fits."""

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}
"""Types of the OpenAI API, by status; others are a server_error."""


def status_of(error: DdpmClipError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, HttpRefusal):
        return error.status
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def told(error: DdpmClipError) -> dict[str, dict[str, Any]]:
    """Return the JSON form of an error, without the folders of this machine."""
    form = error.as_dict()["error"]
    return {"error": {name: value and PATH.sub(r"\1", value) for name, value in form.items()}}


def openai_form(error: DdpmClipError) -> dict[str, dict[str, Any]]:
    """Return an error in the form of the OpenAI API."""
    form, status = told(error)["error"], status_of(error)
    code = form["code"]
    if isinstance(error, MissingInput) and error.param == "model":
        code = "model_not_found"
    elif isinstance(error, NonFiniteError):
        code = "non_finite_output"
    kind = TYPES.get(status, "server_error")
    return {"error": form | {"type": kind, "code": code}}


def response_of(error: DdpmClipError, path: str, retry_after: int = 1) -> JSONResponse:
    """Return the response to a failed request.

    Args:
        error: What went wrong.
        path: The path of the request, which decides the form.
        retry_after: In how many seconds there may be room, for 429 and 503.
    """
    status = status_of(error)
    again = status in (429, 503, 408)
    headers = {"x-should-retry": "true" if again else "false"}
    headers |= {"Retry-After": str(retry_after)} if status in (429, 503) else {}
    headers |= getattr(error, "headers", {})
    form = openai_form(error) if path.startswith("/v1/") else told(error)
    return JSONResponse(form, status, headers)


def allowed(request: Request, status: int) -> dict[str, str]:
    """Return the header of a 405 that names the methods of all routes of this path.

    The framework names those of the first route only.
    """
    if status != 405:
        return {}
    routes = request.app.routes
    taken = [
        method
        for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
        if any(one.matches({**request.scope, "method": method})[0] is Match.FULL for one in routes)
    ]
    return {"Allow": ", ".join(taken)}


def add_handlers(app: FastAPI) -> None:
    """Replace all handlers of errors."""

    def answer(request: Request, error: DdpmClipError) -> JSONResponse:
        retry_after = request.app.state.service.retry_after()
        return response_of(error, request.url.path, retry_after)

    @app.exception_handler(DdpmClipError)
    async def ours(request: Request, error: DdpmClipError) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        what = {404: "there is no such route", 405: "the route does not take this method"}
        refusal = HttpRefusal(
            error.status_code,
            f"E-HTTP-{error.status_code}",
            what.get(error.status_code, "the request cannot be answered"),
            headers=dict(error.headers or {}) | allowed(request, error.status_code),
        )
        return answer(request, refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        fault = error.errors()[0]
        name = ".".join(str(part)[:60] for part in fault["loc"][1:]) or "request"
        return answer(request, UsageError(f"{name} is not valid", fault["msg"], param=name))
