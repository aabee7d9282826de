"""Random arguments for the calls that are compared, all from a seed."""

import torch
from torch import Tensor


def generator(seed: int) -> torch.Generator:
    """Return a generator with this seed."""
    return torch.Generator().manual_seed(seed)


def normal(seed: int, *shape: int) -> Tensor:
    """Return standard normal numbers of this shape."""
    return torch.randn(*shape, generator=generator(seed))


def units(seed: int, n: int, e: int) -> Tensor:
    """Return n rows of unit length in e dimensions."""
    return torch.nn.functional.normalize(normal(seed, n, e), dim=1)


def betas(T: int = 150, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """Return T linear betas, by default those of NVIDIA DLI's course: not scaled to T."""
    return torch.linspace(first, last, T)


def of_each(level: Tensor, t: Tensor) -> Tensor:
    """Return the level (b, 1, 1, 1) of each picture at its own timestep t (b,)."""
    return level[t].view(-1, 1, 1, 1)
