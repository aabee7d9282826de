"""Write docs/config.md from the config models: `python scripts/write_config_page.py [--check]`.

With `--check` nothing is written, and the exit code is 1 if the page is out of date. Descriptions
and defaults are defined in `ddpm_clip.config.schema` only.
"""

import sys
from pathlib import Path
from typing import Any

from ddpm_clip.config.resolve import preset_names
from ddpm_clip.config.schema import SECTIONS, Config

PAGE = Path(__file__).resolve().parents[1] / "docs" / "config.md"
HEAD = """# Configuration

Written by `scripts/write_config_page.py` from `ddpm_clip.config.schema`; do not edit.

A file given with `--config` contains only what differs from the defaults, in these sections;
`--set training.lr=1e-4` changes a single key. An unknown key is an error that suggests the closest
one. `--print-config` prints every value and where it comes from; every run stores its config as
`config.yaml`.

Presets, for `--preset` or as `preset:` in a file: {presets}.
"""


def page() -> str:
    """The whole page: one table per section."""
    presets = ", ".join(f"`{name}`" for name in preset_names())
    return "\n".join([HEAD.format(presets=presets), *map(_table, SECTIONS)])


def _table(section: str) -> str:
    model: Any = Config.model_fields[section].annotation
    title = (model.__doc__ or "").splitlines()[0]
    rows = [f"## {section}", "", title, "", "| key | default | |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        rows.append(f"| `{section}.{name}` | {_shown(field.default)} | {field.description} |")
    return "\n".join([*rows, ""])


def _shown(value: object) -> str:
    """A default value as written in YAML."""
    value = getattr(value, "plain", value)  # of a picture size
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`"


def main() -> int:
    """Write the page, or check it."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        return int(PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
