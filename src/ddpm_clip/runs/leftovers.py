"""What a folder holds before a run begins there: nothing, this run, another, or other files."""

import json
from pathlib import Path
from typing import Any

from ddpm_clip.config.resolve import flatten
from ddpm_clip.config.schema import Config
from ddpm_clip.runs import checkpoints
from ddpm_clip.utils import storage

FREE_TO_CHANGE = {
    "training.steps", "training.epochs", "training.checkpoint_every", "training.keep_last",
    "training.heldout_every", "training.sample_every", "training.animation", "training.threads",
    "training.compile", "training.device", "training.accumulation", "preset",
}  # fmt: skip
"""Keys in which a continued run may differ; all of `generation` too."""


CONFIG, FACTS = "config.yaml", "run.json"
"""The first is written last: a folder without it is no run yet."""


def dotted(config: Config) -> dict[str, Any]:
    """A config as dotted keys and plain values."""
    return flatten(config.model_dump(mode="json"))


def may_change(key: str) -> bool:
    """May a continued run differ from the first one in this key?"""
    return key in FREE_TO_CHANGE or key.startswith("generation.")


WRITTEN = (
    CONFIG,
    "checkpoints",
    "samples",
    "embedder",
    "history.jsonl",
    "best.json",
    "nan_report.json",
    "conditioner.safetensors",
    "conditioner.json",
    "bridge.json",
    FACTS,
)
"""What is cleared for another run, in this order: half-cleared, the folder is no run, and ours."""


def only_begun(folder: Path) -> bool:
    """Whether a run was being made here when its process was killed: it has no step to lose."""
    try:
        told = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return "ddpm_clip" in told and not (folder / CONFIG).exists() and not has_steps(folder)


def is_ours(folder: Path) -> bool:
    """Whether it is a run, or what is left of one, and not any folder of a person."""
    return (folder / FACTS).is_file() or has_steps(folder)


def has_steps(folder: Path) -> bool:
    """Is there a published checkpoint?"""
    return bool(checkpoints.published_steps(folder / "checkpoints"))


def clear(folder: Path, source: str | None) -> None:
    """Remove what an earlier run wrote, and nothing else; not the pictures of the next one."""
    kept = folder / "pictures"  # of a stream
    place = Path((source or "").partition(":")[2] or source or ".").expanduser()
    if (kept / "kept.json").is_file() and not place.resolve().is_relative_to(kept.resolve()):
        storage.remove(kept)
    for name in WRITTEN:
        storage.remove(folder / name)
