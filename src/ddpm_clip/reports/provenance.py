"""Where and by what something was measured: date, version, commit, machine.

Knows nothing of what was measured.
"""

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
    """Date, version and commit of the code, and what it ran on; never a path of this machine."""
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
    """The commit of the code with "+ changes" where it was edited since; "" outside a checkout.

    An installed package may lie inside the checkout of another project, so git is first asked
    whether it knows this very package.
    """
    if not _git("ls-files", "--", "__init__.py"):
        return ""
    found, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", ".")
    return f"{found} + changes" if found and changed else found


def _git(*words: str) -> str:
    """What git says of the package's folder, or nothing where there is no git or it knows none."""
    command = ["git", "-C", str(PACKAGE), *words]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""
