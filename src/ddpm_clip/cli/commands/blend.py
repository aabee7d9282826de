"""`blend`: several ideas with weights, in one picture."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import (
    Bridge,
    Count,
    Device,
    Guidance,
    Model,
    Negative,
    NoMetadata,
    Out,
    Sampler,
    Seed,
    Steps,
    Weight,
    painting_overrides,
)

Parts = Annotated[
    list[str],
    typer.Argument(metavar="PART[:WEIGHT]...", help="Prompts, or pictures (.png, .jpg, …)."),
]


def blend(
    parts: Parts,
    model: Model = None,
    n: Count = None,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    w: Weight = None,
    sampler: Sampler = None,
    negative: Negative = None,
    bridge: Bridge = None,
    out: Out = Path("outputs"),
    no_metadata: NoMetadata = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint what lies between several prompts or pictures.

    ddpm-clip blend "a red rose:0.7" "a white daisy:0.3"
    ddpm-clip blend rose.png "a blue violet:0.5" "a tulip:-0.3"

    Only the proportions of the weights count, 1 where none is given; a negative one turns away.
    """
    from ddpm_clip.config.limits import checked_weights
    from ddpm_clip.editing import blend, read_idea
    from ddpm_clip.generation.files import sheet_of

    weighted = [part_of(part) for part in parts]
    checked_weights([weight for _, weight in weighted])
    overrides = painting_overrides(
        guidance, w, n=n, seed=seed, steps=steps, sampler=sampler, negative=negative, bridge=bridge
    )
    session = open_session(model, device, out, no_metadata, as_json, overrides)
    ideas = [(read_idea(text, session.tti.model), weight) for text, weight in weighted]
    session.finish(
        blend(session.tti, ideas, session.settings),
        lambda painted: sheet_of(painted, session.settings),
    )


def part_of(text: str) -> tuple[str, float]:
    """`a red rose:0.7` as its idea and its weight; what follows the colon must be a number."""
    idea, colon, weight = text.rpartition(":")
    try:
        return (idea, float(weight)) if colon else (text, 1.0)
    except ValueError:
        return text, 1.0
