"""Metrics of single pictures: sharpness, edges, contrast, colourfulness, PSNR, entropy.

All take x (b, c, h, w) in [-1, 1] and return (b,). Values outside the range are not clamped.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

LAPLACE = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
SOBEL = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey (ITU-R BT.601)."""


def grey(x: Tensor) -> Tensor:
    """Return (b, 1, h, w) the luma of three channels, or the mean of any other number."""
    if x.shape[1] == 3:
        return (x * torch.tensor(LUMA).to(x).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return x.mean(1, keepdim=True)


def sharpness(x: Tensor) -> Tensor:
    """Return the variance of the Laplacian of the grey picture (Pech-Pacheco et al. 2000)."""
    return _filtered(grey(x), LAPLACE).flatten(1).var(1, unbiased=False)


def edges(x: Tensor) -> Tensor:
    """Return the mean length of the grey picture's Sobel gradient; 1 on a ramp of 1 a pixel."""
    g = grey(x)
    return torch.hypot(_filtered(g, SOBEL), _filtered(g, SOBEL.T)).flatten(1).mean(1)


def contrast(x: Tensor) -> Tensor:
    """Return the standard deviation of the grey picture."""
    return grey(x).flatten(1).std(1, unbiased=False)


def colourfulness(x: Tensor) -> Tensor:
    """Return std + 0.3 mean of two colour axes (Hasler & Süsstrunk 2003); 0 without colour."""
    if x.shape[1] != 3:
        return torch.zeros(len(x)).to(x)
    red, green, blue = (x * 127.5).flatten(2).unbind(1)
    axes = torch.stack([red - green, (red + green) / 2 - blue], 1)  # (b, 2, pixels)
    spread, mean = axes.std(2, unbiased=False).norm(dim=1), axes.mean(2).norm(dim=1)
    return spread + 0.3 * mean


def psnr(x: Tensor, y: Tensor) -> Tensor:
    """Return the PSNR of x against y in dB, at most 100: 10 log10(2^2 / mse)."""
    mse = (x - y).square().flatten(1).mean(1)
    return 10 * (4 / mse.clamp(min=4e-10)).log10()


def entropy(probs: Tensor) -> Tensor:
    """Return (b,) the entropy of class probabilities (b, k) in bits, from 0 to log2 k."""
    return torch.special.entr(probs).sum(1) / torch.log(torch.tensor(2.0))


def _filtered(x: Tensor, kernel: Tensor) -> Tensor:
    """Convolve without padding."""
    return F.conv2d(x, kernel.to(x)[None, None])
