"""What the rounding of a training depends on besides its config, and what changed on a resume."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from ddpm_clip.errors import DdpmClipWarning


def surroundings(device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    """Return what rounding depends on, besides the run's config."""
    return {
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "device": device.type,
        "dtype": str(dtype).removeprefix("torch."),
    }


def report_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Warn if a run is resumed in other surroundings, where sums are rounded differently."""
    changed = [
        f"{name} was {before[name]}, now {value}"
        for name, value in now.items()
        if name in before and before[name] != value
    ]
    if changed:
        warnings.warn(
            f"the run is resumed in other surroundings ({'; '.join(changed)}): from here on it is "
            "no longer bit-identical to an uninterrupted run",
            DdpmClipWarning,
            stacklevel=3,
        )
