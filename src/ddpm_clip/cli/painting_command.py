"""The options that all commands that paint have in common, as one argument of the command."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddpm_clip.cli.options import AsJson
from ddpm_clip.cli.painting_options import (
    Bridge,
    Clamp,
    Count,
    Device,
    Guidance,
    GuidanceInterval,
    Model,
    Negative,
    NoMetadata,
    Out,
    OwnCount,
    Rescale,
    Sampler,
    Seed,
    Steps,
    Unbounded,
    Weight,
    painting_overrides,
)

if TYPE_CHECKING:
    from ddpm_clip.generation.call_folder import CallFolder

OUTPUTS = Path("outputs")
"""Where every call without --out gets a folder of its own."""


@dataclass(frozen=True, slots=True)
class PaintingArguments:
    """Values of the common options, and the command's name; None is the default of the model."""

    model: Model = None
    n: Count = None
    seed: Seed = None
    steps: Steps = None
    guidance: Guidance = None
    w: Weight = None
    guidance_interval: GuidanceInterval = None
    rescale: Rescale = None
    clamp: Clamp = None
    sampler: Sampler = None
    negative: Negative = None
    bridge: Bridge = None
    unbounded: Unbounded = False
    out: Out = None
    no_metadata: NoMetadata = False
    device: Device = "auto"
    as_json: AsJson = False
    command: str = ""

    def overrides(self, **more: Any) -> dict[str, Any]:
        """Return `painting_overrides` of these and of the options that one command has besides."""
        same = ("n", "seed", "steps", "guidance", "w", "rescale", "clamp", "sampler", "negative")
        own = {name: getattr(self, name) for name in (*same, "bridge")}
        own |= {"interval": self.guidance_interval, "bounded": False if self.unbounded else None}
        return painting_overrides(**own, **more)

    def place(self) -> "Path | CallFolder":
        """Return where the pictures go; without --out, to a new folder named after the command."""
        from ddpm_clip.generation.call_folder import CallFolder

        return self.out or CallFolder(OUTPUTS, self.command)


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
            annotation=OwnCount if field.name == "n" and "n" in defaults else field.type,
        )
        for field in fields(PaintingArguments)
        if field.name != "command"
    ]
    names = [option.name for option in options]
    output = names.index("out")

    def changed(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            values = {name: given.pop(name) for name in names}
            args = PaintingArguments(**values, command=command.__name__)
            command(args=args, **given)

        own = list(inspect.signature(command).parameters.values())
        at = [one.name for one in own].index("args")
        own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
        shown = [*own[:at], *options[:output], *own[at + 1 :], *options[output:]]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        return run

    return changed
