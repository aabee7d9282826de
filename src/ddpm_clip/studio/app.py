"""Adds a studio to the application of a server: the page, and the routes that it needs."""

from fastapi import FastAPI

from ddpm_clip.studio.routes.table import ROUTERS, ROUTES
from ddpm_clip.studio.studio import Studio


def add_studio(app: FastAPI, studio: Studio) -> None:
    """Add the routes of a studio to an application of `server.http.app.create_app`."""
    app.state.studio = studio
    app.state.service.pictures.elsewhere = studio.stored
    app.state.access.declare(ROUTES)
    for router in ROUTERS:
        app.include_router(router)
