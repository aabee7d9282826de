"""The fields of the Images API and ours, as fields of a job.

Ours come flat, as `extra_body` of the client sends them. Known fields of the API that mean nothing
here are accepted and ignored; unknown ones are refused, with the one that may have been meant.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ddpm_clip.errors import UsageError
from ddpm_clip.server.service.fields import JobRequest, Number, Seed, Text, Whole
from ddpm_clip.server.service.limits import MOST_PICTURES

Form = Literal["png", "jpeg", "webp"]

IGNORED = "ignored"
"""Description of fields that mean nothing here."""


class ImageFields(JobRequest):
    """What generations, edits and variations have in common."""

    model: str | None = Field(None, description="an id of /v1/models; default: the first")
    n: Annotated[int, Whole("n", MOST_PICTURES)] | None = Field(1, description="number of pictures")
    size: str | None = Field("auto", description="auto, or WIDTHxHEIGHT of the model's pictures")
    response_format: Literal["b64_json", "url"] | None = Field(
        "b64_json", description="url gives PNGs that are kept for an hour"
    )
    output_format: Form | None = Field("png", description="of b64_json")
    output_compression: int | None = Field(
        None, ge=0, le=100, description="quality of jpeg and webp"
    )
    stream: bool | None = Field(False, description="send server-sent events")
    partial_images: int | None = Field(
        0, ge=0, le=3, description="how many pictures on the way a stream shows"
    )
    seed: Seed = Field(
        -1, description="seed of the first picture, the next has seed + 1; -1 chooses one at random"
    )
    steps: Annotated[int, Whole("steps")] | None = Field(None, description="sampling steps")
    num_inference_steps: Annotated[int, Whole("steps")] | None = Field(
        None, description="another name of steps"
    )
    guidance_scale: Annotated[float, Number("guidance")] | None = Field(
        None, description="guidance scale s = 1 + w; 1 is off"
    )
    w: Annotated[float, Number("w")] | None = Field(
        None, description="guidance as weight w = scale - 1"
    )
    negative_prompt: Annotated[str, Text("negative_prompt", later=True)] | None = Field(
        None, description="what to steer away from"
    )
    sampler: str | None = Field(None, description="sampler; default: the model's")
    bridge: str | None = Field(None, description="text-to-image bridge; default: the model's")
    user: str | None = Field(None, description=IGNORED)
    quality: str | None = Field(None, description=IGNORED)
    style: str | None = Field(None, description=IGNORED)
    background: str | None = Field(None, description=IGNORED)
    moderation: str | None = Field(None, description=IGNORED)
    input_fidelity: str | None = Field(None, description=IGNORED)
    safety_identifier: str | None = Field(None, description=IGNORED)

    def job(self) -> dict[str, Any]:
        """Return the fields of the job.

        Raises:
            UsageError: Two fields say the same thing in different ways.
        """
        steps = _one(steps=self.steps, num_inference_steps=self.num_inference_steps)
        weight = None if self.w is None else 1.0 + self.w
        given = {
            "n": self.n,
            "size": self.size,
            "seed": self.seed,
            "steps": steps,
            "guidance": _one(guidance_scale=self.guidance_scale, w=weight),
            "negative": self.negative_prompt,
            "sampler": self.sampler,
            "bridge": self.bridge,
        }
        return {name: value for name, value in given.items() if value is not None}

    def check_output(self) -> None:
        """Raise a `UsageError` if the pictures cannot be sent as they are asked for."""
        if self.partial_images and not self.stream:
            raise UsageError(
                "partial_images without stream",
                "only a stream shows pictures on the way",
                "send stream: true",
                param="partial_images",
            )
        if self.response_format == "url" and (self.stream or self.output_format != "png"):
            raise UsageError(
                "response_format = url with this stream or output_format",
                "URLs are given for finished PNGs",
                "ask for b64_json",
                param="response_format",
            )

    @property
    def form(self) -> Form:
        """The file format of the pictures."""
        return self.output_format or "png"


class GenerationFields(ImageFields):
    """`/v1/images/generations`: pictures from a prompt."""

    prompt: Annotated[str, Text(later=True)] | None = Field(None, description="what to paint")
    unconditional: bool = Field(False, description="paint without a prompt")

    def job(self) -> dict[str, Any]:
        """Return the fields of a job of kind `paint`."""
        given = {} if self.prompt is None else {"prompt": self.prompt}
        return super().job() | given | {"unconditional": self.unconditional}


class EditFields(GenerationFields):
    """`/v1/images/edits`: repaint the masked part of a picture."""

    rounds: Annotated[int, Whole("rounds", 20)] | None = Field(
        5, description="how often each step is taken: more fits better, costs more"
    )

    def job(self) -> dict[str, Any]:
        """Return the fields of a job of kind `inpaint`, without its pictures."""
        return super().job() | ({} if self.rounds is None else {"rounds": self.rounds})


class VariationFields(ImageFields):
    """`/v1/images/variations`: variations of a picture."""

    strength: Annotated[float, Number("strength")] | None = Field(
        0.0, description="how far a variation may depart from the picture"
    )

    def job(self) -> dict[str, Any]:
        """Return the fields of a job of kind `vary`, without its picture."""
        return super().job() | ({} if self.strength is None else {"strength": self.strength})


def _one(**given: Any) -> Any:
    """Return the value of two names of one thing; None if neither is given."""
    values = {name: value for name, value in given.items() if value is not None}
    if len(values) > 1:
        first, second = values
        raise UsageError(
            f"{first} and {second} are both given",
            "they mean the same",
            "give only one of them",
            param=second,
        )
    return next(iter(values.values()), None)
