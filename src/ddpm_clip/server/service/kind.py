"""The interface of a kind of job, and what a running job may use.

A kind is one entry of a registry. Whoever adds one writes a request type and a generator; queue,
cancellation, errors and events come from the service.
"""

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddpm_clip.server.service.events import Event
from ddpm_clip.server.service.fields import JobRequest
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.pictures import PictureStore, StoredPicture

if TYPE_CHECKING:
    from ddpm_clip.generation.request import Painted
    from ddpm_clip.generation.settings import Settings
    from ddpm_clip.generation.text_to_image import TextToImage

COMPUTE = "compute"
"""The lane of kinds that compute with models."""

Result = dict[str, Any]
"""What a job returns: plain data, which JSON can hold."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a job may use. It holds nothing of HTTP.

    Attributes:
        models: All models of the service.
        model: Id of the model of this job.
        pictures: Painted and uploaded pictures.
        owner: Whose job it is.
    """

    models: Models
    model: str
    pictures: PictureStore
    owner: str

    @property
    def tti(self) -> "TextToImage":
        """The opened model; the worker alone may paint with it."""
        return self.models.opened(self.model)

    def settings(self, **overrides: Any) -> "Settings":
        """Return the model's settings with some replaced; needs no opened model.

        Raises:
            UsageError: A value is invalid.
        """
        return self.models.settings(self.model, **overrides)

    def picture(self, id: str) -> StoredPicture:
        """Return a picture that the owner painted or uploaded.

        Raises:
            MissingInput: There is none of this id.
        """
        return self.pictures.get(id, self.owner)

    def keep(self, painted: "Sequence[Painted]", settings: "Settings") -> list[dict[str, Any]]:
        """Store painted pictures as PNGs that record how they were painted; return their facts.

        The parameters are those of every picture of this package, so `reproduce` works on them.
        """
        from ddpm_clip.generation.parameters import parameters, texts_of
        from ddpm_clip.generation.picture_folder import encoded

        kept = []
        for one in painted:
            facts = parameters(one, self.tti.model, settings)
            png = encoded(one.image, texts_of(facts))
            kept.append(self.pictures.add(png, one.image.size, self.owner, facts).as_dict())
        return kept


@dataclass(frozen=True, slots=True)
class Member:
    """One job of a batch: what it may use, and what was asked."""

    context: Context
    request: Any


Run = Callable[[Context, Any], Generator[Event, None, Result]]
"""Does the work of one job. Between two yields it may be closed, if the job is cancelled."""

Told = Sequence[tuple[int, Event]]
"""Events of several jobs, each with the position of its job in the batch."""

RunTogether = Callable[[Sequence[Member]], Generator[Told, None, list[Result]]]
"""Does the work of several jobs, and returns one result per job."""


def unchanged(context: Context, request: Any) -> Any:
    """Accept every request of the right types."""
    return request


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job.

    Attributes:
        request: Its fields, with types and ranges.
        run: Does the work.
        check: Called when a job is submitted, in any thread: returns the request as it will be
            run, with random seeds chosen, or raises what is wrong with it. It must be quick, and
            must not need an opened model.
        key: Jobs of one model with equal keys may run together; None runs each alone.
        together: Does the work of several jobs with equal keys.
        pictures: How many pictures a request takes of a batch.
        lane: Which thread runs it. Kinds that compute share one; those that only wait for other
            processes have another lane, so that nobody waits for them.
    """

    request: type[JobRequest]
    run: Run
    check: Callable[[Context, Any], Any] = unchanged
    key: Callable[[Context, Any], Hashable | None] = lambda context, request: None
    together: RunTogether | None = None
    pictures: Callable[[Any], int] = lambda request: 1
    lane: str = COMPUTE
