"""`generate`: words on the command line to PNG files.

Reads the options as text; what their values may be is judged by the library's `Settings`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import (
    Bridge,
    ClipGuidance,
    ClipGuide,
    ClipTravel,
    Count,
    Device,
    Guidance,
    Model,
    Negative,
    NoMetadata,
    Out,
    Sampler,
    Seed,
    Size,
    Steps,
    Unconditional,
    Weight,
    default_model,
    painting_overrides,
    used_prompts,
)
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.generation.files import PaintedFile

Prompts = Annotated[
    list[str] | None, typer.Argument(metavar="PROMPT...", help="What to paint.", show_default=False)
]
Gif = Annotated[bool, typer.Option("--gif", help="Write the denoising as a GIF.")]


def generate(
    prompts: Prompts = None,
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
    clip_guidance: ClipGuidance = None,
    clip_guide: ClipGuide = None,
    clip_travel: ClipTravel = None,
    size: Size = None,
    gif: Gif = False,
    out: Out = Path("outputs"),
    no_metadata: NoMetadata = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Paint pictures from words.

    ddpm-clip generate "a red rose" "a white daisy" -n 4 --seed 7
    ddpm-clip generate "a six" --model digits --guidance 1,2,4 --out six.png

    Writes a PNG a picture and a grid, and prints the pictures' paths. Picture j of every prompt
    has seed S + j and looks the same whatever else is painted beside it.
    """
    overrides = painting_overrides(
        guidance,
        w,
        n=n,
        seed=seed,
        steps=steps,
        sampler=sampler,
        negative=negative,
        bridge=bridge,
        clip_guidance=clip_guidance,
        clip_guide=clip_guide,
        clip_travel=clip_travel,
        size=size,
    )
    wordless = unconditional and not clip_guidance
    if prompts and wordless:
        raise UsageError(
            "prompts and --unconditional are both given",
            "no words would be used",
            "give one of them, or --clip-guidance 1 as well",
        )
    asked = [] if wordless else used_prompts(prompts or [])
    painted = _paint(
        asked,
        overrides | {"unconditional": unconditional or None},
        model or default_model(),
        device,
        out,
        gif,
        not no_metadata,
    )
    if as_json:
        return console.result_json([one.as_dict() for one in painted])
    for one in painted:
        console.result(str(one.file))


def _paint(
    prompts: list[str],
    overrides: dict[str, Any],
    model: str,
    device: str,
    out: Path,
    gif: bool,
    metadata: bool,
) -> "list[PaintedFile]":
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import ProgressBars, follow
    from ddpm_clip.generation.files import paint_files
    from ddpm_clip.generation.text_to_image import TextToImage

    tti = TextToImage.from_pretrained(model, device)
    settings = tti.settings(**overrides)
    if prompts and settings.wordless:
        raise UsageError(
            f"{model} paints without words, and a prompt is given",
            "it was trained without any condition",
            "--unconditional, or let a CLIP guide: --clip-guidance 1",
        )
    work = paint_files(tti, prompts, settings, out, gif=gif, metadata=metadata)
    with GracefulShutdown("leaving after this step") as shutdown, ProgressBars() as bars:
        return follow(work, bars, shutdown)
