"""Finished pictures in the form of the Images API: base64 or URL, PNG, JPEG or WebP."""

import base64
import io
import time
from typing import Any

from fastapi import Request
from PIL import Image

from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.http.openai.fields import Form, ImageFields
from ddpm_clip.server.service.jobs import Job

USAGE = {
    "input_tokens": 0,
    "output_tokens": 0,
    "total_tokens": 0,
    "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
}
"""Nothing is billed; clients expect the field."""

QUALITY = 90
"""Of JPEG and WebP, if none is asked for."""


def response_of(request: Request, job: Job, fields: ImageFields) -> dict[str, Any]:
    """Return the body of the response for a finished job."""
    assert job.result is not None
    pictures = job.result["pictures"]
    return {
        "created": int(time.time()),
        "data": [entry(request, one, fields) for one in pictures],
        "output_format": fields.form,
        "size": size_of(pictures[0]),
        "background": "opaque",
        "quality": "auto",
        "usage": USAGE,
        "warnings": warnings_of(job),
    }


def entry(request: Request, picture: dict[str, Any], fields: ImageFields) -> dict[str, Any]:
    """Return one picture, with the seed that paints it again."""
    told = {"seed": picture["seed"]}
    if fields.response_format == "url":
        return {"url": f"{request.url.scheme}://{request.url.netloc}{picture['url']}"} | told
    png = service_of(request).pictures.get(picture["id"], owner_of(request)).data
    return {"b64_json": in_base64(png, fields.form, fields.output_compression)} | told


def in_base64(png: bytes, form: Form, quality: int | None = None) -> str:
    """Return a PNG of ours in another format, as base64; a PNG keeps its parameters."""
    data = png
    if form != "png":
        buffer = io.BytesIO()
        Image.open(io.BytesIO(png)).save(
            buffer, form, quality=QUALITY if quality is None else quality
        )
        data = buffer.getvalue()
    return base64.b64encode(data).decode("ascii")


def size_of(picture: dict[str, Any]) -> str:
    """Return WIDTHxHEIGHT."""
    return f"{picture['width']}x{picture['height']}"


def warnings_of(job: Job) -> list[str]:
    """Return what the job warned of, such as a prompt that its embedder cuts."""
    told = [one.event.data["message"] for one in job.events() if one.event.name == "warning"]
    return list(dict.fromkeys(told))
