"""The application: all routes, behind all checks."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import ddpm_clip
from ddpm_clip.server.http import health, native, pictures, session
from ddpm_clip.server.http.access import Access
from ddpm_clip.server.http.checks.guard import Guard
from ddpm_clip.server.http.checks.headers import Headers
from ddpm_clip.server.http.checks.room import Room
from ddpm_clip.server.http.errors import add_handlers
from ddpm_clip.server.http.openai import models as openai_models
from ddpm_clip.server.http.openai import routes as openai_routes
from ddpm_clip.server.http.openai.repeats import Repeats
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.http.schema import document
from ddpm_clip.server.service.service import Service

CROSS_ORIGIN: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
    "expose_headers": ["Retry-After", "X-Request-ID"],
}
"""What pages of the origins of `--allow-origin` may send and read."""


def create_app(service: Service, options: ServerOptions | None = None) -> FastAPI:
    """Return the application of a service. `studio` adds its own routes to it.

    Its `state` has `service`, `options` and `access`.
    """
    options = options or ServerOptions()
    app = FastAPI(
        title="ddpm_clip",
        version=ddpm_clip.__version__,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service, app.state.options = service, options
    app.state.access = Access(options)
    add_handlers(app)
    app.state.repeats = Repeats(service.limits.keep_seconds)
    for routes in (health, session, native, pictures, openai_routes, openai_models):
        app.include_router(routes.router)
    app.add_middleware(Room, service=service)
    app.add_middleware(Guard, access=app.state.access)
    if options.origins:
        app.add_middleware(CORSMiddleware, allow_origins=options.origins, **CROSS_ORIGIN)
    app.add_middleware(Headers)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app
