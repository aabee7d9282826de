"""The options that all commands that paint have in common, as one argument of the command."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

from ddpm_clip.cli.options import AsJson
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
    Unbounded,
    Weight,
    painting_overrides,
)


@dataclass(frozen=True, slots=True)
class PaintingArguments:
    """Values of the common options; None means the default of the model."""

    model: Model = None
    n: Count = None
    seed: Seed = None
    steps: Steps = None
    guidance: Guidance = None
    w: Weight = None
    sampler: Sampler = None
    negative: Negative = None
    bridge: Bridge = None
    unbounded: Unbounded = False
    out: Out = Path("outputs")
    no_metadata: NoMetadata = False
    device: Device = "auto"
    as_json: AsJson = False

    def overrides(self, **more: Any) -> dict[str, Any]:
        """Return `painting_overrides` of these and of the options that one command has besides."""
        names = ("n", "seed", "steps", "guidance", "w", "sampler", "negative", "bridge")
        given = {name: getattr(self, name) for name in names}
        return painting_overrides(**given, bounded=False if self.unbounded else None, **more)


def painting_command(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace the argument `args` of a command by the options of `PaintingArguments`.

    In `--help` they appear in the place of `args`, except for the output options, which come last.

    Args:
        defaults: Other defaults for some of the options in this command.
    """
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=defaults.get(field.name, field.default),
            annotation=field.type,
        )
        for field in fields(PaintingArguments)
    ]
    names = [option.name for option in options]
    output = names.index("out")

    def changed(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            args = PaintingArguments(**{name: given.pop(name) for name in names})
            command(args=args, **given)

        own = list(inspect.signature(command).parameters.values())
        at = [one.name for one in own].index("args")
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        shown = [*own[:at], *options[:output], *own[at + 1 :], *options[output:]]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        return run

    return changed
