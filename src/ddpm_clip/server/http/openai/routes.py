"""`/v1/images/generations`, `edits` and `variations`."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image

from ddpm_clip.server.http.bodies import body_of, check_type, json_of
from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.http.openai.answers import response_of
from ddpm_clip.server.http.openai.fields import (
    EditFields,
    GenerationFields,
    ImageFields,
    VariationFields,
)
from ddpm_clip.server.http.openai.partials import preview_of, stream_of
from ddpm_clip.server.http.openai.repeats import Repeats, digest_of
from ddpm_clip.server.http.openai.uploads import FORM, Form, form_of, mask_of
from ddpm_clip.server.http.openai.waiting import finished
from ddpm_clip.server.http.pictures import decoded
from ddpm_clip.server.http.streams import HEADERS
from ddpm_clip.server.service.fields import validated
from ddpm_clip.server.service.jobs import Job

router = APIRouter(prefix="/v1/images")

Pictures = Callable[[Form], dict[str, Image.Image]]
"""Decodes the files of a form: fields of the job -> pictures."""


@router.post("/generations")
async def generations(request: Request) -> Response:
    """Paint pictures from a prompt."""
    form = Form(await json_of(request))
    return await answered(request, "paint", GenerationFields, form, lambda form: {})


@router.post("/edits")
async def edits(request: Request) -> Response:
    """Repaint the transparent part of a mask, or of the picture itself."""
    return await answered(request, "inpaint", EditFields, await read_form(request), to_edit)


@router.post("/variations")
async def variations(request: Request) -> Response:
    """Paint variations of a picture."""
    return await answered(request, "vary", VariationFields, await read_form(request), to_vary)


async def read_form(request: Request) -> Form:
    """Read a form within the limits of the server.

    Raises:
        HttpRefusal: It is none, too large, or too slow.
        UsageError: It is damaged.
    """
    check_type(request, FORM)
    return await form_of(request, await body_of(request, request.app.state.options.picture))


def to_edit(form: Form) -> dict[str, Image.Image]:
    """Return the picture and the mask of an edit."""
    picture = decoded(form.picture("image"), "image")
    return {"picture": picture, "mask": mask_of(form.files)}


def to_vary(form: Form) -> dict[str, Image.Image]:
    """Return the picture to vary."""
    return {"picture": decoded(form.picture("image"), "image")}


async def answered(
    request: Request, kind: str, fields: type[ImageFields], form: Form, pictures: Pictures
) -> Response:
    """Submit a job, or find that of the same request, and answer with its pictures.

    Args:
        request: The request.
        kind: The kind of the job.
        fields: Which fields the request may have.
        form: What it has.
        pictures: Decodes its files.
    """
    with service_of(request).place() as place:
        asked: ImageFields = await asyncio.to_thread(validated, fields, form.fields)
        asked.check_output()
        owner, key = owner_of(request), request.headers.get("idempotency-key")
        digest = digest_of(request.url.path, form.fields, form.files)
        repeats: Repeats = request.app.state.repeats
        async with repeats.lock(owner, key):
            job = repeats.find(owner, key, digest)
            if job is None:
                given = asked, form, pictures, place
                job = await asyncio.to_thread(submitted, request, kind, *given)
                repeats.keep(owner, key, digest, job)
    if asked.stream:
        name = "image_generation" if kind == "paint" else "image_edit"
        events = stream_of(request, job, asked, name)
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)
    await finished(request, job)
    return JSONResponse(await asyncio.to_thread(response_of, request, job, asked))


def submitted(
    request: Request, kind: str, asked: ImageFields, form: Form, pictures: Pictures, place: object
) -> Job:
    """Queue the job of a request, with its pictures under random names.

    Raises:
        DdpmClipError: The request cannot be fulfilled.
    """
    service, owner = service_of(request), owner_of(request)
    given = asked.job() | kept(request, pictures(form))
    model = service.models.checked(asked.model)
    if asked.partial_images:
        steps = given.get("steps") or service.models.config(model).generation.steps
        given["preview"] = preview_of(asked.partial_images, steps)
    awaited = bool(asked.partial_images)
    return service.submit(kind, given, owner, model=model, awaited=awaited, place=place)


def kept(request: Request, pictures: Mapping[str, Image.Image]) -> dict[str, Any]:
    """Keep pictures and return their ids."""
    from ddpm_clip.utils.visualization import encoded_png

    store, owner = service_of(request).pictures, owner_of(request)
    return {
        name: store.add(encoded_png(image), image.size, owner).id
        for name, image in pictures.items()
    }
