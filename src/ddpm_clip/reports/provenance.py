"""Date, version, commit and machine of a measurement."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import ddpm_clip

PACKAGE = Path(ddpm_clip.__file__).resolve().parent


def provenance() -> dict[str, Any]:
    """Return date, version, commit and machine; never a path of this machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ddpm_clip": ddpm_clip.__version__,
        "commit": commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


def commit() -> str:
    """Return the commit, with "+ changes" if the code was edited since; "" outside a checkout.

    An installed package may lie inside the checkout of another project, so git is first asked
    whether it tracks this package.
    """
    if not _git("ls-files", "--", "__init__.py"):
        return ""
    found, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", ".")
    return f"{found} + changes" if found and changed else found


def _git(*words: str) -> str:
    """Return git's output for the package's folder, or "" without git or a repository."""
    command = ["git", "-C", str(PACKAGE), *words]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""
