"""Licences of weights: the file that lies beside them, and what whoever passes them on keeps.

Weights that were adapted from somebody's work carry a `licence.json`. It is copied with them: with
a mini-CLIP into the run that uses it, and from the model that a run starts from into a packed one.
"""

import json
from pathlib import Path
from typing import Any

from ddpm_clip.errors import DataError
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.untrusted import read_object

LICENCE = "licence.json"
Notice = dict[str, str]
"""`licence`, an SPDX identifier, and `attribution`, a sentence that names the work and its
authors."""


def read_notices(*folders: Path) -> list[Notice]:
    """Return the notices in these folders, each once; a folder may be without.

    Raises:
        DataError: A file is no list of notices.
    """
    found: list[Notice] = []
    for folder in folders:
        if (folder / LICENCE).is_file():
            try:
                notices = checked_notices(read_object(folder / LICENCE).get("notices"))
            except (OSError, ValueError) as error:
                raise DataError(
                    f"cannot read the licence in {folder / LICENCE}", str(error)[:200]
                ) from error
            found += [notice for notice in notices if notice not in found]
    return found


def checked_notices(value: Any) -> list[Notice]:
    """Return the value if it is a list of notices.

    Raises:
        ValueError: It is not.
    """
    wanted = {"licence", "attribution"}
    if not isinstance(value, list) or not all(
        isinstance(one, dict)
        and one.keys() == wanted
        and all(isinstance(text, str) for text in one.values())
        for one in value
    ):
        raise ValueError("it is not a list of notices, each a licence and an attribution")
    return value


def write_notices(folder: Path, notices: list[Notice]) -> None:
    """Write the file, where there is something to say."""
    if notices:
        text = json.dumps({"notices": notices}, indent=1, ensure_ascii=False)
        write_text(folder / LICENCE, text + "\n")
