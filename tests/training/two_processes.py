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
from ddpm_clip.training.world import World, join

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


def trained(world: World, folder: Path, config, data, stop=None):
    """(step, loss, held-out loss) of every step that this process yields."""
    if world.is_first:
        Run.create(folder, config)
    world.meet()
    run, seen = Run.open(folder), []
    if not world.is_first:
        for name in ("save", "append_history", "cut_history", "write_json", "_write_config"):
            setattr(run, name, refuse)
    steps = train(run, data, world=world)
    for step in steps:
        seen.append((step.step, step.loss, step.heldout_loss))
        if step.step == stop:
            break
    steps.close()
    return seen


def stopped_by(kind, world, folder, config, data):
    """How the steps end that should not go on."""
    try:
        trained(world, folder, config, data)
    except kind as error:
        return {"what": error.what, "exit_code": error.exit_code}
    return None


def main(home: Path) -> None:
    torch.set_num_threads(1)
    world = join("cpu")
    assert world.size == 2
    assert torch.distributed.get_world_size() == 2
    told = {"size": world.size, "rank": world.rank, "name": str(world)}
    for name in SETTINGS:
        told[name] = trained(world, home / "two" / name, settings(name), prepared(flip=True))
    data, plain = prepared(flip=True), settings("plain")
    trained(world, home / "two, then one", plain, data, stop=9)
    told["one, then two"] = trained(world, home / "one, then two", plain, data)
    told["dropout"] = trained(world, home / "two" / "dropout", config(dropout=0.5, steps=3), data)
    too_small = config(batch_size=1)
    told["too small"] = stopped_by(UsageError, world, home / "small", too_small, data)
    spoilt = prepared()
    spoilt.embeddings[12:] = float("nan")  # some rows of every batch, and not in both shares alike
    warnings.simplefilter("ignore")  # of each step that is left out
    every = config(checkpoint_every=1)
    told["spoilt"] = stopped_by(NonFiniteError, world, home / "spoilt", every, spoilt)
    told["signals"] = world.agreed(15 if world.rank == 1 else None), world.agreed(None)
    world.check_same("pictures", "four")
    try:
        world.check_same("pictures here", f"{4 + world.rank}")
        told["other pictures"] = None
    except DataError as error:
        told["other pictures"] = error.what
    world.meet()
    (home / f"rank-{world.rank}.json").write_text(json.dumps(told))
    world.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
