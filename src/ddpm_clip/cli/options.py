"""Arguments and options that several commands share. Nothing heavy is imported here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.errors import UsageError
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


def default_folder(config: "Config") -> Path:
    """Return runs/NAME with the last part of the source as the name."""
    source = config.data.source
    if source is None:
        raise UsageError(
            "there are no pictures to train on",
            "neither SOURCE nor data.source is given",
            "name a folder of pictures: ddpm-clip train FOLDER",
            param="data.source",
        )
    name, _, place = source.partition(":")
    last = place if name in ("folder", "npz", "wds", "zip", "hf", "hf-stream") and place else name
    return Path("runs") / (Path(last).stem or "run")


def show_config(config: "Config", origins: dict[str, str], as_json: bool) -> None:
    """Print the config as YAML, with the origin of each value as a comment."""
    import yaml

    from ddpm_clip.config.schema import SECTIONS

    tree = config.model_dump(mode="json")
    if as_json:
        values = {f"{section}.{k}": v for section in SECTIONS for k, v in tree[section].items()}
        shown = {k: {"value": v, "origin": origins.get(k, "default")} for k, v in values.items()}
        return console.result_json({"config": shown})
    for section in SECTIONS:
        console.result(f"{section}:")
        for key, value in tree[section].items():
            text = yaml.safe_dump(
                {key: value}, default_flow_style=True, width=10**6, allow_unicode=True
            )
            line = f"  {text.strip()[1:-1]}"
            console.result(f"{line:<44}  # {origins.get(f'{section}.{key}', 'default')}")
