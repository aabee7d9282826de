"""Arguments and options that several commands share. Nothing heavy is imported here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.utils.untrusted import user_path

if TYPE_CHECKING:
    from ddpm_clip.config.schema import Config

CONFIG_PANEL = "Configuration"

Source = Annotated[
    str,
    typer.Argument(
        help="A folder or zip of pictures, npz:FILE, or a named source such as mnist.",
        show_default=False,
    ),
]
MaybeSource = Annotated[
    str | None,
    typer.Argument(
        help="A folder or zip of pictures, npz:FILE, or a named source such as mnist.",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="A YAML file with values that override the defaults."),
]
Preset = Annotated[
    str | None, typer.Option("--preset", help="A shipped set of config values, such as digits.")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a config key, such as training.lr=1e-4; repeatable."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what --out holds.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
StopAfter = Annotated[
    int | None, typer.Option("--stop-after", min=1, help="Stop this call after so many steps.")
]


def typed_number(text: Any) -> Any:
    """Return typed text as a number if it is one, else unchanged, for the library to refuse.

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
    """Return the config of a command, and where each value comes from.

    Args:
        source: the source of pictures; overrides that of the config.
        preset: the name of a shipped preset.
        file: a config file.
        assignments: values of `--set`.
        flags: config keys with two underscores for the dot, as `training__steps`; None is unset.
    """
    from ddpm_clip.config.resolve import resolve

    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    dotted["data.source"] = None if source is None else rooted(source)
    return resolve(preset=preset, file=file, assignments=assignments or (), flags=dotted)


def rooted(source: str) -> str:
    """Return a path as an absolute one, so that a run can be resumed from any folder."""
    from ddpm_clip.data.sources import SOURCES

    if source in SOURCES or not user_path(source).exists():
        return source
    return str(user_path(source).resolve())
