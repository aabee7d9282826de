"""`/api/models`, `/api/jobs` and the events of jobs: everything that the service can do."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ddpm_clip.errors import UsageError
from ddpm_clip.server.http.bodies import json_of
from ddpm_clip.server.http.streams import HEADERS, sse
from ddpm_clip.server.service.jobs import Job
from ddpm_clip.server.service.service import Service

router = APIRouter(prefix="/api")


def service_of(request: Request) -> Service:
    """Return the service of the application."""
    service: Service = request.app.state.service
    return service


def owner_of(request: Request) -> str:
    """Return who calls, as the guard found out."""
    owner: str = request.state.owner
    return owner


@router.get("/models")
async def models(request: Request) -> dict[str, Any]:
    """List the models, with what a client needs to offer their settings."""
    known = service_of(request).models
    facts = [await asyncio.to_thread(known.facts, id) for id in known.ids]
    return {"models": facts, "default": known.default}


@router.post("/jobs", status_code=202)
async def submit(request: Request) -> JSONResponse:
    """Queue a job: its `kind`, its `model`, and the fields of the kind."""
    fields, service = await json_of(request), service_of(request)
    kind, model = fields.pop("kind", "paint"), fields.pop("model", None)
    replaces = fields.pop("replaces", None)
    if not isinstance(kind, str):
        raise UsageError("kind is not a string", "it names what to do", "such as paint")
    job: Job = await asyncio.to_thread(
        service.submit, kind, fields, owner_of(request), model=model, replaces=replaces
    )
    told = {"id": job.id, "position": service.describe(job)["position"] or 0}
    return JSONResponse(told, 202, {"Location": f"/api/jobs/{job.id}"})


@router.get("/jobs/{id}")
async def job(request: Request, id: str) -> dict[str, Any]:
    """Return the state of a job, and its result once it is done."""
    service = service_of(request)
    return service.describe(service.job(id, owner_of(request)))


@router.delete("/jobs/{id}", status_code=204)
async def cancel(request: Request, id: str) -> Response:
    """Cancel a job; its computing stops before the next sampling step."""
    service_of(request).cancel(id, owner_of(request))
    return Response(status_code=204)


@router.get("/jobs/{id}/events")
async def events(request: Request, id: str) -> StreamingResponse:
    """Follow a job by server-sent events; `Last-Event-ID` continues where a client was."""
    found = service_of(request).job(id, owner_of(request))
    last = request.headers.get("last-event-id", "0")
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    return StreamingResponse(sse(found, since), media_type="text/event-stream", headers=HEADERS)
