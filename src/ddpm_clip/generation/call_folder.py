"""A folder of its own for each call, named by time and command, and a link to the newest."""

import os
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

MARK = "unfinished-{}.json"
"""File that marks an unfinished call; its name holds a hash of what is painted."""

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class CallFolder:
    """Chooses the folder of a call in a common one.

    Attributes:
        home: The common folder.
        command: What the call does; part of the name.
    """

    home: Path
    command: str

    def __str__(self) -> str:
        return f"a folder in {self.home}"

    def unfinished(self, mark: str) -> Path | None:
        """Return the newest folder in which the same call was interrupted."""
        found = self.home.glob(f"*-{self.command}*/{mark}")
        return max((path.parent for path in found), default=None)

    def fresh(self) -> Path:
        """Make a new folder, such as outputs/2026-01-31-142559-generate, and link it as `latest`.

        Raises:
            OSError: It cannot be made.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        name = f"{datetime.now():%Y-%m-%d-%H%M%S}-{self.command}"
        for number in count(1):
            folder = self.home / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir()
                break
            except FileExistsError:
                continue
        self._link(folder)
        return folder

    def _link(self, folder: Path) -> None:
        """Point `latest` to a folder; where links cannot be made, latest.txt holds its name."""
        new = self.home / f".{folder.name}.link"
        try:
            os.symlink(folder.name, new, target_is_directory=True)
            os.replace(new, self.home / LATEST)
        except (OSError, NotImplementedError):
            new.unlink(missing_ok=True)
            (self.home / f"{LATEST}.txt").write_text(f"{folder.name}\n", encoding="utf-8")
