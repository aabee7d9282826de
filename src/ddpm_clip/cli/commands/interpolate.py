"""`interpolate`: the way from one idea to another, as a strip."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.edit_session import open_session
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import (
    WHOLE,
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

End = Annotated[str, typer.Argument(help="A prompt; or a picture, if it ends in .png, .jpg, …")]
Frames = Annotated[int, typer.Option(**WHOLE, help="Pictures on the way, the ends included.")]
Gif = Annotated[bool, typer.Option("--gif", help="Write the way there and back as a GIF.")]


def interpolate(
    a: End,
    b: End,
    frames: Frames = 9,
    model: Model = None,
    n: Count = 1,
    seed: Seed = None,
    steps: Steps = None,
    guidance: Guidance = None,
    w: Weight = None,
    sampler: Sampler = None,
    negative: Negative = None,
    bridge: Bridge = None,
    gif: Gif = False,
    out: Out = Path("outputs"),
    no_metadata: NoMetadata = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint the way from one prompt or picture to another.

    ddpm-clip interpolate "a red rose" "a blue violet" --gif
    ddpm-clip interpolate six.png "a nine" --model digits -n 3 --frames 7

    All pictures of a row share their noise; the first and the last are what `generate` paints.
    """
    from ddpm_clip.config.limits import checked_frames
    from ddpm_clip.editing import interpolate, morph, read_idea, strip

    checked_frames(frames)
    overrides = painting_overrides(
        guidance, w, n=n, seed=seed, steps=steps, sampler=sampler, negative=negative, bridge=bridge
    )
    session = open_session(model, device, out, no_metadata, as_json, overrides)
    first, last = read_idea(a, session.tti.model), read_idea(b, session.tti.model)
    work = interpolate(session.tti, first, last, session.settings, frames=frames)
    session.finish(work, strip, morph if gif else None)
