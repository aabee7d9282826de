"""`img2img`: a picture on the command line, painted over under a prompt."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import MaybePrompt, PictureFile, asked_prompt, open_session
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
    Unconditional,
    Weight,
    painting_overrides,
)

Strength = Annotated[
    float,
    typer.Option(
        parser=typed_number, metavar="FLOAT", help="0 gives the picture back, 1 has never seen it."
    ),
]


def img2img(
    picture: PictureFile,
    prompt: MaybePrompt = None,
    strength: Strength = 0.6,
    model: Model = None,
    n: Count = None,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    w: Weight = None,
    sampler: Sampler = None,
    negative: Negative = None,
    bridge: Bridge = None,
    unconditional: Unconditional = False,
    out: Out = Path("outputs"),
    no_metadata: NoMetadata = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint over a picture.

    ddpm-clip img2img rose.png "a purple tulip" --strength 0.6

    The picture is noised part of the way and walked back under the prompt: coarse things stay,
    fine ones follow the prompt, and the more so the higher the strength.
    """
    from ddpm_clip.config.limits import checked_strength
    from ddpm_clip.editing import beside, img2img, open_picture

    checked_strength(strength)
    overrides = painting_overrides(
        guidance,
        w,
        n=n,
        seed=seed,
        steps=steps,
        sampler=sampler,
        negative=negative,
        bridge=bridge,
        unconditional=unconditional or None,
    )
    asked = asked_prompt(prompt, unconditional)
    session = open_session(model, device, out, no_metadata, as_json, overrides)
    given = open_picture(picture, session.tti.model)
    work = img2img(session.tti, given, asked, session.settings, strength=strength)
    session.finish(work, lambda painted: beside(given, painted))
