"""The index of a history: a line of JSON for each thing that happened, appended.

    {"id": ..., "parameters": {...}}    a picture was added
    {"id": ..., "favourite": true}      it was marked
    {"id": ..., "deleted": true}        it was deleted

The PNGs are what counts. A line is written after its picture, so after a crash a picture may lack
its line, which is made from the picture when the index is opened; a line without a picture is
ignored. Without the file all lines are made anew, and only the marks are lost.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ddpm_clip.data.pictures.png_texts import read_parameters
from ddpm_clip.errors import DataError
from ddpm_clip.studio.gallery.entry import ID, Entry
from ddpm_clip.utils import storage

NAME = "index.jsonl"
SPARE = 1000
"""The file is rewritten once it has so many lines more than pictures."""


def opened(folder: Path) -> dict[str, Entry]:
    """Return the entries of a history by id, oldest first, and bring the index up to date."""
    rows = storage.read_lines(folder / NAME)
    known = _followed(rows)
    there = sorted(_pictures(folder))
    absent = [one for one in there if one not in known]
    new = {name: Entry(name, _parameters(folder / f"{name}.png")) for name in absent}
    entries = {name: known.get(name) or new[name] for name in there}
    if len(rows) > len(entries) + SPARE:
        rewrite(folder, entries.values())
    elif new:
        append(folder, map(added, new.values()))
    return entries


def append(folder: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append lines to the index."""
    storage.append_lines(folder / NAME, rows)


def rewrite(folder: Path, entries: Iterable[Entry]) -> None:
    """Replace the index by one without the lines that no longer matter."""
    path = folder / NAME
    with storage.replacing(path) as temporary:
        temporary.touch()
        storage.append_lines(temporary, map(added, entries))


def added(entry: Entry) -> dict[str, Any]:
    """Return the line of a picture that was added."""
    marked = {"favourite": True} if entry.favourite else {}
    return {"id": entry.id, "parameters": dict(entry.parameters), **marked}


def _followed(rows: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    """Return the entries that the lines lead to; a line of another form is ignored."""
    entries: dict[str, Entry] = {}
    for row in rows:
        name, parameters, favourite = (row.get(key) for key in ("id", "parameters", "favourite"))
        if not isinstance(name, str):
            continue
        if isinstance(parameters, dict):
            entries[name] = Entry(name, parameters, favourite is True)
        elif row.get("deleted") is True:
            entries.pop(name, None)
        elif isinstance(favourite, bool) and name in entries:
            entries[name] = entries[name].marked(favourite)
    return entries


def _pictures(folder: Path) -> Iterator[str]:
    """Yield the ids of the pictures in a folder; other files, and links, are none of ours."""
    with os.scandir(folder) as files:
        for file in files:
            stem, suffix = os.path.splitext(file.name)
            if suffix == ".png" and ID.fullmatch(stem) and file.is_file(follow_symlinks=False):
                yield stem


def _parameters(path: Path) -> dict[str, Any]:
    try:
        return read_parameters(path)
    except DataError:  # somebody else's picture, or one that was edited
        return {}
