"""Reference answer of lesson 09."""

from torch import Tensor


def ideal_denoiser(x_t: Tensor, alpha: float, sigma: float, train: Tensor) -> Tensor:
    """Return the mean of the training pictures, each weighted by its probability."""
    away = (x_t[:, None] - alpha * train).square().flatten(2).sum(2)  # (b, n)
    weights = (-away / (2 * sigma**2)).softmax(1)
    return (weights @ train.flatten(1)).view_as(x_t)
