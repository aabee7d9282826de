"""The number of steps of a run, its batch size, and the random seed of each step."""

import math
import warnings

import numpy as np

from ddpm_clip.config.schema import Config
from ddpm_clip.errors import DdpmClipWarning


def total_steps(config: Config, n: int) -> int:
    """Return the number of steps of a run on `n` pictures."""
    if config.training.epochs is None:
        return config.training.steps
    return math.ceil(config.training.epochs * n / batch_size(config, n))


def batch_size(config: Config, n: int) -> int:
    """Return the batch size of a run on `n` pictures: at most n."""
    return min(config.training.batch_size, n)


def fitted_config(config: Config, n: int) -> Config:
    """Return the config with the batch size limited to `n` pictures; warn if that changes it."""
    wanted, most = config.training.batch_size, batch_size(config, n)
    if wanted > most:
        warnings.warn(
            f"training.batch_size = {wanted} is larger than the number of training pictures, {n}; "
            f"a batch has {most}",
            DdpmClipWarning,
            stacklevel=2,
        )
    training = config.training.model_copy(update={"batch_size": most})
    return config.model_copy(update={"training": training})


def step_seed(seed: int, step: int) -> int:
    """Return the 63-bit random seed of a step of a run."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
