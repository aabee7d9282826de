"""What each of two processes does, started by torchrun from `test_many_processes.py`.

One launch serves many tests, because starting takes longer than all that is done here. What a
process saw goes into rank-N.json of the folder it is given.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from test_loop import config, prepared

from ddpm_clip.errors import DataError, NonFiniteError, UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.loop import train
from ddpm_clip.training.process_group import ProcessGroup, join

STEPS = 20
SETTINGS = {
    "plain": {},
    "uneven": {"batch_size": 7, "channels_last": False},
    "accumulated": {"batch_size": 7, "accumulation": 4},  # three micro-batches here, four there
}
"""Trainings whose numbers must not depend on the processes."""


def settings(name):
    return config(**{"steps": STEPS, "checkpoint_every": 8, **SETTINGS[name]})


def refuse(*_, **__):
    raise AssertionError("only the first process may write")


def trained(group: ProcessGroup, folder: Path, config, data, stop=None):
    """(step, loss, held-out loss) of every step that this process yields."""
    if group.is_first:
        Run.create(folder, config)
    group.meet()
    run, seen = Run.open(folder), []
    if not group.is_first:
        for name in ("save", "append_history", "cut_history", "write_json", "_write_config"):
            setattr(run, name, refuse)
    steps = train(run, data, group=group)
    for step in steps:
        seen.append((step.step, step.loss, step.heldout_loss))
        if step.step == stop:
            break
    steps.close()
    return seen


def stopped_by(kind, group, folder, config, data):
    """How the steps end that should not go on."""
    try:
        trained(group, folder, config, data)
    except kind as error:
        return {"what": error.what, "exit_code": error.exit_code}
    return None


def main(home: Path) -> None:
    torch.set_num_threads(1)
    group = join("cpu")
    assert group.size == 2
    assert torch.distributed.get_world_size() == 2
    told = {"size": group.size, "rank": group.rank, "name": str(group)}
    for name in SETTINGS:
        told[name] = trained(group, home / "two" / name, settings(name), prepared(flip=True))
    data, plain = prepared(flip=True), settings("plain")
    trained(group, home / "two, then one", plain, data, stop=9)
    told["one, then two"] = trained(group, home / "one, then two", plain, data)
    told["dropout"] = trained(group, home / "two" / "dropout", config(dropout=0.5, steps=3), data)
    too_small = config(batch_size=1)
    told["too small"] = stopped_by(UsageError, group, home / "small", too_small, data)
    spoilt = prepared()
    spoilt.embeddings[12:] = float("nan")  # some rows of every batch, and not in both shares alike
    warnings.simplefilter("ignore")  # of each step that is left out
    every = config(checkpoint_every=1)
    told["spoilt"] = stopped_by(NonFiniteError, group, home / "spoilt", every, spoilt)
    told["signals"] = group.agreed(15 if group.rank == 1 else None), group.agreed(None)
    group.check_same("pictures", "four")
    try:
        group.check_same("pictures here", f"{4 + group.rank}")
        told["other pictures"] = None
    except DataError as error:
        told["other pictures"] = error.what
    group.meet()
    (home / f"rank-{group.rank}.json").write_text(json.dumps(told))
    group.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
