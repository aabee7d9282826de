"""The options of all commands that paint.

Descriptions come from `config/painting_options.py`. Imports nothing heavy, so `--help` is instant.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import typed_number
from ddpm_clip.config.painting_options import OPTIONS

DEFAULT_MODEL = "flowers"

WHOLE = {"parser": typed_number, "metavar": "INTEGER"}
"""A whole number. The library validates it, so that Python and commands give the same error."""

NUMBER = {"parser": typed_number, "metavar": "FLOAT"}
"""Any number, validated in the same way."""


def described(name: str, more: str = "") -> str:
    """Return an option's description as a sentence, with what only the command line adds."""
    text = OPTIONS[name].description + more
    return f"{text[0].upper()}{text[1:]}."


ModelArgument = Annotated[
    str, typer.Argument(metavar="RUN|MODEL", help="A run, a model's folder, or a shipped name.")
]
Model = Annotated[
    str | None, typer.Option(help="A shipped model, a run, or a packed model's folder.")
]
Count = Annotated[int | None, typer.Option("-n", help=described("n"), **WHOLE)]
Seed = Annotated[int | None, typer.Option(help=described("seed", "; -1: random"), **WHOLE)]
Steps = Annotated[int | None, typer.Option(help=described("steps"), **WHOLE)]
Guidance = Annotated[
    str | None,
    typer.Option(metavar="S[,S...]", help=described("guidance", "; several make a grid")),
]
OneGuidance = Annotated[str | None, typer.Option(metavar="S", help=described("guidance"))]
Weight = Annotated[
    str | None, typer.Option("--w", metavar="W[,W...]", help="Guidance as weight w = scale - 1.")
]
Sampler = Annotated[str | None, typer.Option(help=described("sampler"))]
Negative = Annotated[str | None, typer.Option(metavar="TEXT", help="What to steer away from.")]
Bridge = Annotated[
    str | None, typer.Option(help="Text-to-image bridge: shift, noise, knn, prior or identity.")
]
Unconditional = Annotated[bool, typer.Option("--unconditional", help=described("unconditional"))]
Unbounded = Annotated[
    bool, typer.Option("--unbounded", help="Let words and guidance lead out of the pictures.")
]
ClipGuidance = Annotated[
    float | None, typer.Option(help=described("clip_guidance"), **NUMBER | {"metavar": "S"})
]
ClipGuide = Annotated[str | None, typer.Option(metavar="MODEL", help=described("clip_guide"))]
ClipTravel = Annotated[
    int | None, typer.Option(help=described("clip_travel"), **WHOLE | {"metavar": "N"})
]
Size = Annotated[
    str | None, typer.Option(metavar="WxH", help="auto, or the size that the model paints.")
]
Out = Annotated[Path, typer.Option(help="A folder; or FILE.png for one picture or the grid.")]
NoMetadata = Annotated[
    bool, typer.Option("--no-metadata", help="Leave prompt and parameters out of the PNGs.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def painting_overrides(
    *, guidance: str | None = None, w: str | None = None, **overrides: Any
) -> dict[str, Any]:
    """Return validated overrides for `Settings.with_overrides`, from the command line.

    Invalid values are refused here, before a model is opened. For seed -1, a random seed is chosen
    here and printed.

    Raises:
        UsageError: A value is invalid.
    """
    from ddpm_clip.generation.settings import Settings

    overrides |= {"guidance": scales(guidance), "w": scales(w)}
    valid = Settings().with_overrides(**overrides)
    overrides |= {"negative": valid.negative}
    if overrides.get("seed") == -1:
        console.say(f"seed: {valid.seed}  (random)")
        overrides |= {"seed": valid.seed}
    return overrides


def used_prompts(typed: list[str]) -> list[str]:
    """Return the prompts as they will be used; warn if that is not as they were typed.

    Raises:
        UsageError: There is no prompt, or one is invalid.
    """
    from ddpm_clip.embedders.prompts import checked_prompts

    return checked_prompts(typed)


def scales(text: str | None) -> tuple[Any, ...] | None:
    """Split `1,2,4` into numbers; anything else stays text, for the library to refuse."""
    return None if text is None else tuple(typed_number(part) for part in text.split(","))


def default_model() -> str:
    """Return the run or model in the current folder, else the default one; print which."""
    here = any(Path(name).is_file() for name in ("config.yaml", "conditioner.json"))
    chosen = "." if here else DEFAULT_MODEL
    console.say(f"model: {'the one in this folder' if here else chosen}  (choose with --model)")
    return chosen
