"""Names of files in a run folder, for code that only looks at them; loads no torch."""

from pathlib import Path

CONFIG, FACTS = "config.yaml", "run.json"
"""The config is written last: without it, a folder is not a run yet."""

STEPS, HELDOUT, SUCCESS = "history.jsonl", "heldout.jsonl", "success.jsonl"

PLAN = "plan.json"
"""What was planned for the minutes of a run, why, and how often it was planned anew."""

SAMPLES = "samples"
"""The folder of the sample grids."""


def published_steps(home: Path) -> list[int]:
    """Return the steps with a published checkpoint in a folder of checkpoints, ascending."""
    return numbered(home, "step-")


def numbered(home: Path, prefix: str) -> list[int]:
    """Return the numbers behind a prefix among the names in a folder, ascending."""
    names = [path.name.removeprefix(prefix) for path in home.glob(f"{prefix}*")]
    return sorted(int(name) for name in names if name.isdecimal())
