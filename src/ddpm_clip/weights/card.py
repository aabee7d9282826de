"""The card of a packed model: what it is called, what it was made with, and its config.

A model may come from anywhere: every field is checked for its kind here, and none is obeyed.
Knows nothing of what the config means.
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
"""What a card must hold, and as what."""


def read_card(folder: Path) -> dict[str, Any]:
    """What the card in a packed model's folder says.

    Raises:
        DataError: it is no card, or one of a newer version.
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
        raise DataError(f"{folder / CARD} is no model card of ours", str(error)[:200]) from error
    if facts["format"] > FORMAT:
        by = str(facts.get("ddpm_clip", "a later version"))[:40]
        raise DataError(f"{folder} was made by ddpm_clip {by}", fix="upgrade ddpm-clip")
    return facts
