"""A server in a process of its own, and what is measured of it from outside."""

import base64
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

PAINT = "/v1/images/generations"
PATIENT = 600.0
"""Seconds that a client waits for a picture."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running `ddpm-clip serve`."""

    process: "subprocess.Popen[str]"
    url: str

    @property
    def megabytes(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(one for one in status.splitlines() if one.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def get(self, path: str) -> httpx.Response:
        """Send a GET request."""
        return httpx.get(self.url + path, timeout=PATIENT)

    def waits_for_nothing(self) -> bool:
        """Whether no job waits."""
        return "ddpm_clip_queue_jobs 0.0" in self.get("/metrics").text


@contextmanager
def served(*words: str) -> Iterator[Served]:
    """Serve on a free port until the block ends; waits until the models are open."""
    command = [sys.executable, "-m", "ddpm_clip", "serve", *words, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        server = Served(process, process.stdout.readline().strip())
        while server.get("/readyz").status_code != 200:
            time.sleep(0.1)
        yield server
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.wait(120)
        process.stdout.close()


def pixels(answer: httpx.Response) -> list[NDArray[np.int_]]:
    """Return the pictures of a response as whole numbers."""
    found = [base64.b64decode(one["b64_json"]) for one in answer.json()["data"]]
    return [np.asarray(Image.open(io.BytesIO(data))).astype(int) for data in found]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return float(np.quantile(np.asarray(values), share))


def painted(seed: int, prompt: str, **more: Any) -> dict[str, Any]:
    """Return the body of a request."""
    return {"prompt": prompt, "seed": seed} | more
