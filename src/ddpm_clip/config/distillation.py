"""What a distillation is made with, and what a few-call model is: the section `distillation`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ddpm_clip.config.limits import NUMBERS
from ddpm_clip.config.section import ConfigSection

_RANGE = NUMBERS["guidance"]
Scale = Annotated[float, Field(ge=_RANGE.low, le=_RANGE.high)]
Level = Annotated[float, Field(gt=0, le=1000)]


class DistillationConfig(ConfigSection):
    """A network that jumps from noise to pictures; written by `distill`, empty elsewhere."""

    levels: tuple[Level, ...] = Field(
        (), max_length=8, description="sigma of each network call; unset: not distilled"
    )
    teacher: str | None = Field(None, description="the model that was distilled")
    method: str = Field("trajectory", description="loss: trajectory or consistency")
    scales: tuple[Scale, Scale] = Field(
        (1.0, 4.0), description="range of the guidance scale, which is an input of the network"
    )
    own_scale: float = Field(
        0.5, ge=0, le=1, description="share of walks at the scale of generation.guidance"
    )
    unconditional: float = Field(0.05, ge=0, le=1, description="share of walks without a condition")
    texts: float = Field(
        0.5, ge=0, le=1, description="share of walks with a prompt; the others have a picture"
    )
    walks: int = Field(2560, ge=1, le=10**7, description="walks of the teacher that are recorded")
    walk_steps: int = Field(20, ge=2, le=1000, description="steps of a walk of the teacher")
    halving: float = Field(
        0.4, ge=0, lt=1, description="share of the training that makes twice as many jumps"
    )
    features: Literal["none", "clip"] = Field(
        "none", description="what else pictures are compared by: none, or clip (the model's own)"
    )
    feature_weight: float = Field(
        1.0, ge=0, le=1000, description="weight of that comparison in the loss"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "DistillationConfig":
        if any(low >= high for high, low in zip(self.levels, self.levels[1:], strict=False)):
            raise ValueError(f"levels = {list(self.levels)} must fall")
        if self.scales[0] > self.scales[1]:
            raise ValueError(f"scales = {list(self.scales)} must be a range, the lower first")
        return self

    @property
    def calls(self) -> int:
        """Network calls a picture; 0 for a model that was not distilled."""
        return len(self.levels)
