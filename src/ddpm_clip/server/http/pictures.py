"""`/api/pictures`: uploads, and pictures by id.

An upload is decoded in a child process, and what is kept is encoded anew: no byte of a stranger is
ever served, and no name of a file is kept.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from PIL import Image

from ddpm_clip.server.http.bodies import body_of, check_type
from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.service.pictures import PictureStore, StoredPicture

router = APIRouter(prefix="/api")


def decoded(data: bytes, what: str = "picture", background: str = "white") -> Image.Image:
    """Decode a picture of a stranger in a child process, on a background where it is transparent.

    Raises:
        BadImage: It cannot be used, and why.
    """
    from ddpm_clip.data.pictures.images import open_image
    from ddpm_clip.data.pictures.sandbox import in_children

    with in_children():
        return open_image(data, name=what, background=background)


def kept(store: PictureStore, data: bytes, owner: str) -> StoredPicture:
    """Decode an upload, encode it anew and keep it, with what made it if it is one of ours.

    Raises:
        BadImage: It cannot be used, and why.
    """
    from ddpm_clip.generation.picture_folder import encoded

    image = decoded(data)
    facts, info = recorded(data)
    return store.add(encoded(image, info), image.size, owner, facts)


def recorded(data: bytes) -> tuple[dict[str, Any], Any]:
    """Return what made a picture and the texts to write again, if it is one of our PNGs."""
    from ddpm_clip.data.pictures.png_texts import parameters_in
    from ddpm_clip.errors import DataError
    from ddpm_clip.generation.parameters import texts_of

    try:
        facts = parameters_in(data)
        return facts, texts_of(facts)
    except (DataError, KeyError, TypeError, ValueError):
        return {}, None


@router.post("/pictures", status_code=201)
async def upload(request: Request) -> dict[str, Any]:
    """Upload a picture, as the whole body; its type is recognised by content."""
    check_type(request, "image/", "application/octet-stream")
    data = await body_of(request, request.app.state.options.picture)
    store, owner = service_of(request).pictures, owner_of(request)
    picture = await asyncio.to_thread(kept, store, data, owner)
    return picture.as_dict()


@router.get("/pictures/{id}.png")
async def picture(request: Request, id: str) -> Response:
    """Return a painted or uploaded picture."""
    found = service_of(request).pictures.get(id, owner_of(request))
    return Response(found.data, media_type="image/png", headers={"Cache-Control": "private"})


@router.get("/pictures/{id}")
async def record(request: Request, id: str) -> dict[str, Any]:
    """Return what is known of a picture: its size, and how it was painted."""
    return service_of(request).pictures.get(id, owner_of(request)).as_dict()
