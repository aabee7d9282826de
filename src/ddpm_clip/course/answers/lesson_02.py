"""Reference answers of lesson 02."""

from torch import Tensor


def levels(betas: Tensor) -> tuple[Tensor, Tensor]:
    """Return alpha and sigma (T,)."""
    alpha_bar = (1 - betas).cumprod(0)
    return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


def q(x_0: Tensor, t: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Return x_t (b, c, h, w)."""
    a, s = (level[t].view(-1, 1, 1, 1) for level in (alpha, sigma))
    return a * x_0 + s * eps


def step_back(x_t: Tensor, eps_hat: Tensor, t: int, betas: Tensor, z: Tensor) -> Tensor:
    """Return x_{t-1} (b, c, h, w)."""
    beta = betas[t]
    sigma = (1 - (1 - betas).cumprod(0)[t]).sqrt()
    mean = (x_t - beta / sigma * eps_hat) / (1 - beta).sqrt()
    return mean if t == 0 else mean + beta.sqrt() * z


def chain(x_0: Tensor, betas: Tensor, noises: Tensor) -> Tensor:
    """Return x_T, after one step for each beta."""
    x = x_0
    for beta, noise in zip(betas, noises, strict=True):
        x = (1 - beta).sqrt() * x + beta.sqrt() * noise
    return x
