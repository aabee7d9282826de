"""The edits that only the studio has: img2img, blend and interpolate."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ddpm_clip.errors import UsageError
from ddpm_clip.server.kinds.edits import picture_of
from ddpm_clip.server.kinds.following import followed
from ddpm_clip.server.kinds.paint import PaintingFields, check_prompt, with_seed
from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.fields import Identifier, JobRequest, Number, Prompt, Whole
from ddpm_clip.server.service.kind import Context, JobKind, Result

if TYPE_CHECKING:
    from ddpm_clip.editing import Idea
    from ddpm_clip.generation.text_to_image import TextToImage
    from ddpm_clip.server.kinds.following import Work

MOST_IDEAS, MOST_FRAMES = 8, 33

PictureId = Annotated[str, Identifier("picture")]


class Img2ImgRequest(PaintingFields):
    """Paint over a picture."""

    picture: PictureId = Field(description="a picture's id")
    prompt: Prompt | None = Field(None, description="what it should become")
    unconditional: bool = Field(False, description="paint without a prompt")
    strength: Annotated[float, Number("strength")] = Field(
        0.6, description="share of the sampling steps that is taken"
    )


class IdeaFields(JobRequest):
    """A prompt or a picture."""

    prompt: Prompt | None = None
    picture: PictureId | None = None


class WeightedIdea(IdeaFields):
    """A prompt or a picture with its weight."""

    weight: Annotated[float, Number("weights")] = 1.0


class BlendRequest(PaintingFields):
    """Paint several ideas together."""

    ideas: Annotated[list[WeightedIdea], Field(min_length=1, max_length=MOST_IDEAS)]


class InterpolateRequest(PaintingFields):
    """Paint the transition from one idea to another."""

    start: IdeaFields = Field(alias="from", description="where it begins")
    end: IdeaFields = Field(alias="to", description="where it ends")
    n: Annotated[int, Whole("frames", MOST_FRAMES)] = Field(
        9, description="number of pictures, both ends included"
    )

    def overrides(self) -> dict[str, Any]:
        """Return the settings that this request changes: all pictures share one seed."""
        return super().overrides() | {"n": 1}


def checked_img2img(context: Context, request: Img2ImgRequest) -> Any:
    """Return a request whose picture there is, which the model can do, with its seed chosen."""
    from ddpm_clip.generation.few_call import check_many_steps

    context.picture(request.picture)
    check_many_steps(context.models.config(context.model), "img2img")
    given = with_seed(context, request)
    check_prompt(context, given.prompt, given.unconditional)
    return given


def img2img(context: Context, request: Img2ImgRequest) -> Generator[Event, None, Result]:
    """Paint over a picture."""
    from ddpm_clip import editing

    settings, picture = (
        context.settings(**request.overrides()),
        picture_of(context, request.picture),
    )

    def work(tti: "TextToImage") -> "Work":
        return editing.img2img(tti, picture, request.prompt, settings, strength=request.strength)

    return (yield from followed(context, work, settings, request.preview))


def checked_blend(context: Context, request: BlendRequest) -> Any:
    """Return a request whose ideas can be painted, with its seed chosen."""
    _check_ideas(context, request.ideas)
    return with_seed(context, request)


def blend(context: Context, request: BlendRequest) -> Generator[Event, None, Result]:
    """Paint several ideas together."""
    from ddpm_clip import editing

    settings = context.settings(**request.overrides())
    parts = [(_idea(context, one), one.weight) for one in request.ideas]

    def work(tti: "TextToImage") -> "Work":
        return editing.blend(tti, parts, settings)

    return (yield from followed(context, work, settings, request.preview))


def checked_interpolate(context: Context, request: InterpolateRequest) -> Any:
    """Return a request whose ends can be painted, with its seed chosen."""
    _check_ideas(context, [request.start, request.end])
    return with_seed(context, request)


def interpolate(context: Context, request: InterpolateRequest) -> Generator[Event, None, Result]:
    """Paint the transition from one idea to another."""
    from ddpm_clip import editing

    settings = context.settings(**request.overrides())
    a, b = _idea(context, request.start), _idea(context, request.end)

    def work(tti: "TextToImage") -> "Work":
        return editing.interpolate(tti, a, b, settings, frames=request.n)

    return (yield from followed(context, work, settings, request.preview))


def _check_ideas(context: Context, ideas: Sequence[IdeaFields]) -> None:
    """Raise an error if one is neither a prompt nor a picture, or its picture is not there."""
    for idea in ideas:
        if (idea.prompt is None) == (idea.picture is None):
            raise UsageError(
                "an idea is a prompt or a picture",
                "both or neither are given",
                "give one of them",
                param="ideas",
            )
        if idea.picture is not None:
            context.picture(idea.picture)


def _idea(context: Context, idea: IdeaFields) -> "Idea":
    if idea.picture is not None:
        return picture_of(context, idea.picture)
    assert idea.prompt is not None, "checked when it was submitted"
    return idea.prompt


IMG2IMG = JobKind(Img2ImgRequest, img2img, checked_img2img, pictures=lambda one: one.n)
BLEND = JobKind(BlendRequest, blend, checked_blend, pictures=lambda one: one.n)
INTERPOLATE = JobKind(
    InterpolateRequest, interpolate, checked_interpolate, pictures=lambda one: one.n
)
