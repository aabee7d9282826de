"""`/v1/models`: the models that are served."""

import time
from typing import Any

from fastapi import APIRouter, Request

from ddpm_clip.server.http.native import service_of

router = APIRouter(prefix="/v1")

STARTED = int(time.time())


def described(id: str) -> dict[str, Any]:
    """Return a model in the form of the API."""
    return {"id": id, "object": "model", "created": STARTED, "owned_by": "ddpm_clip"}


@router.get("/models")
async def models(request: Request) -> dict[str, Any]:
    """List the models."""
    return {"object": "list", "data": list(map(described, service_of(request).models.ids))}


@router.get("/models/{id}")
async def model(request: Request, id: str) -> dict[str, Any]:
    """Return one model."""
    return described(service_of(request).models.checked(id))
