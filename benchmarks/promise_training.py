"""Trains the networks of `promise.py`, each in its own folder; what is finished is not repeated.

The denoiser's time is counted in seconds of a core, because a machine is seldom idle for so long:
some steps are measured before the first one, and so many minutes on so many cores are as many steps
as these seconds pay for. The training then runs as one process a core, or as fewer, each on one
thread, because threads that wait for each other lose most of their time beside other programs. An
interrupted training goes on where it was.
"""

import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from promise_data import Packs
from recipes import made_once, set_flags, settled
from rich.console import Console
from rich.progress import Progress as Bar
from strong_judge import StrongJudge, train_strong_judge

from ddpm_clip import TextToImage
from ddpm_clip.runs.pretrained import run_checkpoint
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.storage import write_text

JUDGE = {"steps": 1800, "batch_size": 256, "lr": 0.2, "seed": 2077}
PACE_STEPS, UNTIMED = 30, 5
"""Steps that are measured, and how many of them come first and do not count."""


KEPT = 100
"""Checkpoints that are kept: each interruption leaves one more, and those measured must stay."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long the denoiser trains, and after how many steps it is measured."""

    minutes: tuple[int, ...]
    cores: int
    cpu_seconds_a_step: float
    steps: tuple[int, ...]  # after each of `minutes`

    @property
    def every(self) -> int:
        """Steps between two checkpoints, which the measured ones are multiples of."""
        return math.gcd(*self.steps)


def strong_judge(packs: Packs, folder: Path) -> StrongJudge:
    """Train the judge, unless it exists."""

    def make() -> None:
        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("judge", total=JUDGE["steps"])
            for at in train_strong_judge(folder, packs.judge, packs.test, **JUDGE):  # type: ignore[arg-type]
                bar.update(task, completed=at.step, description=f"judge {at.accuracy:.0%}")

    made_once(folder, {"pictures": packs.facts, "training": JUDGE}, make)
    return StrongJudge.load(folder)


def budget_of(
    recipe: Path, changes: Sequence[str], work: Path, minutes: tuple[int, ...], cores: int
) -> Budget:
    """Measure what a step costs, unless that was done for this training already.

    Args:
        recipe: the recipe of the denoiser.
        changes: KEY=VALUE changes of it.
        work: folder of the trained networks.
        minutes: after which the denoiser is measured; it trains for the longest.
        cores: how many idle cores these minutes are meant for.
    """
    note = work / "budget.json"
    if note.is_file():
        kept = json.loads(note.read_text(encoding="utf-8"))
        found = Budget(
            tuple(kept["minutes"]), kept["cores"], kept["cpu_seconds_a_step"], tuple(kept["steps"])
        )
        if (found.minutes, found.cores) == (minutes, cores):
            return found
    cost = _cpu_seconds_a_step(recipe, [*changes, "training.threads=1"], work / "pace")
    unit = math.gcd(*minutes)
    steps = max(1, round(60 * unit * cores / cost))
    found = Budget(minutes, cores, round(cost, 4), tuple(steps * m // unit for m in minutes))
    write_text(note, json.dumps(asdict(found), indent=1) + "\n")
    return found


def denoiser(
    recipe: Path, changes: Sequence[str], folder: Path, budget: Budget, processes: int
) -> dict[str, Any]:
    """Train the denoiser to the end of its budget, in so many processes of one thread.

    Returns:
        The seconds of a core and of the clock that the training took, start and end included.
    """
    note, last = folder.with_name(f"{folder.name}.spent.json"), max(budget.steps)
    spent = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else []
    if not (folder / "config.yaml").is_file() or last not in Run.open(folder).checkpoint_steps():
        began, used = time.perf_counter(), _children()
        command = _command(recipe, [*changes, *_lengths(budget)], folder, processes)
        print("$", *command[1:], flush=True)
        try:
            done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        finally:
            clock = round(time.perf_counter() - began)
            spent.append({"cpu_seconds": round(_children() - used), "seconds": clock})
            write_text(note, json.dumps(spent) + "\n")
        if done.returncode:
            raise SystemExit(done.returncode)
    return {
        "cpu_seconds": sum(one["cpu_seconds"] for one in spent),
        "seconds": sum(one["seconds"] for one in spent),
        "times_started": len(spent),
    }


def at_step(folder: Path, step: int) -> TextToImage:
    """The model as it was after a step of its training."""
    tti = TextToImage.from_pretrained(str(folder))
    tti.model.network.load_state_dict(run_checkpoint(Run.open(folder), step).tensors["ema"])
    return tti


def _lengths(budget: Budget) -> list[str]:
    last = max(budget.steps)
    return [
        f"training.steps={last}",
        f"training.checkpoint_every={budget.every}",
        f"training.keep_last={KEPT}",
    ]


def _command(recipe: Path, changes: Sequence[str], folder: Path, processes: int) -> list[str]:
    start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    words = ["--config", str(recipe), "--out", str(folder), "--no-animation", *set_flags(changes)]
    return [sys.executable, *(start if processes > 1 else []), "-m", "ddpm_clip", "train", *words]


def _cpu_seconds_a_step(recipe: Path, changes: Sequence[str], folder: Path) -> float:
    """Seconds of a core that a step takes, the median of some."""
    threads = torch.get_num_threads()
    config = settled(recipe, [*changes, f"training.steps={PACE_STEPS + 1}"])
    run = start_run(folder, config, overwrite=True)
    prepared, costs = finish(prepare(run)), []
    began = time.process_time()
    for at in train(run, prepared):
        now = time.process_time()
        if UNTIMED < at.step <= PACE_STEPS:
            costs.append(now - began)
        began = now
    torch.set_num_threads(threads)
    return median(costs)


def _children() -> float:
    """Seconds of a core that finished child processes have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
