"""Keeps what a job painted in the gallery, if the request says so.

Wraps a kind of job, whatever it paints: the service and the kind know nothing of the gallery. What
edited pictures were made from is noted as well.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field, create_model

from ddpm_clip.errors import MissingInput, StorageError
from ddpm_clip.server.service.events import Event, warning
from ddpm_clip.server.service.fields import JobRequest
from ddpm_clip.server.service.kind import Context, JobKind, Member, Result, Told
from ddpm_clip.studio.gallery.history import History
from ddpm_clip.studio.kinds.origins import Origins

KEEP = Field(False, description="keep the pictures in the gallery")


def with_keep_field(kind: JobKind, history: History, origins: Origins) -> JobKind:
    """Return a kind whose requests have a field `keep`, and whose pictures are kept if it is set.

    Each picture of the result then has the id of its copy in the gallery, as `gallery`.
    """
    wider = _with_field(kind.request)

    def run(context: Context, request: Any) -> Generator[Event, None, Result]:
        result = yield from kind.run(context, request)
        return (yield from _kept(context, request, result, history, origins))

    def together(members: Sequence[Member]) -> Generator[Told, None, list[Result]]:
        assert kind.together is not None
        results = yield from kind.together(members)
        for i, member in enumerate(members):
            work = _kept(member.context, member.request, results[i], history, origins)
            for event in work:
                yield [(i, event)]
        return results

    alone = kind.together is None
    return replace(kind, request=wider, run=run, together=None if alone else together)


def _with_field(request: type[JobRequest]) -> type[JobRequest]:
    """Return a type of requests that has the field as well, under the same name."""
    fields: Any = {"keep": (bool, KEEP)}
    return create_model(request.__name__, __base__=request, __doc__=request.__doc__, **fields)


def _kept(
    context: Context, request: Any, result: Result, history: History, origins: Origins
) -> Generator[Event, None, Result]:
    """Add a result's pictures to the gallery, and their ids there to the result."""
    origins.note(request, [one["id"] for one in result["pictures"]])
    pictures = result["pictures"] if request.keep else []
    try:
        stored = [context.picture(one["id"]) for one in pictures]
        entries = history.add([(one.data, one.facts) for one in stored])
    except (StorageError, MissingInput) as error:  # the pictures are painted, and are shown
        yield warning(f"not kept in the gallery: {error.what}, {error.why}")
        return result
    for picture, entry in zip(pictures, entries, strict=True):
        picture["gallery"] = entry.id
    origins.note(request, [entry.id for entry in entries])
    return result
