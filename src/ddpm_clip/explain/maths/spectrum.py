"""Power spectra of pictures, and combining the frequencies of two pictures.

A frequency is the distance from the centre of the two-dimensional Fourier plane, in waves across
the picture's shorter side.
"""

import torch
from torch import Tensor


def radii(height: int, width: int) -> Tensor:
    """Return (h, w) the frequency of every cell of `fft2`, in waves across the shorter side."""
    side = min(height, width)  # one unit in both directions, or rings would not be round
    y, x = torch.fft.fftfreq(height) * side, torch.fft.fftfreq(width) * side
    return (y[:, None].square() + x.square()).sqrt()


def radial_spectrum(x: Tensor) -> Tensor:
    """Return the mean power at each whole frequency 0, 1, ..., averaged over channels.

    White noise of variance 1 has power 1 at every frequency. Frequencies above half the shorter
    side, which do not exist in every direction, are left out.

    Args:
        x: (b, c, h, w) pictures.

    Returns:
        (b, 1 + min(h, w) // 2) power by frequency.
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
    """Return (b,) the power-weighted mean frequency of spectra (b, f), without the constant."""
    at = torch.arange(1, spectrum.shape[1], dtype=spectrum.dtype)
    power = spectrum[:, 1:] * at  # a ring of radius f has about f cells
    return (power * at).sum(1) / power.sum(1).clamp(min=1e-30)


def crossed(low: Tensor, high: Tensor, cut: float) -> Tensor:
    """Combine the frequencies of one picture up to `cut` with those of another above it.

    Two independent white noises combine to white noise again, since the transform is unitary.

    Args:
        low: (b, c, h, w) pictures that give the frequencies up to the cut.
        high: (b, c, h, w) pictures that give the frequencies above it.
        cut: cut-off in waves across the picture; a negative one returns `high`.
    """
    kept = (radii(*low.shape[-2:]) <= cut).to(low.device)
    mixed = torch.where(kept, torch.fft.fft2(low.double()), torch.fft.fft2(high.double()))
    return torch.fft.ifft2(mixed).real.to(low.dtype)
