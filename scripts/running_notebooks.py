"""Runs percent scripts in a Jupyter kernel, for `write_notebook.py` and `write_course.py`."""

import base64
import hashlib
import io
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

from ddpm_clip.course.notebooks import as_notebook, read_percent

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS = 900
"""Time for one cell, on a machine that does nothing else."""

WARNING = re.compile(r"^\S+\.py:\d+: (\w+: .*)\n.*\n", re.MULTILINE)
"""A warning as Python shows it: its place, its text, and the line of code."""


def digest(script: str) -> str:
    """Return the SHA-256 of a script's code cells; its text may change without a new run."""
    code = [cell.source for cell in read_percent(script) if cell.kind == "code"]
    return hashlib.sha256("\n\0".join(code).encode()).hexdigest()


def executed(script: str, folder: Path, seconds: int = MOST_SECONDS) -> Any:
    """Run a percent script in a kernel, and return its notebook with outputs.

    Args:
        script: the text of the script.
        folder: current folder of the kernel.
        seconds: time for one cell.
    """
    notebook = nbformat.from_dict(as_notebook(script))
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=seconds, kernel_name="python3", resources=resources, coalesce_streams=True
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, which differ each time
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":  # warnings, without where this package lies
                output.text = WARNING.sub(r"\1\n", output.text)
            if "image/png" in output.get("data", {}):
                output.data.pop("image/jpeg", None)  # Pillow offers every picture as both
                output.data["image/png"] = compact(output.data["image/png"])
    return notebook


def compact(png: str) -> str:
    """Return a PNG in base64 with at most 256 colours, which takes a third of the space."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    few = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    small = base64.b64encode(buffer.getvalue()).decode()
    return min(small, png, key=len)


def provenance(script: str, but: str = "") -> dict[str, str]:
    """Return which code was run, when, on what and at which commit; `but` as for `commit`."""
    return {
        "code": digest(script),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "commit": commit(but),
    }


def commit(but: str = "") -> str:
    """Return the commit that is checked out, with a + if files differ from it.

    Args:
        but: a folder whose files do not count, such as that of the notebooks.
    """
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    status = [*git, "status", "--porcelain", "--", ".", *([f":!{but}"] if but else [])]
    changed = subprocess.run(status, capture_output=True, text=True)
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")
