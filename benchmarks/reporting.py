"""Shared by all benchmarks: progress bar, tables, sheets of pictures, and JSON with provenance."""

import hashlib
import json
import platform
import shlex
import sys
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import torch
from clean_tree import RESULTS as RESULTS
from clean_tree import ROOT, at_start, has_uncommitted, is_uncommitted
from clean_tree import parsed as parsed
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.prompts.success import Count
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress
from ddpm_clip.utils.device import pick_dtype
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.visualization import grid

IMAGES = ROOT / "docs" / "images"
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")

Result = TypeVar("Result")


def finished(work: Generator[Progress, None, Result], name: str) -> Result:
    """Run a measurement to its end, with a progress bar on stderr."""
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        return finish(
            work,
            lambda at: bar.update(
                task, completed=at.done, total=at.total, description=f"{name}: {at.stage}"
            ),
        )


def print_counts(title: str, counts: Mapping[str, Count]) -> None:
    """Print a table on stdout, one row per count."""
    table = Table(title=title, title_justify="left")
    table.add_column("requested", no_wrap=True)
    for column in ("pictures", "success", "95 % interval", "read as requested", "rejected"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, count in counts.items():
        low, high = count.interval
        table.add_row(
            name,
            str(count.n),
            f"{count.share:.1%}",
            f"{low:.1%} to {high:.1%}",
            str(count.read),
            str(count.rejected),
        )
    Console(width=110).print(table)  # same width in a terminal, a pipe and a log


def counted(outcomes: Sequence[bool]) -> dict[str, Any]:
    """Share, n and the Wilson interval of outcomes, for JSON."""
    low, high = wilson(sum(outcomes), len(outcomes))
    share = round(sum(outcomes) / len(outcomes), 4)
    return {
        "n": len(outcomes),
        "success": sum(outcomes),
        "share": share,
        "interval_95": [round(low, 4), round(high, 4)],
    }


def claim(
    text: str, measured: float | None, needed: float, *, at_most: bool = False, unit: str = "%"
) -> dict[str, Any]:
    """A figure with the target that a release must meet, and whether it does.

    Args:
        text: what is claimed.
        measured: measured figure, in `unit`; as a share if that is "%"; None if never reached.
        needed: target, in the same unit.
        at_most: whether the target is an upper bound; otherwise it is a lower bound.
        unit: "%", "x" for a ratio, "s", "minutes", …
    """
    more = {"at_most": True} if at_most else {}
    more |= {} if unit == "%" else {"unit": unit}
    if measured is None:
        return {"claim": text, "needed": needed, "measured": None, "holds": False} | more
    return {
        "claim": text,
        "needed": needed,
        "measured": round(measured, 4),
        "holds": measured <= needed if at_most else measured >= needed,
    } | more


def print_claims(claims: Sequence[Mapping[str, Any]]) -> None:
    """Print one line per claim."""
    for one in claims:
        word, unit = "holds" if one["holds"] else "FAILS", one.get("unit", "%")
        bar = "at most" if one.get("at_most") else "at least"
        needed, measured = in_unit(one["needed"], unit), in_unit(one["measured"], unit)
        print(f"{word}: {one['claim']}: {measured}, target {bar} {needed}")


def in_unit(value: float | None, unit: str) -> str:
    """A readable figure.

    >>> in_unit(0.0512, "%"), in_unit(5.123, "x"), in_unit(3.0, "minutes")
    ('5.1 %', '5.1x', '3 minutes')
    """
    if value is None:
        return "never"
    if unit == "%":
        return f"{100 * value:.3g} %"
    return f"{value:.3g}x" if unit == "x" else f"{value:.3g} {unit}".rstrip()


def write_results(path: Path, measured: Mapping[str, Any]) -> None:
    """Write a measurement with its provenance, replacing an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = provenance()
    made["uncommitted_changes"] |= has_uncommitted(measured)
    made["digest"] = digest(measured)
    text = json.dumps({"made": made} | dict(measured), indent=1, ensure_ascii=False)
    write_text(path, text + "\n")
    print(f"written: {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")


def digest(measured: Mapping[str, Any]) -> str:
    """16 hex digits of a hash of what was measured, so that a later edit by hand is noticed."""
    facts = {name: value for name, value in measured.items() if name != "made"}
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def painter(tti: TextToImage, judge: JudgeNet, steps: int, seed: int) -> dict[str, Any]:
    """The model, its settings and the judge."""
    return {
        "model": tti.model.name,
        "model_fingerprint": tti.model.fingerprint,
        "bridge": tti.model.config.conditioning.bridge,
        "steps": steps,
        "seeds": f"one a picture, {seed} and up",
        "judge": judge.card,
    }


def save_first_seeds(
    tti: TextToImage, prompts: Sequence[str], n: int, path: Path, **settings: Any
) -> None:
    """Save a sheet with the first `n` seeds of each prompt, without selection."""
    pictures = tti(prompts, n=n, **settings)
    rows = [pictures[i : i + n] for i in range(0, len(pictures), n)]
    path.parent.mkdir(parents=True, exist_ok=True)
    grid(rows, row_names=prompts, zoom=2).save(path)


def provenance() -> dict[str, Any]:
    """Date, command, commit and machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(sys.argv),
        "commit": at_start().commit or "not committed",
        "uncommitted_changes": is_uncommitted(),
        "cpu": _cpu(),
        "cpu_can": cpu_features(),
        "threads": torch.get_num_threads(),
        "dtype": str(pick_dtype("auto", torch.device("cpu"))).removeprefix("torch."),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
    }


def command(words: Sequence[str]) -> str:
    """What was typed; of absolute paths only the names, as the folders are one machine's."""
    named = [Path(word).name if Path(word).is_absolute() else word for word in words[1:]]
    return shlex.join(["python", f"benchmarks/{Path(words[0]).name}", *named])


def cpu_features(path: Path = Path("/proc/cpuinfo")) -> list[str]:
    """The vector and bfloat16 units of the CPU, which decide how fast networks run."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    flags = next((line.partition(":")[2].split() for line in lines if line[:5] == "flags"), [])
    return [name for name in FEATURES if name in flags]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} threads" if names else platform.processor()
