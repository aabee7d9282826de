"""What every benchmark needs around its measurement: a bar, tables, a sheet, JSON that says whence.

Knows nothing of what is measured.
"""

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import torch
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from ddpm_clip import TextToImage
from ddpm_clip.evaluation.judge import JudgeNet
from ddpm_clip.evaluation.success import Count
from ddpm_clip.types import Progress
from ddpm_clip.utils.visualization import grid

ROOT = Path(__file__).resolve().parents[1]
RESULTS, IMAGES = ROOT / "benchmarks" / "results", ROOT / "docs" / "images"

Result = TypeVar("Result")


def finished(work: Generator[Progress, None, Result], name: str) -> Result:
    """Run a measurement to its end under a bar on stderr."""
    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        while True:
            try:
                at = next(work)
            except StopIteration as end:
                result: Result = end.value
                return result
            bar.update(task, completed=at.done, total=at.total, description=f"{name}: {at.stage}")


def print_counts(title: str, counts: Mapping[str, Count]) -> None:
    """A table on stdout, a row a count."""
    table = Table(title=title, title_justify="left")
    table.add_column("asked", no_wrap=True)
    for column in ("pictures", "success", "95 % interval", "read as asked", "rejected"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, count in counts.items():
        low, high = count.interval
        table.add_row(name, str(count.n), f"{count.share:.1%}", f"{low:.1%} to {high:.1%}",
                      str(count.read), str(count.rejected))  # fmt: skip
    Console(width=110).print(table)  # the same on a terminal, in a pipe and in a log


def claim(text: str, measured: float, needed: float) -> dict[str, Any]:
    """A share that a release must reach, and whether it does."""
    return {"claim": text, "needed": needed, "measured": round(measured, 4),
            "holds": measured >= needed}  # fmt: skip


def print_claims(claims: Sequence[Mapping[str, Any]]) -> None:
    """One line a claim."""
    for one in claims:
        word = "holds" if one["holds"] else "FAILS"
        print(f"{word}: {one['claim']}: {one['measured']:.2%}, {one['needed']:.0%} are needed")


def write_results(path: Path, measured: Mapping[str, Any]) -> None:
    """Write the measurement with what it was made on; an earlier one is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"made": provenance()} | dict(measured), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"written: {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")


def painter(tti: TextToImage, judge: JudgeNet, steps: int, seed: int) -> dict[str, Any]:
    """Who painted, how, and who judged."""
    return {
        "model": tti.model.name, "model_fingerprint": tti.model.fingerprint,
        "bridge": tti.model.config.conditioning.bridge, "steps": steps,
        "seeds": f"one a picture, {seed} and up", "judge": judge.card,
    }  # fmt: skip


def save_first_seeds(
    tti: TextToImage, prompts: Sequence[str], n: int, path: Path, **settings: Any
) -> None:
    """A sheet of the first `n` seeds of each prompt, whatever came out."""
    pictures = tti(prompts, n=n, **settings)
    rows = [pictures[i : i + n] for i in range(0, len(pictures), n)]
    path.parent.mkdir(parents=True, exist_ok=True)
    grid(rows, row_names=prompts, zoom=2).save(path)


def provenance() -> dict[str, Any]:
    """Date, command, commit and machine."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "commit": _git("rev-parse", "HEAD") or "not committed",
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", "src", "benchmarks")),
        "cpu": _cpu(), "threads": torch.get_num_threads(), "torch": torch.__version__,
        "python": platform.python_version(), "system": platform.system(),
    }  # fmt: skip


def _git(*words: str) -> str:
    """What git says, or nothing where there is no git, no repository or no commit."""
    try:
        run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} threads" if names else platform.processor()
