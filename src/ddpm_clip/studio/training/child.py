"""A process that trains: started in the background, stopped so that it saves, found again.

It has a session of its own: Ctrl-C in the studio's terminal does not reach it, and if the studio is
killed it trains on. A studio that is started later finds it by the lock of its run folder.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ddpm_clip.errors import CannotCreate
from ddpm_clip.utils.locks import holding


class Child:
    """The process that trains in a run folder.

    Args:
        folder: The run folder.
        process: The process, if this studio started it.
    """

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes] | None" = None):
        self.folder, self._process = folder, process

    @classmethod
    def started(cls, command: Sequence[str], folder: Path, log: Path) -> "Child":
        """Start a process that trains in a folder; what it prints goes to a log.

        Raises:
            CannotCreate: The process cannot be started, or the log not be written.
        """
        try:
            with open(log, "wb") as said:
                process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise CannotCreate(
                "the training cannot be started", error.strerror or "", "free some memory"
            ) from error
        return cls(folder, process)

    @property
    def pid(self) -> int | None:
        """Id of the process while it runs; None otherwise."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return holding(self.folder)

    @property
    def code(self) -> int | None:
        """Exit code, once it has ended and if this studio started it."""
        return None if self._process is None else self._process.poll()

    def stop(self) -> None:
        """Ask it to finish its step and save; asked twice, it ends at once."""
        pid = self.pid
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, if this studio started it; return whether it has."""
        if self._process is None:
            return self.pid is None
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
