"""The kind `scan`: pictures to train on are looked through for what may harm a training.

Pictures are decoded in child processes, so it runs beside the jobs that compute.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.server.service.events import Event, step
from ddpm_clip.server.service.fields import Identifier, JobRequest
from ddpm_clip.server.service.kind import Context, JobKind, Result
from ddpm_clip.studio.sources.opening import Sources

if TYPE_CHECKING:
    from ddpm_clip.data.checkup.findings import Finding
    from ddpm_clip.data.checkup.scanning import Scanned

LANE = "decode"
"""The worker of this kind."""

EVERY = 20
"""Pictures between two events."""

MOST_BAD = 0.5
"""Share of unusable pictures up to which a source is reported on."""

SHOWN, EXAMPLES = 20, 5
"""Most pictures that are named as unusable, and for one finding."""


class ScanRequest(JobRequest):
    """Look through a source of pictures."""

    source: Annotated[str, Identifier("source")] = Field(description="id of a source")
    size: int = Field(32, ge=4, le=1024, description="side of the training pictures")


@dataclass(frozen=True, slots=True)
class Checks:
    """The kind, with what can be trained on."""

    sources: Sources

    def kind(self) -> JobKind:
        """Return the kind."""
        return JobKind(ScanRequest, self.scan, self.checked, lane=LANE)

    def checked(self, context: Context, request: ScanRequest) -> ScanRequest:
        """Return the request; raises a `MissingInput` if there is no such source."""
        self.sources.place(request.source)
        return request

    def scan(self, context: Context, request: ScanRequest) -> Generator[Event, None, Result]:
        """Decode every picture of a source and say what may harm a training."""
        from ddpm_clip.data.checkup.scanning import look_through
        from ddpm_clip.data.sources import open_source

        place, name = self.sources.place(request.source), self.sources.name(request.source)
        try:
            work = look_through(open_source(place), MOST_BAD, request.size)
            scanned = yield from _followed(work)
        except DdpmClipError as error:
            error.what = error.what.replace(place, name)
            raise
        return _told(scanned, name)


def _told(scanned: "Scanned", name: str) -> dict[str, Any]:
    """Return a report in which each finding is a title and a text."""
    from ddpm_clip.data.pictures.left_out import left_out_of

    report = scanned.as_dict()
    sizes = ", ".join(f"{size} ({n:,})" for size, n in report["common_sizes"].items())
    usable = {
        "level": "ok",
        "title": f"{report['usable']:,} of {report['pictures']:,} pictures are usable",
        "text": f"Sides from {report['smallest_side']} to {report['largest_side']} pixels; "
        f"mostly {sizes}.",
    }
    left_out = [
        {"level": "note", "title": "Left out", "text": line}
        for line in left_out_of(scanned.source).lines()
    ]
    bad = [
        {"level": "warning", "title": "A picture that cannot be used", "text": str(one)}
        for one in scanned.bad[:SHOWN]
    ]
    facts = ("pictures", "usable", "smallest_side", "largest_side", "classes")
    return {
        **{key: report[key] for key in facts},
        "source": name,
        "unusable": len(scanned.bad),
        "findings": [usable, *map(_finding, scanned.findings), *left_out, *bad],
    }


def _finding(one: "Finding") -> dict[str, Any]:
    some = ", ".join(one.pictures[:EXAMPLES])
    more = f" and {one.number - EXAMPLES:,} more" if one.number > EXAMPLES else ""
    return {
        "level": "warning",
        "kind": one.kind,
        "title": f"{one.number:,} {one.what}",
        "text": f"{one.becomes} They are {some}{more}.",
    }


def _followed(work: Any) -> Generator[Event, None, Any]:
    """Tell of every twentieth picture; yield nothing else, but let the job be cancelled."""
    try:
        while True:
            progress = next(work)
            if progress.done % EVERY == 0 or progress.done == progress.total:
                yield step(progress.done, progress.total)
    except StopIteration as end:
        return end.value
    finally:
        work.close()
