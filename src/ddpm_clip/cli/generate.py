"""`generate`: words on the command line to PNG files.

Reads the options as text; what their values may be is judged by the library's `Settings`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson
from ddpm_clip.errors import UsageError

if TYPE_CHECKING:
    from ddpm_clip.painting import PaintedFile

DEFAULT_MODEL = "flowers"


Prompts = Annotated[
    list[str] | None,
    typer.Argument(metavar="PROMPT...", help="What to paint.", show_default=False),
]
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
    str | None, typer.Option(help="From words to pictures: shift, noise, knn or identity.")
]
Unconditional = Annotated[bool, typer.Option("--unconditional", help="Paint without words.")]
Gif = Annotated[bool, typer.Option("--gif", help="Write the denoising as a GIF.")]
Out = Annotated[Path, typer.Option(help="A folder, or FILE.png for the picture or the grid.")]
NoMetadata = Annotated[
    bool, typer.Option("--no-metadata", help="Leave prompt and parameters out of the PNGs.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]


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
    from ddpm_clip.settings import Settings, checked_prompts

    wishes: dict[str, Any] = {
        "n": n, "seed": seed, "steps": steps, "sampler": sampler, "negative": negative,
        "bridge": bridge, "guidance": scales(guidance, "guidance"), "w": scales(w, "w"),
    }  # fmt: skip
    Settings().with_wishes(**wishes)  # a slip is told before a model is opened
    if prompts and unconditional:
        raise UsageError("prompts and --unconditional are both given", fix="give one of them")
    asked = [] if unconditional else checked_prompts(prompts or [])
    _remark_on_changes(prompts or [], asked)
    painted = _paint(asked, wishes | {"unconditional": unconditional or None},
                     model or default_model(), device, out, gif, not no_metadata)  # fmt: skip
    if as_json:
        return console.result_json([one.as_dict() for one in painted])
    for one in painted:
        console.result(str(one.file))


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


def _paint(
    prompts: list[str], wishes: dict[str, Any], model: str, device: str, out: Path, gif: bool,
    metadata: bool,
) -> "list[PaintedFile]":  # fmt: skip
    from ddpm_clip.cli.interrupt import Patience
    from ddpm_clip.cli.progress import Bars, follow
    from ddpm_clip.generation import TextToImage
    from ddpm_clip.painting import paint_files

    tti = TextToImage.from_pretrained(model, device)
    work = paint_files(tti, prompts, tti.settings(**wishes), out, gif=gif, metadata=metadata)
    with Patience("leaving after this step") as patience, Bars() as bars:
        return follow(work, bars, patience)


def _remark_on_changes(typed: list[str], used: list[str]) -> None:
    if used and typed != used:
        console.warn("control characters were taken out of the prompt")
