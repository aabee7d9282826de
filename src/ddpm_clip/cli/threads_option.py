"""The option `--threads`, which every command that computes has."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from ddpm_clip.cli.painting_options import WHOLE
from ddpm_clip.config.limits import checked_whole
from ddpm_clip.utils.cpu_threads import command_threads

VARIABLE = "DDPM_CLIP_THREADS"
"""The environment variable with the default of the option."""

Threads = Annotated[
    int | None,
    typer.Option(envvar=VARIABLE, help="CPU threads; by default PyTorch's choice.", **WHOLE),
]


def with_threads(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--threads` to a command, before its last option, and obey it while the command runs."""

    @wraps(command)
    def run(*, threads: Any = None, **given: Any) -> None:
        count = None if threads is None else checked_whole("threads", threads)
        with command_threads(count):
            command(**given)

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [one.replace(kind=kind) for one in inspect.signature(command).parameters.values()]
    option = inspect.Parameter("threads", kind, default=None, annotation=Threads)
    shown = inspect.Signature([*own[:-1], option, own[-1]])
    run.__signature__ = shown  # type: ignore[attr-defined]
    return run
