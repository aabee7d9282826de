"""The part of a command's signature that all commands that paint have in common.

Loads nothing heavy.
"""

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
    Weight,
    painting_overrides,
)


@dataclass(frozen=True, slots=True)
class PaintingArguments:
    """What every command that paints can be told; None leaves it to the model."""

    model: Model = None
    n: Count = None
    seed: Seed = None
    steps: Steps = None
    guidance: Guidance = None
    w: Weight = None
    sampler: Sampler = None
    negative: Negative = None
    bridge: Bridge = None
    out: Out = Path("outputs")
    no_metadata: NoMetadata = False
    device: Device = "auto"
    as_json: AsJson = False

    def overrides(self, **more: Any) -> dict[str, Any]:
        """`painting_overrides` of these and of what else a command asks for."""
        names = ("n", "seed", "steps", "guidance", "w", "sampler", "negative", "bridge")
        return painting_overrides(**{name: getattr(self, name) for name in names}, **more)


def painting_command(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of `PaintingArguments` in place of its argument `args`.

    In `--help` they stand where `args` does, but for those on the output, which come last.

    Args:
        defaults: of options that have another one in this command.
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
