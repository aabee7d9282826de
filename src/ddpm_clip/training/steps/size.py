"""How large a run is: its steps, the pictures of a step, and the seed of each step."""

import math
import warnings

import numpy as np

from ddpm_clip.config.schema import Config


def total_steps(config: Config, n: int) -> int:
    """The steps of a run on `n` pictures."""
    if config.training.epochs is None:
        return config.training.steps
    return math.ceil(config.training.epochs * n / batch_size(config, n))


def batch_size(config: Config, n: int) -> int:
    """Pictures a step of a run on `n` pictures: no more than there are."""
    return min(config.training.batch_size, n)


def fitted_config(config: Config, n: int) -> Config:
    """The config of a run on `n` pictures; warns where a step asks for more than there are."""
    wanted, most = config.training.batch_size, batch_size(config, n)
    if wanted > most:
        warnings.warn(
            f"training.batch_size = {wanted} is more than the {n} pictures that are trained on; "
            f"a step takes {most}",
            stacklevel=2,
        )
    training = config.training.model_copy(update={"batch_size": most})
    return config.model_copy(update={"training": training})


def step_seed(seed: int, step: int) -> int:
    """One 63-bit seed for a step of a run."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> np.uint64(1))
