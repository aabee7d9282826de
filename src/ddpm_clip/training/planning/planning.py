"""Plans a training of given minutes: measures this machine, chooses, and says why.

What is given stays as it is: only keys that nobody set are chosen. The steps are planned anew while
the training runs (`steps/pace.py`), so that it ends on time even if the machine gets busier.
"""

from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ddpm_clip.build import usable_device
from ddpm_clip.config.schema import Config
from ddpm_clip.data.remote.streams import Stream
from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.training.planning.calibration import seconds_per_step
from ddpm_clip.training.planning.candidates import Candidate, fitting
from ddpm_clip.training.planning.expectations import expected, known_budgets
from ddpm_clip.training.prepare.pictures import open_data
from ddpm_clip.training.steps.pace import BACKWARD, CLOSING, Timing
from ddpm_clip.types import ImageSource, Progress
from ddpm_clip.utils.resizing import Size

CALIBRATION = 20.0
"""Seconds for measuring the candidates; at most a tenth of the time that is given."""

LOOKED_AT = 16
"""Pictures whose own size is looked at."""

SIZE, NETWORK = "data.image_size", ("model.down_chs", "model.arch", "model.blocks", "model.stem")


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured for one candidate: seconds per step, and the steps that would fit."""

    candidate: Candidate
    seconds: float
    steps: int

    @property
    def is_enough(self) -> bool:
        """Whether enough steps of it fit into the time."""
        return self.steps >= self.candidate.needed

    def __str__(self) -> str:
        """Return the trial as a sentence."""
        one = self.candidate
        word = "fit" if self.is_enough else "are too few"
        return (
            f"{one.name} network at {one.side} pixels: {1000 * self.seconds:,.0f} ms a step, "
            f"{self.steps:,} steps {word} (it needs {one.needed:,})"
        )


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A config with everything chosen, and why.

    Attributes:
        config: the config to train with.
        pictures: number of pictures, held-out ones included.
        device: type of the device.
        chosen: keys that were chosen, with their values.
        trials: what was measured.
    """

    config: Config
    pictures: int
    device: str
    chosen: dict[str, Any] = field(default_factory=dict)
    trials: tuple[Trial, ...] = ()

    def lines(self) -> list[str]:
        """Return the plan for a person: what, why, and what to expect."""
        options, size = self.config.training, Size.of(self.config.data.image_size)
        seen = options.steps * options.batch_size
        many = f", {seen / self.pictures:.1f} times each picture"
        threads = f" with {torch.get_num_threads()} threads" if self.device == "cpu" else ""
        lines = [
            f"Plan for {options.minutes:g} min on {self.device}{threads}: pictures of {size}, "
            f"network {self.config.model.arch} {list(self.config.model.down_chs)},",
            f"  about {options.steps:,} steps of {options.batch_size} pictures{many}; the learning "
            f"rate {options.lr:g} rises for {options.warmup} steps and falls in the last "
            f"{100 * options.decay:.0f} % of the time.",
        ]
        lines += [f"  {trial}" for trial in self.trials]
        like = expected(seen, max(size), known_budgets())
        return lines + ([] if like is None else [f"  To expect: {like}"])

    def as_dict(self) -> dict[str, Any]:
        """Return the plan for plan.json."""
        trials = [
            {
                "network": one.candidate.name,
                "side": one.candidate.side,
                "seconds_per_step": one.seconds,
                "steps": one.steps,
                "needed": one.candidate.needed,
            }
            for one in self.trials
        ]
        return {
            "minutes": self.config.training.minutes,
            "pictures": self.pictures,
            "device": self.device,
            "chosen": self.chosen,
            "trials": trials,
        }


def plan_training(
    config: Config,
    given: Collection[str] = (),
    *,
    timing: Timing = Timing(),  # noqa: B008 - it is frozen
    processes: int = 1,
) -> Generator[Progress, None, TrainingPlan]:
    """Choose size, network, steps and learning rate for the minutes of a config.

    Args:
        config: a config whose `training.minutes` is set.
        given: dotted keys that are not to be chosen.
        timing: the clock, when the work began, and what follows the last step.
        processes: processes that share a batch.

    Raises:
        UsageError: `training.minutes` is not set.
        DataError: there are no pictures.
    """
    minutes = config.training.minutes
    if minutes is None:
        raise UsageError("there is nothing to plan", fix="set training.minutes", param="minutes")
    source = open_data(config.data, streams=True, says=False)
    pictures = len(source)
    side = max(config.data.image_size) if SIZE in given else None
    network_given = any(key in given for key in NETWORK)
    finest = _finest(source) if side is None else 0
    candidates = fitting(side, network_given, pictures, finest)
    seconds = min(CALIBRATION, 6 * minutes) / len(candidates)
    trials: list[Trial] = []
    for number, one in enumerate(candidates):
        yield Progress("plan", number, len(candidates), f"{one.name}, {one.side} pixels")
        trial = _tried(one, config, given, seconds, timing, processes)
        trials.append(trial)
        if not trial.is_enough:
            break  # what is more demanding would not fit either
    yield Progress("plan", len(candidates), len(candidates))
    best = next((trial for trial in reversed(trials) if trial.is_enough), trials[0])
    values = _network(best.candidate, given) | _schedule(best.steps, config, given)
    device = usable_device(config.training.device).type
    chosen = {key: list(v) if isinstance(v, tuple) else v for key, v in values.items()}
    return TrainingPlan(_with(config, values), pictures, device, chosen, tuple(trials))


def _tried(
    one: Candidate,
    config: Config,
    given: Collection[str],
    budget: float,
    timing: Timing,
    processes: int,
) -> Trial:
    """Measure a candidate; count the steps that fit into the time that will be left."""
    whole = _with(config, _network(one, given))
    side = max(whole.data.image_size)
    found = seconds_per_step(whole, budget, processes, timing.clock)
    spent = 0.0 if timing.began is None else timing.clock() - timing.began
    batch = max(1, whole.training.batch_size // processes)
    closing = CLOSING + timing.evaluations * found / (BACKWARD * batch) if timing.evaluations else 0
    left = 60 * (whole.training.minutes or 0) - spent - closing
    shown = Candidate(one.name, side, one.network, one.steps, one.pictures)
    return Trial(shown, found, max(1, int(left / found)))


def _network(one: Candidate, given: Collection[str]) -> dict[str, Any]:
    """Return the keys of a candidate that are not given; a given network is left whole."""
    values = dict(one.network)
    if any(key in given for key in NETWORK):
        values = {}
    size = {} if SIZE in given else {SIZE: Size(one.side, one.side)}
    return size | {key: value for key, value in values.items() if key not in given}


def _schedule(steps: int, config: Config, given: Collection[str]) -> dict[str, Any]:
    """Return the number of steps, and how often things happen in so many."""
    often = {
        "training.warmup": min(config.training.warmup, max(5, steps // 20)),
        "training.heldout_every": max(5, steps // 20),
        "training.checkpoint_every": max(10, min(1000, steps // 8)),
        "training.sample_every": max(20, steps // 4),
    }
    own = {key: value for key, value in often.items() if key not in given}
    return own | {"training.steps": steps, "training.epochs": None}


def _with(config: Config, values: dict[str, Any]) -> Config:
    sections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    changed = {name: getattr(config, name).model_copy(update=v) for name, v in sections.items()}
    return config.model_copy(update=changed)


def _finest(source: ImageSource | Stream) -> int:
    """Return the median of the shorter sides of some pictures; 0 if they cannot be looked at."""
    if isinstance(source, Stream) or not len(source):
        return 0
    rows = np.linspace(0, len(source) - 1, min(len(source), LOOKED_AT)).astype(int)
    sides = []
    for row in rows:
        try:
            sides.append(min(source[int(row)].size))
        except DataError:  # told of when all are decoded
            continue
    return int(np.median(sides)) if sides else 0
