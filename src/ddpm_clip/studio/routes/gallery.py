"""`/api/gallery`: the history of painted pictures: list, search, keep, mark, delete, download."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field

from ddpm_clip.server.http.bodies import json_of
from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.service.fields import Identifier, JobRequest, checked_id, validated
from ddpm_clip.studio.gallery.archive import zipped
from ddpm_clip.studio.gallery.history import LONGEST_PAGE
from ddpm_clip.studio.routes.described import PngResponse, ZipResponse, takes
from ddpm_clip.studio.studio import studio_of

router = APIRouter(prefix="/api/gallery")

MOST_IDS = 5000
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
"""A picture of the gallery never changes: another one has another id."""

Search = Annotated[str, Query(max_length=500)]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE)]


class SomePictures(JobRequest):
    """Some pictures."""

    ids: Annotated[
        list[Annotated[str, Identifier("ids")]], Field(min_length=1, max_length=MOST_IDS)
    ]


class Mark(JobRequest):
    """Whether a picture is a favourite."""

    favourite: bool


@router.get("")
def pictures(
    request: Request,
    query: Search = "",
    before: str | None = None,
    limit: Limit = 60,
    favourite: bool = False,
) -> dict[str, Any]:
    """List pictures, newest first: those that all words of `query` occur in."""
    if before is not None:
        checked_id(before, "before")
    history = studio_of(request).history
    return history.page(query, before, limit, marked=favourite).as_dict()


@router.post("", openapi_extra=takes(SomePictures))
async def keep(request: Request) -> dict[str, Any]:
    """Keep pictures that were painted lately, by their ids below `/api/pictures`."""
    asked: SomePictures = validated(SomePictures, await json_of(request))
    store, owner = service_of(request).pictures, owner_of(request)
    found = [store.get(id, owner) for id in asked.ids]
    pictures = [(one.data, one.facts) for one in found]
    entries = await asyncio.to_thread(studio_of(request).history.add, pictures)
    return {"kept": len(entries), "ids": [one.id for one in entries]}


@router.delete("", openapi_extra=takes(SomePictures))
async def delete(request: Request) -> dict[str, Any]:
    """Delete pictures."""
    asked: SomePictures = validated(SomePictures, await json_of(request))
    return {"deleted": await asyncio.to_thread(studio_of(request).history.delete, asked.ids)}


@router.post("/zip", response_class=ZipResponse, openapi_extra=takes(SomePictures))
async def download(request: Request) -> ZipResponse:
    """Return some pictures as a zip, in the order of their ids in the request."""
    asked: SomePictures = validated(SomePictures, await json_of(request))
    history = studio_of(request).history
    entries = [history.entry(id) for id in asked.ids]
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"'}
    return ZipResponse(zipped(history, entries), headers=headers)


@router.get("/{id}.png", response_class=PngResponse)
def picture(request: Request, id: str) -> PngResponse:
    """Return a picture."""
    png = studio_of(request).history.png(checked_id(id, "picture"))
    return PngResponse(png, headers=FOREVER)


@router.get("/{id}")
def entry(request: Request, id: str) -> dict[str, Any]:
    """Return what is known of a picture."""
    return studio_of(request).history.entry(checked_id(id, "picture")).as_dict()


@router.post("/{id}", openapi_extra=takes(Mark))
async def mark(request: Request, id: str) -> dict[str, Any]:
    """Mark a picture as a favourite, or take the mark away."""
    asked: Mark = validated(Mark, await json_of(request))
    history = studio_of(request).history
    entry = await asyncio.to_thread(history.mark, checked_id(id, "picture"), asked.favourite)
    return entry.as_dict()
