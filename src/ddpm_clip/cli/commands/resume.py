"""`resume`: continues a training from its newest checkpoint."""

from pathlib import Path
from typing import Annotated

import typer

from ddpm_clip.cli.commands.train import NoAnimation, Steps, continue_run
from ddpm_clip.cli.options import AsJson, Assignments, StopAfter


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    set_: Assignments = None,
    steps: Steps = None,
    stop_after: StopAfter = None,
    no_animation: NoAnimation = False,
    as_json: AsJson = False,
) -> None:
    """Continue a training from its newest checkpoint.

    ddpm-clip resume runs/photos
    ddpm-clip resume runs/photos --steps 10000

    A finished run is left unchanged, unless --steps asks for more.
    """
    continue_run(run, set_, steps, stop_after, no_animation, as_json)
