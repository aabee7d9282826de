"""`/api/sources`, `/api/uploads` and `/api/scan`: pictures to train on.

A client names a source by its random id. A zip is written to a file as it comes, within its quota,
then read in a child process; no name from it is kept.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.requests import ClientDisconnect

from ddpm_clip.server.http.bodies import body_of, check_type, json_of
from ddpm_clip.server.http.errors import HttpRefusal
from ddpm_clip.server.http.native import owner_of, service_of
from ddpm_clip.server.service.fields import Identifier, JobRequest, checked_id, validated
from ddpm_clip.studio.routes.described import takes, takes_files
from ddpm_clip.studio.sources.uploads import MIB
from ddpm_clip.studio.studio import studio_of

router = APIRouter(prefix="/api")

ZIP = "application/zip"
SECONDS = 600.0
"""Within this time a zip must have arrived."""


class Scan(JobRequest):
    """A source that is looked through."""

    source: Annotated[str, Identifier("source")]
    size: int = Field(32, ge=4, le=1024)


@router.get("/sources")
def sources(request: Request) -> dict[str, Any]:
    """List what can be trained on: uploads, and what is below the folders of `--data`."""
    return {"sources": [one.as_dict() for one in studio_of(request).sources.listed()]}


@router.post("/uploads", status_code=201, openapi_extra=takes_files(ZIP, "image/png", "image/jpeg"))
async def upload(request: Request, folder: str | None = None) -> dict[str, Any]:
    """Upload a zip of pictures, or one picture, perhaps to an earlier upload (`folder`)."""
    uploads = studio_of(request).sources.uploads
    if check_type(request, ZIP, "image/") == ZIP:
        path = uploads.new_zip()
        try:
            await _written(request, path, uploads.quota.zip_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return await asyncio.to_thread(uploads.unpack, path)
    earlier = None if folder is None else checked_id(folder, "folder")
    data = await body_of(request, uploads.quota.picture_bytes)
    return (await asyncio.to_thread(uploads.add, data, earlier)).as_dict()


@router.delete("/uploads/{id}", status_code=204)
def delete(request: Request, id: str) -> Response:
    """Delete an upload."""
    studio_of(request).sources.uploads.delete(checked_id(id, "upload"))
    return Response(status_code=204)


@router.post("/scan", status_code=202, openapi_extra=takes(Scan))
async def scan(request: Request) -> JSONResponse:
    """Look through a source, as a job of the kind `scan`."""
    asked: Scan = validated(Scan, await json_of(request))
    service, fields = service_of(request), asked.model_dump()
    job = await asyncio.to_thread(service.submit, "scan", fields, owner_of(request))
    told = {"id": job.id, "position": service.describe(job)["position"] or 0}
    return JSONResponse(told, 202, {"Location": f"/api/jobs/{job.id}"})


async def _written(request: Request, path: Path, most: int) -> None:
    """Write the body of a request to a file.

    Raises:
        HttpRefusal: It is larger than `most` bytes, or does not arrive in time.
    """
    size = 0
    try:
        async with asyncio.timeout(SECONDS):
            with open(path, "xb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise _too_large(most)
                    await asyncio.to_thread(file.write, part)
    except TimeoutError:
        why = f"it took longer than {SECONDS:g} seconds"
        raise HttpRefusal(408, "E-SLOW", "the zip did not arrive in time", why) from None
    except ClientDisconnect:
        raise HttpRefusal(400, "E-GONE", "the client has gone") from None


def _too_large(most: int) -> HttpRefusal:
    return HttpRefusal(
        413,
        "E-BODY",
        "the zip is too large",
        f"it may have {most // MIB:,} MiB",
        "start the studio with --data FOLDER for more",
        {"Connection": "close"},
    )
