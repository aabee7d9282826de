"""A studio as a user starts it: `ddpm-clip studio` as a process, to be killed and restarted."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE = 120.0
"""Seconds that a start may take."""


class StudioProcess:
    """A studio that listens on a port of this machine.

    Args:
        folder: Where it keeps things, and its log.
        data: Folder with pictures to train on.
        models: Shipped names; empty for all.

    Attributes:
        url: Its address, the same after a restart.
        seconds: From the command to the first answer of the page, at the last start.
    """

    def __init__(self, folder: Path, data: Path, models: tuple[str, ...] = ()):
        self.folder, self._data, self._models = folder, data, models
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.seconds = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "StudioProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def start(self) -> None:
        """Start it, and wait until the page is there."""
        words = [sys.executable, "-m", "ddpm_clip", "studio", *self._models, "--no-browser"]
        words += ["--port", str(self._port), "--home", self.folder.name, "--data", str(self._data)]
        began = time.monotonic()
        with open(self.folder / "studio.log", "ab") as log:
            self._process = subprocess.Popen(  # beside its folder, so that commands are short
                words, stdout=log, stderr=log, env=dict(os.environ), cwd=self.folder.parent
            )
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() - began > PATIENCE:
                raise RuntimeError((self.folder / "studio.log").read_text("utf-8")[-2000:])
            time.sleep(0.02)
        self.seconds = time.monotonic() - began

    def end(self, how: signal.Signals) -> None:
        """End it by a signal, and wait."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(60)

    def restart(self) -> None:
        """Kill it, as a crash would, and start it again."""
        self.end(signal.SIGKILL)
        self.start()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
