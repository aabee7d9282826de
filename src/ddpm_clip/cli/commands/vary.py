"""`vary`: a picture on the command line to others of its kind."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import PictureFile, open_session
from ddpm_clip.cli.options import AsJson, typed_number
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

Strength = Annotated[
    float,
    typer.Option(
        parser=typed_number,
        metavar="FLOAT",
        help="0 keeps to the picture's embedding, 1 strays the farthest.",
    ),
]


def vary(
    picture: PictureFile,
    strength: Strength = 0.0,
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
    """Paint variations of a picture.

    ddpm-clip vary rose.png -n 8 --seed 7
    ddpm-clip vary six.png --model digits --strength 0.5 --out sixes

    What the model's CLIP sees in the picture stays; all else is drawn anew. Needs a model whose
    embedder looks at pictures.
    """
    from ddpm_clip.config.limits import checked_strength
    from ddpm_clip.editing import beside, open_picture, vary

    checked_strength(strength)
    overrides = painting_overrides(
        guidance, w, n=n, seed=seed, steps=steps, sampler=sampler, negative=negative, bridge=bridge
    )
    session = open_session(model, device, out, no_metadata, as_json, overrides)
    given = open_picture(picture, session.tti.model)
    work = vary(session.tti, given, session.settings, strength=strength)
    session.finish(work, lambda painted: beside(given, painted))
