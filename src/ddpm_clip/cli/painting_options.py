"""What can be asked of every command that paints, and what the words of it mean.

Knows nothing of what is painted, and loads nothing heavy.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.errors import UsageError

DEFAULT_MODEL = "flowers"

Model = Annotated[
    str | None, typer.Option(help="A shipped model, a run, or a packed model's folder.")
]
Count = Annotated[int | None, typer.Option("-n", help="Pictures a prompt.")]
Seed = Annotated[
    int | None, typer.Option(help="Of the first picture, the next has one more; -1 draws one.")
]
Steps = Annotated[int | None, typer.Option(help="Steps of the sampler.")]
Guidance = Annotated[
    str | None,
    typer.Option(metavar="S[,S...]", help="Guidance scale; 1 is none, several make a grid."),
]
Weight = Annotated[
    str | None,
    typer.Option("--w", metavar="W[,W...]", help="The same as weight: scale = 1 + w."),
]
Sampler = Annotated[str | None, typer.Option(help="dpmpp_2m, dpmpp_2m_sde, ddim, heun or ddpm.")]
Negative = Annotated[str | None, typer.Option(metavar="TEXT", help="What to steer away from.")]
Bridge = Annotated[
    str | None, typer.Option(help="From words to pictures: shift, noise, knn, prior or identity.")
]
Unconditional = Annotated[bool, typer.Option("--unconditional", help="Paint without words.")]
ClipGuidance = Annotated[
    float | None,
    typer.Option(metavar="S", help="Strength of a CLIP's gradient, 1 is a good start; 0 is off."),
]
ClipGuide = Annotated[
    str | None, typer.Option(metavar="MODEL", help="Whose CLIP guides; by default its own.")
]
ClipTravel = Annotated[
    int | None, typer.Option(metavar="N", help="Times that each guided rung is walked again.")
]
Out = Annotated[Path, typer.Option(help="A folder, or FILE.png for the picture or the grid.")]
NoMetadata = Annotated[
    bool, typer.Option("--no-metadata", help="Leave prompt and parameters out of the PNGs.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


def painting_wishes(guidance: str | None, w: str | None, **wishes: Any) -> dict[str, Any]:
    """The wishes of a command line for `Settings.with_wishes`, which has judged them.

    A slip is told here, before a model is opened.

    Raises:
        UsageError: a value out of range.
    """
    from ddpm_clip.settings import Settings

    wishes |= {"guidance": scales(guidance, "guidance"), "w": scales(w, "w")}
    Settings().with_wishes(**wishes)
    return wishes


def used_prompts(typed: list[str]) -> list[str]:
    """The prompts as they will be used; says where that is not as they were typed.

    Raises:
        UsageError: none, or one that is none.
    """
    from ddpm_clip.settings import checked_prompts

    used = checked_prompts(typed)
    if typed != used:
        console.warn("control characters were taken out of the prompt")
    return used


def scales(text: str | None, name: str) -> tuple[float, ...] | None:
    """The numbers in `1,2,4`.

    Raises:
        UsageError: something in it is no number.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        fix = f"--{name} 2, or several: --{name} 1,2,4"
        raise UsageError(f"{name} = {text!r} is no number", fix=fix, param=name) from error


def default_model() -> str:
    """The run or model in the current folder, else the one that ships; says which."""
    here = any(Path(name).is_file() for name in ("config.yaml", "conditioner.json"))
    chosen = "." if here else DEFAULT_MODEL
    console.say(f"model: {'the one in this folder' if here else chosen}  (choose with --model)")
    return chosen
