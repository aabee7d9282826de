"""Frequencies of pictures: how much power lies at each, and how two pictures trade them.

A frequency is a distance from the middle of the two-dimensional Fourier plane, in waves across
the picture. Knows nothing of networks or noise levels.
"""

import torch
from torch import Tensor


def radii(height: int, width: int) -> Tensor:
    """(h, w) the frequency of every cell of `fft2`, in waves across the picture, not rounded."""
    y, x = torch.fft.fftfreq(height) * height, torch.fft.fftfreq(width) * width
    return (y[:, None].square() + x.square()).sqrt()


def radial_spectrum(x: Tensor) -> Tensor:
    """The mean power at each whole frequency 0, 1, ..., averaged over channels.

    Normalised so that white noise of variance 1 has power 1 at every frequency. Corners beyond
    half the shorter side, which not every direction has, are left out.

    Args:
        x: (b, c, h, w).

    Returns:
        (b, 1 + min(h, w) // 2).
    """
    b, _, height, width = x.shape
    power = torch.fft.fft2(x.double(), norm="ortho").abs().square().mean(1).flatten(1)
    bins = radii(height, width).round().long().flatten()
    most = 1 + min(height, width) // 2
    inside = bins < most
    total = torch.zeros(b, most, dtype=torch.float64)
    total.index_add_(1, bins[inside], power.cpu()[:, inside])
    return total / torch.bincount(bins[inside], minlength=most)


def centroid(spectrum: Tensor) -> Tensor:
    """(b,) the mean frequency of spectra (b, f), weighted by power; the constant is left out."""
    at = torch.arange(1, spectrum.shape[1], dtype=spectrum.dtype)
    power = spectrum[:, 1:] * at  # a ring of radius f has about f cells
    return (power * at).sum(1) / power.sum(1).clamp(min=1e-30)


def crossed(low: Tensor, high: Tensor, cut: float) -> Tensor:
    """Frequencies up to `cut` of one picture with those above it of another.

    Of two independent white noises it makes white noise again, since the transform is unitary.

    Args:
        low: (b, c, h, w), gives what lies at or below the cut.
        high: (b, c, h, w), gives the rest.
        cut: in waves across the picture; below 0 nothing of `low` is left.
    """
    kept = (radii(*low.shape[-2:]) <= cut).to(low.device)
    mixed = torch.where(kept, torch.fft.fft2(low.double()), torch.fft.fft2(high.double()))
    return torch.fft.ifft2(mixed).real.to(low.dtype)
