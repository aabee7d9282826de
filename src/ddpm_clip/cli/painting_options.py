"""The options of all commands that paint.

Descriptions come from `config/painting_options.py`. Imports nothing heavy, so `--help` is instant.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import typed_number
from ddpm_clip.config.painting_options import OPTIONS, USUAL

DEFAULT_MODEL = "flowers"

WHOLE = {"parser": typed_number, "metavar": "INTEGER"}
"""A whole number. The library validates it, so that Python and commands give the same error."""

EVERYWHERE = (0.0, 1e9)
"""A range of sigma that leaves nothing out."""

NUMBER = {"parser": typed_number, "metavar": "FLOAT"}
"""Any number, validated in the same way."""


def described(name: str, more: str = "") -> str:
    """Return an option's description as a sentence, with what only the command line adds."""
    text = OPTIONS[name].description + more
    return f"{text[0].upper()}{text[1:]}."


def of_the_model(name: str, more: str = "") -> str:
    """Return the description of an option that the model decides, and what it usually decides."""
    return described(name, f"{more} {usual(name)}")


def usual(name: str) -> str:
    """Return the default of an option that the model decides."""
    value = USUAL[name]
    values = value if isinstance(value, tuple) else (value,)
    shown = ",".join(one if isinstance(one, str) else f"{one:g}" for one in values)
    return f"(default: the model's, usually {shown})"


ModelArgument = Annotated[
    str, typer.Argument(metavar="RUN|MODEL", help="A run, a model's folder, or a shipped name.")
]
Model = Annotated[
    str | None,
    typer.Option(
        help="A shipped model, a run, or a packed model's folder; by default the one in this "
        f"folder, else {DEFAULT_MODEL}."
    ),
]
Count = Annotated[int | None, typer.Option("-n", help=of_the_model("n"), **WHOLE)]
OwnCount = Annotated[int | None, typer.Option("-n", help=described("n"), **WHOLE)]
"""For a command with a default of its own."""
Seed = Annotated[int | None, typer.Option(help=of_the_model("seed", "; -1: random"), **WHOLE)]
Steps = Annotated[int | None, typer.Option(help=of_the_model("steps"), **WHOLE)]
Guidance = Annotated[
    str | None,
    typer.Option(metavar="S[,S...]", help=of_the_model("guidance", "; several make a grid")),
]
OneGuidance = Annotated[str | None, typer.Option(metavar="S", help=of_the_model("guidance"))]
Weight = Annotated[
    str | None, typer.Option("--w", metavar="W[,W...]", help="Guidance as weight w = scale - 1.")
]
Sampler = Annotated[str | None, typer.Option(help=of_the_model("sampler"))]
GuidanceInterval = Annotated[
    str | None,
    typer.Option(
        metavar="LO,HI|all", help=f"Noise levels sigma at which it guides {usual('interval')}."
    ),
]
Clamp = Annotated[str | None, typer.Option(help=of_the_model("clamp"))]
Rescale = Annotated[float | None, typer.Option(help=of_the_model("rescale"), **NUMBER)]
Negative = Annotated[str | None, typer.Option(metavar="TEXT", help="What to steer away from.")]
Bridge = Annotated[
    str | None,
    typer.Option(
        help="Text-to-image bridge: shift, noise, knn, prior, resample or "
        "identity (default: the "
        "model's, chosen in training)."
    ),
]
Unconditional = Annotated[bool, typer.Option("--unconditional", help=described("unconditional"))]
Unbounded = Annotated[
    bool, typer.Option("--unbounded", help="Let words and guidance lead out of the pictures.")
]
ClipGuidance = Annotated[
    float | None, typer.Option(help=of_the_model("clip_guidance"), **NUMBER | {"metavar": "S"})
]
ClipGuide = Annotated[str | None, typer.Option(metavar="MODEL", help=described("clip_guide"))]
ClipTravel = Annotated[
    int | None, typer.Option(help=of_the_model("clip_travel"), **WHOLE | {"metavar": "N"})
]
Size = Annotated[
    str | None, typer.Option(metavar="WxH", help="auto, or the size that the model paints.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="A folder, or FILE.png for one picture or the grid; by default a new folder in "
        "outputs/, linked as outputs/latest."
    ),
]
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
    if "interval" in overrides:
        overrides["interval"] = sigma_range(overrides["interval"])
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


def sigma_range(text: str | None) -> tuple[Any, ...] | None:
    """Split `0.15,3` into two numbers; `all` is the range that leaves nothing out."""
    return EVERYWHERE if text == "all" else scales(text)


def default_model() -> str:
    """Return the run or model in the current folder, else the default one; print which."""
    here = any(Path(name).is_file() for name in ("config.yaml", "conditioner.json"))
    chosen = "." if here else DEFAULT_MODEL
    console.say(f"model: {'the one in this folder' if here else chosen}  (choose with --model)")
    return chosen
