"""Claim: `kill -9` loses nothing: the run resumes, and is bit-identical to an uninterrupted one.

A hundred kills at random times and a hundred during a save. After each kill the newest checkpoint
must open; then the same command resumes, and weights, EMA, optimiser, history and embeddings are
compared by hash with an uninterrupted run. The control saves in place, is also killed during its
saves, and must lose checkpoints.

    python benchmarks/soak/kill9.py                an hour on two cores
    python benchmarks/soak/kill9.py --smoke        three kills of each kind
"""

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from toy import (
    EVERY,
    STEPS,
    Child,
    command,
    difference,
    facts_of,
    interval,
    one_thread,
    train_words,
    trained,
    unbroken,
)
from trials import RESULTS, Trials, claim, parsed, print_claims, write_results

from ddpm_clip.runs.checkpoints import Checkpoint, path_of
from ddpm_clip.runs.run import Run
from ddpm_clip.utils.tensors import load_tensors, save_tensors

NEEDED = 0.9
"""Share of kills during a save in which the control must lose its checkpoint."""

TRIES = 50
"""Attempts of a trial until a kill happens at the right time."""


def killed_at_random(home: Path, seconds: float, rng: random.Random) -> bool:
    """Train, and kill at a random moment of a run of about `seconds`; False if it was too late."""
    child = trained(home)
    time.sleep(rng.uniform(0, seconds))
    return _killed(child)


def killed_in_a_save(home: Path, seconds: float, rng: random.Random) -> bool:
    """Train, and kill while a checkpoint is being written or an old one deleted."""
    child, folder = trained(home), home / "run" / "checkpoints"
    _wait_for_save(child, folder, rng.randrange(STEPS // EVERY), lambda: _half_made(folder))
    time.sleep(rng.uniform(0, seconds / 100))
    return _killed(child) and bool(_half_made(folder))


def control_killed_in_a_save(home: Path, seconds: float, rng: random.Random) -> bool:
    """Train with the saver in place, and kill while one of its files is incomplete."""
    home.mkdir(parents=True, exist_ok=True)
    words, folder = train_words(home), home / "run" / "checkpoints"

    def work() -> int:
        with patch("ddpm_clip.runs.checkpoints.publish", save_in_place):
            return command(words)()

    child, sizes = Child(work, home / "log"), dict[str, int]()

    def is_torn() -> bool:
        """Whether a file is smaller than before; a save begins by truncating one."""
        now = {path.name: path.stat().st_size for path in folder.glob("last/*.safetensors")}
        torn = any(size < sizes.get(name, 0) for name, size in now.items())
        for name, size in now.items():
            sizes[name] = max(size, sizes.get(name, 0))
        return torn

    _wait_for_save(child, folder, rng.randrange(STEPS // EVERY - 1), is_torn)
    return _killed(child) and not (home / "run" / "loss.png").exists()


def save_in_place(home: Path, checkpoint: Checkpoint) -> Path:
    """The naive saver: four files, each overwriting the previous save."""
    place = home / "last"
    place.mkdir(parents=True, exist_ok=True)
    step = torch.tensor(checkpoint.step)
    for name, tensors in checkpoint.tensors.items():
        save_tensors(place / f"{name}.safetensors", tensors | {"step": step})
    return path_of(home, checkpoint.step)


def control_lost(home: Path) -> str:
    """What is wrong with the control's only checkpoint; "" if it is complete and of one step."""
    try:
        files = sorted((home / "run" / "checkpoints" / "last").iterdir())
        steps = {load_tensors(path)["step"].item() for path in files}
    except (OSError, ValueError) as error:
        return f"torn: {str(error)[:80]}"
    return f"of several steps: {sorted(steps)}" if len(steps) > 1 or len(files) < 3 else ""


def _killed(child: Child) -> bool:
    in_time = not child.is_over()
    child.send(signal.SIGKILL)
    return child.wait().code == -signal.SIGKILL and in_time


def _wait_for_save(child: Child, folder: Path, nth: int, is_saving: Callable[[], object]) -> None:
    """Wait until save number `nth`, counted from 0, begins, or until the child ends."""
    seen, inside = -1, False
    while not child.is_over():
        now = bool(is_saving())
        seen += now and not inside
        if now and seen >= nth:
            return
        inside = now
        time.sleep(0.0002)


def _half_made(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.startswith((".tmp-step", ".del-step"))]
    except FileNotFoundError:
        return []


WAYS = {"random": killed_at_random, "aimed": killed_in_a_save, "control": control_killed_in_a_save}


def opened(run: Path) -> dict[str, Any]:
    """What remains after a kill: the step of the newest checkpoint, and whether one was lost."""
    if not (run / "config.yaml").is_file():
        return {"step": None, "lost": ""}  # killed before there was a run: nothing to lose
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            checkpoint = Run.open(run).load()
        except Exception as error:  # whatever the reason, the run is lost
            return {"step": None, "lost": f"{type(error).__name__}: {error}"[:300]}
    step = None if checkpoint is None else checkpoint.step
    seen = len(Run.open(run).history())
    late = seen - (step or 0) if seen > (step or 0) + EVERY else 0
    lost = str(caught[0].message)[:300] if caught else f"{late} steps are lost" if late else ""
    return {"step": step, "lost": lost}


def trial(
    rng: random.Random,
    kill: Callable[..., bool],
    seconds: float,
    wanted: dict[str, str],
    is_control: bool,
) -> dict[str, Any]:
    """Kill once, check what remains, and let the run resume to its end."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "trial"
        for tries in range(1, TRIES + 1):  # noqa: B007 (used below)
            if kill(home, seconds, rng):
                break
            shutil.rmtree(home)  # too late, or not during the save: try again
        else:
            raise RuntimeError(f"{TRIES} kills came too late; is the machine very busy?")
        if is_control:
            return {"tries": tries, "lost": control_lost(home)}
        left = opened(home / "run")
        ended = trained(home).wait()
        differs = difference(facts_of(home / "run"), wanted) if ended.code == 0 else ["exit"]
        said = ended.err[-500:] if differs else ""
        return {"tries": tries, **left, "code": ended.code, "differs": differs, "said": said}


def main() -> None:
    options = _options()
    one_thread()
    trials = Trials("kill9", options.again)
    with tempfile.TemporaryDirectory() as place:
        wanted, whole = unbroken(Path(place) / "whole")
    print(f"an uninterrupted run takes {whole.seconds:.1f} s", flush=True)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in options.arms}
    for name in options.arms:
        work = partial(
            trial,
            kill=WAYS[name],
            seconds=whole.seconds,
            wanted=wanted,
            is_control=name == "control",
        )
        for row in trials.run(name, options.kills, work):
            rows[name].append(row)
            outcome = row["lost"] or ", ".join(row.get("differs", [])) or "nothing lost"
            print(f"{name} {row['number']}: step {row.get('step')}, {outcome}", flush=True)
    if rows.keys() == WAYS.keys():
        report(rows, options)
        trials.finished()


def report(rows: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Write the counts and claims."""
    ours = rows["random"] + rows["aimed"]
    lost = sum(bool(row["lost"]) for row in ours)
    differ = sum(bool(row["differs"]) for row in ours)
    control = sum(bool(row["lost"]) for row in rows["control"])
    kept = [
        claim(f"kills that lost a checkpoint, of {len(ours)}", lost, 0, at_most=True, unit="kills"),
        claim(
            f"resumed runs that are not bit-identical to an uninterrupted one, of {len(ours)}",
            differ,
            0,
            at_most=True,
            unit="runs",
        ),
        claim(
            "control: kills during a save that lost its checkpoint",
            control / len(rows["control"]),
            NEEDED,
        ),
    ]
    print_claims(kept)
    write_results(
        options.out,
        {
            "claims": kept,
            "kills": options.kills,
            "lost": interval(lost, len(ours)),
            "differ": interval(differ, len(ours)),
            "control_lost": interval(control, len(rows["control"])),
            "steps_at_the_kill": {
                name: [row["step"] for row in rows[name]] for name in ("random", "aimed")
            },
            "failed": [row for row in ours if row["lost"] or row["differs"]],
            "control_kept": [row for row in rows["control"] if not row["lost"]],
        },
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="kills of each kind")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=list(WAYS),
        default=list(WAYS),
        help="kinds to run, so that several processes can share them; the report needs all",
    )
    parser.add_argument("--again", action="store_true", help="discard finished trials")
    parser.add_argument("--smoke", action="store_true", help="three trials of each kind")
    parser.add_argument("--out", type=Path, default=RESULTS / "kill9.json")
    options = parsed(parser)
    if options.smoke:
        options.kills = 3
    return options


if __name__ == "__main__":
    main()
