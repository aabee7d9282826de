"""The options of painting that a config stores and a request may override.

Each is declared here once, with its default, description and range. `schema.GenerationConfig` adds
the options that only training uses, `generation.settings.Settings` those that no config stores, and
the command line takes its help from here. Does not import pydantic, so that `--help` stays instant.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

from ddpm_clip.config.limits import NUMBERS, WHOLE, Range


@dataclass(frozen=True, slots=True)
class Option:
    """Metadata of a field: its description and, for a number, its range."""

    description: str
    range: Range | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Add the range to the schema of the field; pydantic calls this."""
        schema = handler(source)
        if self.range is None:
            return schema
        return schema | {"ge": self.range.low, "le": self.range.high}


GUIDANCE = Option("guidance scale s = 1 + w; 1 is off", NUMBERS["guidance"])
"""A config has one scale; a request may have several."""

Scale = Annotated[float, GUIDANCE]

USUAL_GUIDANCE = 2.0
"""Default of a config."""


@dataclass(frozen=True)
class PaintingOptions:
    """How to paint, except for the guidance scale."""

    interval: Annotated[
        tuple[float, float] | None, Option("sigma range of guidance; unset: all")
    ] = (0.15, 3.0)
    sampler: Annotated[
        str, Option("sampler: dpmpp_2m, dpmpp_2m_sde, ddim, heun, ddpm; consistency if distilled")
    ] = "dpmpp_2m"
    steps: Annotated[int, Option("sampling steps", WHOLE["steps"])] = 20
    clamp: Annotated[str, Option("clamping of x_0: none, static or dynamic")] = "static"
    rescale: Annotated[float, Option("CFG rescale; 0 is off", NUMBERS["rescale"])] = 0.0
    bounded: Annotated[
        bool, Option("keep words and guidance within what the pictures are like")
    ] = True
    unconditional: Annotated[bool, Option("paint without any condition")] = False
    clip_guidance: Annotated[
        float,
        Option("strength of CLIP guidance; 0 is off, 1 a good start", NUMBERS["clip_guidance"]),
    ] = 0.0
    clip_guide: Annotated[str | None, Option("model whose CLIP guides; default: its own")] = None
    clip_interval: Annotated[tuple[float, float], Option("sigma range of CLIP guidance")] = (
        0.5,
        20.0,
    )
    clip_travel: Annotated[
        int, Option("how often each guided step is repeated", WHOLE["clip_travel"])
    ] = 2
    clip_views: Annotated[int, Option("random views for the guiding CLIP", WHOLE["clip_views"])] = 8
    n: Annotated[int, Option("pictures per prompt", WHOLE["n"])] = 4
    seed: Annotated[
        int, Option("seed of the first picture; the next has seed + 1", WHOLE["seed"])
    ] = 0


OPTIONS: dict[str, Option] = {"guidance": GUIDANCE} | {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(PaintingOptions, include_extras=True).items()
}
"""Every option, by name."""

USUAL: dict[str, Any] = {"guidance": USUAL_GUIDANCE} | {
    field.name: field.default for field in fields(PaintingOptions)
}
"""Default of every option, which a model may replace by its own."""
