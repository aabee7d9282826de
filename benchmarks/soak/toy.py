"""A training of a few seconds, run by the command in a child process, and its result.

Children are forked from a process that has already imported everything, so that a trial does not
spend three seconds on imports. The command, its handlers and its exit behave as in a process of its
own; `races.py` covers cold starts.
"""

import gc
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import ddpm_clip.cli.training_view
import ddpm_clip.training.prepare.preparation
import ddpm_clip.utils.plots.curves  # noqa: F401  (everything that training imports)
from ddpm_clip.cli.main import main
from ddpm_clip.runs.run import Run

CONFIG = """
data: {source: "drawn-flowers:40", image_size: 16}
model: {down_chs: [32, 64], blocks: 1, t_embed_dim: 16, attention: 0}
embedder: {name: labels}
training: {steps: 24, batch_size: 8, warmup: 1, checkpoint_every: 3, sample_every: 12,
           heldout_every: 3, dtype: float32, device: cpu, threads: 1}
generation: {steps: 2, n: 1, grid_guidance: [1.0], prompts: [rose, tulip]}
"""
STEPS, EVERY = 24, 3
LIMIT = 600.0
"""Seconds after which a child counts as hanging."""

CLOCKS = ("seconds", "images_per_second")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: exit code (negative for a signal), its output, and its seconds."""

    code: int
    err: str
    seconds: float


class Child:
    """A forked child that does `work`, and exits with the code it returns."""

    def __init__(self, work: Callable[[], int], log: Path):
        self.log, self.began = log, time.monotonic()
        gc.freeze()
        self.pid = os.fork()
        if self.pid == 0:
            _become(work, log)

    def send(self, signum: int) -> None:
        """Send a signal; without effect if the child has ended."""
        os.kill(self.pid, signum)  # not reaped yet, so the process id is still valid

    def is_over(self) -> bool:
        """Whether the child has ended; it can still be waited for."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self, limit: float = LIMIT) -> Ended:
        """Wait for the end of the child; after `limit` seconds it is killed, with code 124."""
        until = time.monotonic() + limit
        while not (over := self.is_over()) and time.monotonic() < until:
            time.sleep(0.002)
        if not over:
            os.kill(self.pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        err = self.log.read_text(encoding="utf-8", errors="replace")
        return Ended(code if over else 124, err, time.monotonic() - self.began)


def _become(work: Callable[[], int], log: Path) -> None:
    """In the child: redirect all output to a file, do the work, and exit."""
    code = 70
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        code = work()
        sys.stdout.flush()
    finally:
        os._exit(code)


def command(words: Sequence[object]) -> Callable[[], int]:
    """Return a function that runs `ddpm-clip` with these words."""
    return lambda: main([str(word) for word in words])


def train_words(home: Path) -> list[str]:
    """The command line that trains the toy in `home`/run, or resumes it."""
    config = home / "toy.yaml"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8")
    return ["train", "--config", str(config), "--out", str(home / "run")]


def trained(home: Path) -> Child:
    """Start a child that trains the toy, or resumes it."""
    home.mkdir(parents=True, exist_ok=True)
    return Child(command(train_words(home)), home / "log")


def facts_of(run: Path) -> dict[str, str]:
    """SHA-256 of everything that must be bit-identical in a resumed and an uninterrupted run."""
    steps = Run.open(run).checkpoint_steps()
    rows = [{k: v for k, v in row.items() if k not in CLOCKS} for row in Run.open(run).history()]
    facts = {"steps": str(steps), "history": _hash(json.dumps(rows).encode())}
    for name in ("best.json", "config.yaml", "conditioner.safetensors", "conditioner.json"):
        facts[name] = _hash((run / name).read_bytes())
    for step in steps:
        for path in sorted(Run.open(run).checkpoint_path(step).iterdir()):
            facts[f"{step} {path.name}"] = _hash(path.read_bytes())
    for path in sorted((run / "embeddings").glob("shard-*")):
        facts[path.name] = _hash(path.read_bytes())
    return facts


def other_bits(facts: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """Like `difference`, but ignores older checkpoints: an interrupted run saves one more."""
    last = {name for name in wanted if name.startswith(f"{STEPS} ")}
    whole = {name for name in wanted if not name[0].isdigit()} - {"steps"}
    compared = last | whole | (facts.keys() & wanted.keys()) - {"steps"}
    return [name for name in difference(facts, wanted) if name in compared]


def unbroken(home: Path) -> tuple[dict[str, str], Ended]:
    """Train without interruption; returns the facts of the run, and how it ended.

    Raises:
        RuntimeError: the training failed by itself.
    """
    ended = trained(home).wait()
    if ended.code:
        raise RuntimeError(f"the toy does not train by itself: exit {ended.code}\n{ended.err}")
    return facts_of(home / "run"), ended


def difference(facts: dict[str, str], wanted: dict[str, str]) -> list[str]:
    """List the facts in which two runs differ; [] if they are bit-identical."""
    return sorted(k for k in {*facts, *wanted} if facts.get(k) != wanted.get(k))


def one_thread() -> None:
    """Use one thread, before anything is computed: forked children of a thread pool would hang."""
    torch.set_num_threads(1)


def interval(failures: int, n: int) -> dict[str, Any]:
    """A count of failures, with the interval of the failure rate."""
    from ddpm_clip.statistics.intervals import wilson

    low, high = wilson(failures, n)
    return {"failures": failures, "n": n, "interval_95": [round(low, 5), round(high, 5)]}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
