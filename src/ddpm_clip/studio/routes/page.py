"""`/` and `/static`: the page's own files, which are part of this package.

Only files that are there, with a type in the table, can be asked for: a path is looked up among
their names, never joined to a folder. Each has an ETag of its content.
"""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ddpm_clip.server.http.errors import HttpRefusal

router = APIRouter()

FOLDER = Path(__file__).resolve().parents[1] / "static"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served, by suffix."""

ASK = "no-cache"
"""A browser keeps files, and asks each time whether they are still the same."""


@router.get("/")
def index(request: Request) -> Response:
    """Return the page, with a session where no key is needed."""
    response = _answer(request, "index.html")
    request.app.state.access.give_session(response)
    return response


@router.get("/static/{path:path}")
def static(request: Request, path: str) -> Response:
    """Return a file of the page."""
    return _answer(request, path)


@cache
def names() -> dict[str, Path]:
    """Return the files of the page, by their names below the folder."""
    files = [path for path in FOLDER.rglob("*") if path.suffix in TYPES and not path.is_symlink()]
    return {path.relative_to(FOLDER).as_posix(): path for path in files}


def _answer(request: Request, name: str) -> Response:
    path = names().get(name)
    if path is None or not path.is_file():
        raise HttpRefusal(404, "E-HTTP-404", "there is no such file")
    data = path.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": ASK}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=TYPES[path.suffix], headers=headers)
