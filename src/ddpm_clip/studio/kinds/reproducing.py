"""The kind `reproduce`: a picture painted again from what it records, and compared."""

from collections.abc import Generator
from functools import partial

from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.kind import Context, JobKind, Result
from ddpm_clip.studio.kinds.origins import Origins
from ddpm_clip.studio.kinds.painting_again import AgainRequest, checked, repainted, steps_of


def reproduce_kind(origins: Origins) -> JobKind:
    """Return the kind."""
    return JobKind(AgainRequest, partial(reproduce, origins), checked)


def reproduce(
    origins: Origins, context: Context, request: AgainRequest
) -> Generator[Event, None, Result]:
    """Paint a picture again; return it, how much it differs, and what may be the cause."""
    work = repainted(context, request, origins.of(request.picture), context.tti)
    found = yield from steps_of(work)
    (picture,) = context.keep([found.painted], found.settings)
    compared = found.comparison
    return {
        "picture": picture,
        "equal": compared.equal,
        "differing": compared.different,
        "pixels": compared.pixels,
        "largest": compared.largest,
        "psnr": compared.psnr,
        "notes": found.notes,
    }
