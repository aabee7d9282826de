"""Arguments and options that several commands share, and what they mean together.

Knows nothing of what is done with them, and loads nothing heavy.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.utils.untrusted import user_path

if TYPE_CHECKING:
    from ddpm_clip.config.schema import Config

CONFIG_PANEL = "Configuration"

Source = Annotated[
    str,
    typer.Argument(help="A folder of pictures, npz:FILE, or a source by name.", show_default=False),
]
MaybeSource = Annotated[
    str | None,
    typer.Argument(help="A folder of pictures, npz:FILE, or a source by name.", show_default=False),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="A YAML file with what differs from the defaults.")
]
Preset = Annotated[str | None, typer.Option("--preset", help="A shipped set of values.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One config key, as training.lr=1e-4."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what --out holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
StopAfter = Annotated[
    int | None, typer.Option("--stop-after", min=1, help="Stop after so many steps of this call.")
]


def typed_number(text: Any) -> Any:
    """What is typed for a number: as one where it is, else as it stands, for the library to judge.

    >>> typed_number("7"), typed_number("7.5"), typed_number("seven")
    (7, 7.5, 'seven')
    """
    if not isinstance(text, str):  # a default goes through here as well
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def resolved(
    source: str | None,
    preset: str | None,
    file: Path | None,
    assignments: list[str] | None,
    **flags: Any,
) -> "tuple[Config, dict[str, str]]":
    """The config of a command, and where each value comes from.

    Args:
        source: the pictures; goes before a config's own.
        preset: a shipped preset.
        file: a config file.
        assignments: of `--set`.
        flags: config keys with two underscores for the dot, as `training__steps`; None is unset.
    """
    from ddpm_clip.config.resolve import resolve

    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    dotted["data.source"] = None if source is None else rooted(source)
    return resolve(preset=preset, file=file, assignments=assignments or (), flags=dotted)


def rooted(source: str) -> str:
    """A path as an absolute one, so that a run can be continued from any folder."""
    from ddpm_clip.data.sources import SOURCES

    if source in SOURCES or not user_path(source).exists():
        return source
    return str(user_path(source).resolve())
