"""The kind `paint`: pictures from words; requests with the same settings share a batch.

A picture depends on its own prompt, seed and guidance, not on the others of its batch, up to the
last bits of its numbers (docs/server.md says how much that is).
"""

import time
from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ddpm_clip.errors import UsageError
from ddpm_clip.server.kinds.following import NewestStep, is_due
from ddpm_clip.server.service.events import Event, step, warning
from ddpm_clip.server.service.fields import JobRequest, Number, Prompt, Seed, Text, Whole
from ddpm_clip.server.service.kind import Context, JobKind, Member, Result, Told
from ddpm_clip.server.service.limits import MOST_PICTURES
from ddpm_clip.server.service.warned import collected_warnings

if TYPE_CHECKING:
    from ddpm_clip.generation.request import GenerationRequest, Painted
    from ddpm_clip.generation.settings import Settings


class PaintingFields(JobRequest):
    """The fields that every kind of painting has."""

    n: Annotated[int, Whole("n", MOST_PICTURES)] = Field(1, description="number of pictures")
    seed: Seed = Field(
        -1, description="seed of the first picture, the next has seed + 1; -1 chooses one at random"
    )
    steps: Annotated[int, Whole("steps")] | None = Field(
        None, description="sampling steps; default: the model's"
    )
    guidance: Annotated[float, Number("guidance")] | None = Field(
        None, description="guidance scale s = 1 + w; default: the model's"
    )
    sampler: str | None = Field(None, description="sampler; default: the model's")
    bridge: str | None = Field(None, description="text-to-image bridge; default: the model's")
    negative: Annotated[str, Text("negative")] | None = Field(
        None, description="what to steer away from"
    )
    size: str | None = Field(None, description="auto, or WIDTHxHEIGHT of the model's pictures")
    preview: int = Field(
        0, ge=0, le=1000, description="previews of every so many steps; 0 sends none"
    )

    def overrides(self) -> dict[str, Any]:
        """Return the settings that this request changes."""
        names = ("n", "seed", "steps", "guidance", "sampler", "bridge", "negative", "size")
        given = {name: getattr(self, name) for name in names}
        return given | {"unconditional": getattr(self, "unconditional", False) or None}


class PaintRequest(PaintingFields):
    """Paint pictures of a prompt."""

    prompt: Prompt | None = Field(None, description="what to paint")
    unconditional: bool = Field(False, description="paint without a prompt")


def with_seed(context: Context, request: Any) -> Any:
    """Return a request of painting with its random seed chosen, its settings validated.

    Raises:
        UsageError: A setting is invalid, or the model cannot do it.
    """
    settings = context.settings(**request.overrides())
    return request.model_copy(update={"seed": settings.seed})


def checked(context: Context, request: PaintRequest) -> PaintRequest:
    """Return a request that can be painted.

    Raises:
        UsageError: It cannot.
    """
    given = with_seed(context, request)
    check_prompt(context, given.prompt, given.unconditional)
    return given


def check_prompt(context: Context, prompt: str | None, unconditional: bool) -> None:
    """Raise a `UsageError` unless there is a prompt, or painting is to be without one."""
    if prompt is None and not unconditional:
        raise UsageError(
            "there is no prompt",
            "nothing says what to paint",
            "say what to paint, or send unconditional: true",
            param="prompt",
        )
    if prompt is not None and unconditional:
        raise UsageError(
            "prompt and unconditional are both given",
            "no prompt would be used",
            "give only one of them",
            param="unconditional",
        )
    if prompt is not None and context.settings().wordless:
        raise UsageError(
            f"{context.model} is unconditional, but a prompt is given",
            "it was trained without any condition",
            "send unconditional: true without a prompt",
            param="prompt",
        )


def key(context: Context, request: PaintRequest) -> Hashable | None:
    """Return the settings that all pictures of a batch share; None to paint alone."""
    settings = context.settings(**request.overrides())
    if settings.clip_guidance > 0:  # its random views are drawn for a batch
        return None
    return replace(settings, n=1, seed=0, guidance=(1.0,))


@dataclass(frozen=True, slots=True)
class Share:
    """What one job has of a batch: its requests, at which places, and how it is followed."""

    member: Member
    settings: "Settings"
    requests: "list[GenerationRequest]"
    first: int

    @property
    def places(self) -> slice:
        """Where its pictures are in the batch."""
        return slice(self.first, self.first + len(self.requests))

    def warnings(self) -> list[str]:
        """Return what is to be said about the prompt."""
        with collected_warnings() as messages:
            self.member.context.tti.warn(self.requests[:1], self.settings)
        return messages

    def step(self, number: int, of: int, newest: NewestStep) -> Event:
        """Return the event of a finished step."""
        due = is_due(number, of, self.member.request.preview)
        return step(number, of, newest.previews(self.places) if due else ())

    def result(self, painted: "Sequence[Painted]", settings: "Settings", began: float) -> Result:
        """Keep the finished pictures."""
        own = painted[self.places]
        seconds = round(time.monotonic() - began, 4)
        return {"pictures": self.member.context.keep(own, settings), "seconds": seconds}


def shares_of(members: Sequence[Member]) -> list[Share]:
    """Return the share of each job."""
    from ddpm_clip.generation.request import requests_for

    shares, first = list[Share](), 0
    for member in members:
        settings = member.context.settings(**member.request.overrides())
        requests = requests_for(member.request.prompt, settings)
        shares.append(Share(member, settings, requests, first))
        first += len(requests)
    return shares


def paint_together(members: Sequence[Member]) -> Generator[Told, None, list[Result]]:
    """Paint the pictures of several jobs as one batch."""
    began, newest, shares = time.monotonic(), NewestStep(), shares_of(members)
    requests = [request for share in shares for request in share.requests]
    settings = replace(shares[0].settings, batch=len(requests))
    for i, share in enumerate(shares):
        yield [(i, warning(message)) for message in share.warnings()]
    tti = members[0].context.tti.watched_by(newest.watch)
    work = tti.paint_requests(requests, settings)
    while True:
        with collected_warnings() as messages:
            try:
                progress = next(work)
            except StopIteration as end:
                return [share.result(end.value, settings, began) for share in shares]
        yield [(i, warning(message)) for i in range(len(shares)) for message in messages]
        done, total = progress.done, progress.total
        yield [(i, share.step(done, total, newest)) for i, share in enumerate(shares)]


def paint(context: Context, request: PaintRequest) -> Generator[Event, None, Result]:
    """Paint the pictures of one job."""
    work = paint_together([Member(context, request)])
    while True:
        try:
            told = next(work)
        except StopIteration as end:
            return dict(end.value[0])
        yield from (event for _, event in told)


PAINT = JobKind(PaintRequest, paint, checked, key, paint_together, lambda request: request.n)
