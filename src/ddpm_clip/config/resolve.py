"""Merge defaults, preset, config file, environment and flags into one `Config`.

A preset or a config file contains only differences from the defaults; later layers override
earlier ones. An unknown key is an error that suggests the most similar one.
"""

import difflib
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ddpm_clip.config import legacy_keys
from ddpm_clip.config.schema import SECTIONS, Config
from ddpm_clip.errors import ConfigError, DdpmClipWarning, MissingInput
from ddpm_clip.utils.plain_yaml import MAX_TEXT, parse_yaml
from ddpm_clip.utils.untrusted import read_text


@dataclass(frozen=True, slots=True)
class Layer:
    """Dotted keys and values from one origin, for `merge` and `--print-config`."""

    origin: str
    values: dict[str, Any]


def flatten(tree: Mapping[str, Any], origin: str = "config") -> dict[str, Any]:
    """Turn a nested or flat mapping into dotted keys; legacy keys are mapped to today's.

    Legacy keys without a meaning today are listed in one warning.
    """
    flat: dict[str, Any] = {}
    ignored: list[str] = []
    known = dotted_keys()
    for key, value in _leaves(tree, origin):
        place = legacy_keys.placed(key, known)
        if place is None:
            name = key.rpartition(".")[2]
            ignored.append(f"{name} ({legacy_keys.IGNORED[name]})")
        else:
            flat[place] = value if key in known else legacy_keys.translated(key, value)
    if ignored:
        warnings.warn(f"{origin}: ignored: {', '.join(ignored)}", DdpmClipWarning, stacklevel=2)
    return flat


def _leaves(tree: Mapping[str, Any], origin: str) -> Iterator[tuple[str, Any]]:
    """Yield each key, prefixed by its section if it has one, with its value."""
    for key, value in tree.items():
        if key not in SECTIONS + legacy_keys.SECTIONS:
            yield str(key), value
            continue
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"{origin}: section {key!r} must contain keys, not {_short(repr(value))}"
            )
        yield from ((f"{key}.{name}", inner) for name, inner in value.items())


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read the mapping in a YAML file, with the safe loader and limits on its size.

    Raises:
        MissingInput: There is no such file.
        ConfigError: It is not a YAML mapping.
    """
    path = Path(path)
    try:
        tree = parse_yaml(read_text(path, 4 * MAX_TEXT))
    except ValueError as error:  # a name with a NUL character raises ValueError, too
        raise ConfigError(f"cannot read {_short(path)} as YAML", _short(error)) from error
    except OSError as error:
        raise MissingInput(
            f"config file not found: {_short(path)}",
            error.strerror or str(error),
            "check the path after --config",
        ) from error
    if not isinstance(tree or {}, Mapping):
        raise ConfigError(
            f"{_short(path)} must contain sections and keys", f"it contains a {type(tree).__name__}"
        )
    return dict(tree or {})


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    folder = resources.files("ddpm_clip") / "presets"
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def preset_layer(name: str) -> Layer:
    """Return the layer of a shipped preset: its differences from the defaults."""
    names = preset_names()
    if name not in names:
        near = difflib.get_close_matches(str(name)[:100], names, n=1)
        fix = (
            f"did you mean {near[0]!r}?"
            if near
            else "use one of these names, or give a file: --config"
        )
        raise ConfigError(
            f"unknown preset {_short(repr(name))}",
            f"choose from: {', '.join(names)}",
            fix,
            param="preset",
        )
    text = (resources.files("ddpm_clip") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return Layer(f"preset {name}", {"preset": name} | flatten(parse_yaml(text) or {}, name))


def file_layer(path: str | Path) -> list[Layer]:
    """Return the layers of a config file: the preset that it names, then its own keys."""
    values = flatten(read_yaml(path), str(path))
    preset = values.get("preset")
    return ([preset_layer(preset)] if preset else []) + [Layer(str(path), values)]


def environment_layer(environ: Mapping[str, str] | None = None) -> Layer:
    """Read `DDPM_CLIP_TRAINING__LR=1e-4` as `training.lr`; names without `__` are not config."""
    environ = os.environ if environ is None else environ
    values = {
        name.removeprefix("DDPM_CLIP_").lower().replace("__", "."): _yaml_value(value, name)
        for name, value in environ.items()
        if name.startswith("DDPM_CLIP_") and "__" in name
    }
    return Layer("environment", values)


def assignments_layer(assignments: Iterable[str]) -> Layer:
    """Read the `--set section.key=value` options; values are YAML."""
    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set {assignment!r} is not KEY=VALUE", fix="--set training.lr=1e-4"
            )
        value = _yaml_value(text, f"--set {assignment!r}")
        values |= flatten({key.strip(): value}, "--set")
    return Layer("--set", values)


def _yaml_value(text: str, origin: str) -> Any:
    try:
        return parse_yaml(text)
    except ValueError as error:
        raise ConfigError(f"{_short(origin)}: cannot read the value", _short(error)) from error


def merge(layers: Iterable[Layer]) -> tuple[Config, dict[str, str]]:
    """Lay `layers` over the defaults; later layers override earlier ones.

    Returns:
        The config, and the origin of every dotted key that is not a default.

    Raises:
        ConfigError: A key is unknown (the error suggests the most similar one), or a value invalid.
    """
    known = dotted_keys()
    tree: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            if key not in known:
                raise _unknown_key(key, layer.origin, known)
            section, _, name = key.rpartition(".")
            (tree.setdefault(section, {}) if section else tree)[name] = _number(value)
            origins[key] = layer.origin
    try:
        return Config.model_validate(tree), origins
    except ValidationError as error:
        raise _bad_value(error, origins) from error


def resolve(
    *,
    preset: str | None = None,
    file: str | Path | None = None,
    assignments: Iterable[str] = (),
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> tuple[Config, dict[str, str]]:
    """Merge defaults < preset < config file < environment < `--set` < flags into one config.

    A preset given here replaces the one that the file names.
    """
    layers = [preset_layer(preset)] if preset else []
    if file:
        layers += file_layer(file)[-1:] if preset else file_layer(file)
        layers += [Layer(f"preset {preset}", {"preset": preset})] if preset else []
    layers += [environment_layer(environ), assignments_layer(assignments)]
    layers += [Layer("flag", {k: v for k, v in (flags or {}).items() if v is not None})]
    return merge(layers)


def dotted_keys() -> dict[str, str]:
    """Return every key with its description, such as `training.lr` -> 'learning rate'."""
    keys = {"preset": "the preset this started from"}
    for section in SECTIONS:
        fields = Config.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
        keys |= {f"{section}.{name}": field.description or "" for name, field in fields.items()}
    return keys


def _number(value: Any) -> Any:
    """Convert text such as 1e-4, which YAML 1.1 does not read as a number, to a float."""
    if isinstance(value, str) and value[:1] in "0123456789.-+" and "e" in value.lower():
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _unknown_key(key: str, origin: str, known: Mapping[str, str]) -> ConfigError:
    last = key.rpartition(".")[2]
    same = [name for name in known if name.rpartition(".")[2] == last]
    near = difflib.get_close_matches(key[:100], same or known, n=1, cutoff=0.0 if same else 0.4)
    fix = f"did you mean {near[0]!r}?" if near else f"sections: {', '.join(SECTIONS)}"
    return ConfigError(
        f"unknown config key {_short(repr(key))}",
        f"it comes from {_short(origin)}",
        fix,
        param=_short(key),
    )


def _short(text: object) -> str:
    """Cut a text to 200 characters: what comes from a file may be long."""
    whole = str(text)
    return whole if len(whole) <= 200 else whole[:200] + "…"


def _bad_value(error: ValidationError, origins: Mapping[str, str]) -> ConfigError:
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    place = [str(part) for part in first["loc"][:2]]
    if len(place) < 2:  # two keys contradict each other; the message begins with one of them
        place.append(reason.partition(" ")[0])
    key = ".".join(place)
    value = "" if first["type"] == "value_error" else f" ({_short(repr(first['input']))})"
    return ConfigError(
        f"bad value for {key}{value}",
        f"{reason}; it comes from {origins.get(key, 'the file')}",
        f"set another value: --set {key}=…",
        param=key,
    )
