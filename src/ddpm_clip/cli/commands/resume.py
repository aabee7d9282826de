"""`resume`: continues a training or a distillation from its newest checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.commands.train import Minutes, NoAnimation, Steps, Track, continue_run
from ddpm_clip.cli.options import AsJson, Assignments, StopAfter


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    source: Annotated[
        str | None,
        typer.Option(help="Where the pictures are now, if they were moved; they are compared."),
    ] = None,
    set_: Assignments = None,
    steps: Steps = None,
    minutes: Minutes = None,
    track: Track = None,
    stop_after: StopAfter = None,
    no_animation: NoAnimation = False,
    as_json: AsJson = False,
) -> None:
    """Continue a training, or a distillation, from its newest checkpoint.

    ddpm-clip resume runs/photos
    ddpm-clip resume runs/photos --steps 10000

    ddpm-clip resume runs/photos --source /new/place/photos

    A finished run is left unchanged, unless --steps or --minutes asks for more. With --source, the
    pictures in the new place are compared with those of the run, name by name and byte by byte, and
    the new place is recorded; `evaluate` and `ask` look there from then on.
    """
    continue_run(run, set_, steps, stop_after, no_animation, as_json, source, minutes, track)
