"""`/api/map` and `/api/ask`: pictures and words in a plane, and whether a prompt is covered.

Words are embedded in a thread of the request: that takes milliseconds and waits for no painting.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from ddpm_clip.config.limits import MAX_PROMPT, MAX_SEED
from ddpm_clip.errors import DataError
from ddpm_clip.server.http.native import service_of
from ddpm_clip.studio.routes.described import PngResponse
from ddpm_clip.studio.studio import studio_of
from ddpm_clip.studio.unavailable import unavailable

router = APIRouter(prefix="/api")

Model = Annotated[str | None, Query(max_length=200)]
Prompt = Annotated[str, Query(max_length=MAX_PROMPT)]
Seed = Annotated[int, Query(ge=0, le=MAX_SEED)]

AN_HOUR = {"Cache-Control": "private, max-age=3600"}


@router.get("/ask")
def ask(request: Request, prompt: Prompt, model: Model = None) -> dict[str, Any]:
    """Return whether a model's pictures cover a prompt, with suggestions."""
    from ddpm_clip.studio.map.advice import asked

    models = service_of(request).models
    return asked(models.opened(models.checked(model)), prompt)


@router.get("/map")
def whole_map(request: Request, model: Model = None) -> dict[str, Any]:
    """Return the map of a model, or why it has none."""
    from ddpm_clip.studio.map.view import view

    models, thumbnails = service_of(request).models, studio_of(request).thumbnails
    id = models.checked(model)
    tti = models.opened(id)
    try:
        return view(tti, id, thumbnails=thumbnails.known(tti.model))
    except DataError as error:
        return unavailable(error)


@router.get("/map/place")
def place(request: Request, prompt: Prompt, model: Model = None, seed: Seed = 0) -> dict[str, Any]:
    """Return where a prompt falls, without a bridge and with each, or why nowhere."""
    from ddpm_clip.studio.map import view

    models = service_of(request).models
    try:
        return view.place(models.opened(models.checked(model)), prompt, seed)
    except DataError as error:
        return unavailable(error)


@router.get("/map/pictures/{row}.png", response_class=PngResponse)
def training_picture(request: Request, row: int, model: Model = None) -> PngResponse:
    """Return a training picture by its row in the model's bank."""
    models = service_of(request).models
    tti = models.opened(models.checked(model))
    png = studio_of(request).thumbnails.picture(tti.model, row)
    return PngResponse(png, headers=AN_HOUR)
