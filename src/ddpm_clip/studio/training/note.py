"""What the studio notes of a training, in a file beside its run folder: `roses-3f2a.json`."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ddpm_clip.utils import storage
from ddpm_clip.utils.untrusted import read_object

SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a training besides its run.

    Attributes:
        id: Its random name towards clients.
        folder: Name of its run folder.
        name: What the user calls it.
        source: What its pictures are called; no path.
        command: The last command, as it would be typed.
        started: When it was first started, in UTC.
        code: Exit code of the last process; None while it runs, or if nobody saw it end.
    """

    id: str
    folder: str
    name: str
    source: str
    command: str
    started: str
    code: int | None = None

    def ended(self, code: int | None) -> "Note":
        """Return the note with an exit code."""
        return replace(self, code=code)

    def again(self, command: str) -> "Note":
        """Return the note of a training that is resumed."""
        return replace(self, command=command, code=None)

    def as_dict(self) -> dict[str, Any]:
        """Return what a client may know: all but the folder."""
        facts = asdict(self)
        del facts["folder"]
        return facts


def write_note(root: Path, note: Note) -> None:
    """Write a note beside its run folder."""
    storage.write_text(
        root / f"{note.folder}{SUFFIX}", json.dumps(asdict(note), ensure_ascii=False) + "\n"
    )


def read_notes(root: Path) -> list[Note]:
    """Return all notes in a folder, the oldest training first; others' files are left out."""
    found = []
    for path in root.glob(f"*{SUFFIX}"):
        try:
            note = Note(**read_object(path))
        except (OSError, ValueError, TypeError):
            continue
        if f"{note.folder}{SUFFIX}" == path.name:  # so that a note cannot name another folder
            found.append(note)
    return sorted(found, key=lambda note: note.started)
