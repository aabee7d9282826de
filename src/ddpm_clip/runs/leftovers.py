"""Decides what a folder holds before a run begins there (a run, a part of one, other files)."""

import json
import shlex
from pathlib import Path
from typing import Any

from ddpm_clip.config.resolve import flatten
from ddpm_clip.config.schema import Config
from ddpm_clip.errors import CannotCreate
from ddpm_clip.runs.file_names import CONFIG, FACTS, published_steps
from ddpm_clip.utils import storage

FREE_TO_CHANGE = {
    "training.steps", "training.epochs", "training.checkpoint_every", "training.keep_last",
    "training.heldout_every", "training.sample_every", "training.animation", "training.threads",
    "training.compile", "training.device", "training.accumulation", "training.minutes",
    "training.data_on_device", "training.success_every", "training.judge", "training.track",
    "preset",
}  # fmt: skip
"""Keys that may change when a run is continued; so may all of `generation`."""


def dotted(config: Config) -> dict[str, Any]:
    """Return a config as dotted keys and plain values."""
    return flatten(config.model_dump(mode="json"))


def may_change(key: str) -> bool:
    """Whether this key may change when a run is continued."""
    return key in FREE_TO_CHANGE or key.startswith("generation.")


def if_moved(folder: Path) -> str:
    """Return what to type if the pictures of a run are not where they were."""
    return f"if they were moved: ddpm-clip resume {shlex.quote(str(folder))} --source PLACE"


def other_run(folder: Path, key: str, ours: object, theirs: object) -> CannotCreate:
    """Return the error for a run whose config differs in a key that may not change."""
    fix = "choose another --out, or --overwrite to start from scratch"
    if key == "data.source":
        fix = f"{fix}; {if_moved(folder).replace('they', 'the pictures')}"
    why = f"its {key} is {ours!r}, not {theirs!r}"
    return CannotCreate(f"{folder} holds another run", why, fix, param=key)


WRITTEN = (
    CONFIG,
    "checkpoints",
    "samples",
    "walks",
    "embedder",
    "history.jsonl",
    "heldout.jsonl",
    "success.jsonl",
    "plan.json",
    "tracking",
    "best.json",
    "nan_report.json",
    "conditioner.safetensors",
    "conditioner.json",
    "bridge.json",
    FACTS,
)
"""What is cleared for a new run, in this order: even half-cleared, the folder is known as ours."""


def only_begun(folder: Path) -> bool:
    """Whether a process was killed here while it created a run, so that no step can be lost."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return "ddpm_clip" in facts and not (folder / CONFIG).exists() and not has_steps(folder)


def is_ours(folder: Path) -> bool:
    """Whether the folder is a run or the rest of one, rather than a user's own folder."""
    return (folder / FACTS).is_file() or has_steps(folder)


def has_steps(folder: Path) -> bool:
    """Whether there is a published checkpoint."""
    return bool(published_steps(folder / "checkpoints"))


def clear(folder: Path, source: str | None) -> None:
    """Remove what an earlier run wrote and nothing else; keep pictures that the next run reads."""
    kept = folder / "pictures"  # stored pictures of a stream
    place = Path((source or "").partition(":")[2] or source or ".").expanduser()
    if (kept / "kept.json").is_file() and not place.resolve().is_relative_to(kept.resolve()):
        storage.remove(kept)
    for name in WRITTEN:
        storage.remove(folder / name)
