"""Reads the model card of a packed model: its name, its provenance and its config.

A packed model may come from anyone, so the type of every field is checked here.
"""

from pathlib import Path
from typing import Any

from ddpm_clip.errors import DataError
from ddpm_clip.utils.untrusted import read_object

CARD = "config.json"
FORMAT = 1
FIELDS: dict[str, Any] = {
    "format": int,
    "name": str,
    "step": int | None,
    "classes": list,
    "card": dict,
    "config": dict,
}
"""The fields of a card and their types."""


def read_card(folder: Path) -> dict[str, Any]:
    """Return the fields of the card in a packed model's folder.

    Raises:
        DataError: The card is malformed, or was written by a newer version.
    """
    try:
        facts: dict[str, Any] = {"card": {}, "classes": [], "step": None, "name": folder.name}
        facts |= read_object(folder / CARD)
        for key, kind in FIELDS.items():
            if not isinstance(facts[key], kind) or isinstance(facts[key], bool):
                raise TypeError(f"{key} is {type(facts[key]).__name__}")
        if not all(isinstance(name, str) for name in facts["classes"]):
            raise TypeError("a class has no name")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / CARD} is not a model card", str(error)[:200]) from error
    if facts["format"] > FORMAT:
        by = str(facts.get("ddpm_clip", "a later version"))[:40]
        raise DataError(f"{folder} was made by ddpm_clip {by}", fix="upgrade ddpm-clip")
    return facts
