"""The kinds `vary`, `sample` and `inpaint`; `studio` has more edits.

The OpenAI API has the first and the last as well.
"""

import io
from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated

from PIL import Image
from pydantic import Field

from ddpm_clip.server.kinds.following import followed
from ddpm_clip.server.kinds.paint import PaintingFields, check_prompt, with_seed
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.fields import Identifier, Number, Prompt, Whole
from ddpm_clip.server.service.kind import Context, JobKind, Result

if TYPE_CHECKING:
    from ddpm_clip.editing.pictures import Picture


class VaryRequest(PaintingFields):
    """Paint variations of a picture."""

    picture: Annotated[str, Identifier("picture")] = Field(description="a picture's id")
    strength: Annotated[float, Number("strength")] = Field(
        0.0, description="how far a variation may depart from the picture"
    )


class SampleRequest(PaintingFields):
    """Paint pictures like those the model learned from, without words."""


class InpaintRequest(PaintingFields):
    """Repaint part of a picture."""

    picture: Annotated[str, Identifier("picture")] = Field(description="a picture's id")
    mask: Annotated[str, Identifier("mask")] = Field(
        description="id of a picture of the same size, white where to paint"
    )
    prompt: Prompt | None = Field(None, description="what the picture should show")
    unconditional: bool = Field(False, description="paint without a prompt")
    rounds: Annotated[int, Whole("rounds", 20)] = Field(
        5, description="how often each step is taken: more fits better, costs more"
    )


def pixels(context: Context, id: str) -> Image.Image:
    """Return a stored picture; its bytes are ours."""
    return Image.open(io.BytesIO(context.picture(id).data))


def picture_of(context: Context, id: str) -> "Picture":
    """Return a stored picture, prepared for the model."""
    from ddpm_clip.editing.pictures import open_picture

    return open_picture(pixels(context, id), context.tti.model)


def checked_vary(context: Context, request: VaryRequest) -> VaryRequest:
    """Return a request whose picture there is, with its seed chosen."""
    context.picture(request.picture)
    given: VaryRequest = with_seed(context, request)
    return given


def vary(context: Context, request: VaryRequest) -> Generator[Event, None, Result]:
    """Paint variations of a picture."""
    from ddpm_clip.editing.variation import vary as variations

    settings = context.settings(**request.overrides())
    picture = picture_of(context, request.picture)
    return (
        yield from followed(
            context,
            lambda tti: variations(tti, picture, settings, strength=request.strength),
            settings,
            request.preview,
        )
    )


def sample(context: Context, request: SampleRequest) -> Generator[Event, None, Result]:
    """Paint pictures like those the model learned from."""
    from ddpm_clip.editing.variation import sample as samples

    settings = context.settings(**request.overrides())
    return (
        yield from followed(context, lambda tti: samples(tti, settings), settings, request.preview)
    )


def checked_inpaint(context: Context, request: InpaintRequest) -> InpaintRequest:
    """Return a request whose pictures there are, which the model can do, with its seed chosen."""
    from ddpm_clip.generation.few_call import check_many_steps

    for id in (request.picture, request.mask):
        context.picture(id)
    check_many_steps(context.models.config(context.model), "inpaint")
    given: InpaintRequest = with_seed(context, request)
    check_prompt(context, given.prompt, given.unconditional)
    return given


def inpaint(context: Context, request: InpaintRequest) -> Generator[Event, None, Result]:
    """Repaint the white part of the mask."""
    from ddpm_clip.editing.inpainting import inpaint as repaint
    from ddpm_clip.editing.pictures import open_mask

    settings = context.settings(**request.overrides())
    picture = picture_of(context, request.picture)
    paint = open_mask(pixels(context, request.mask), picture, context.tti.model)
    return (
        yield from followed(
            context,
            lambda tti: repaint(
                tti, picture, paint, request.prompt, settings, rounds=request.rounds
            ),
            settings,
            request.preview,
        )
    )


VARY = JobKind(VaryRequest, vary, checked_vary)
SAMPLE = JobKind(SampleRequest, sample, with_seed)
INPAINT = JobKind(InpaintRequest, inpaint, checked_inpaint)
