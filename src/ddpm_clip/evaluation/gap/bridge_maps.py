"""Ten simple maps from text to image embeddings, from which the bridges were chosen.

A map takes unit text embeddings (n, e) to unit vectors (n, e) where images lie. It is fitted on a
bank of pairs; most maps use only the two clouds and not which text belongs to which picture. The
ones that models use are in `ddpm_clip.conditioning.bridges`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.prior import Prior

SHRINKAGE = 0.3
"""Shrinkage of CORAL's covariances towards the isotropic one, as the bank is small."""

NEIGHBOURS, TEMPERATURE = 10, 0.01
RIDGE = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """A bank of unit embeddings (m, e) in float64; text i belongs to image i."""

    images: Tensor
    texts: Tensor

    @property
    def mean_image(self) -> Tensor:
        """Mean image embedding (e,)."""
        return self.images.mean(0)

    @property
    def mean_text(self) -> Tensor:
        """Mean text embedding (e,)."""
        return self.texts.mean(0)


Map = Callable[[Pairs, Tensor], Tensor]
"""(bank, unit text embeddings (n, e)) -> unit vectors (n, e)."""


def _identity(bank: Pairs, texts: Tensor) -> Tensor:
    return texts


def _shift(bank: Pairs, texts: Tensor) -> Tensor:
    return _unit(texts - bank.mean_text + bank.mean_image)


def _mean_and_std(bank: Pairs, texts: Tensor) -> Tensor:
    stretch = bank.images.std(0) / bank.texts.std(0).clamp(min=1e-6)
    return _unit((texts - bank.mean_text) * stretch + bank.mean_image)


def _coral(bank: Pairs, texts: Tensor) -> Tensor:
    """Match the second moments too (Sun, Feng & Saenko 2016)."""
    turned = (texts - bank.mean_text) @ _power(bank.texts, -0.5) @ _power(bank.images, 0.5)
    return _unit(turned + bank.mean_image)


def _nearest(bank: Pairs, texts: Tensor) -> Tensor:
    return bank.images[(texts @ bank.images.T).argmax(1)]


def _knn(bank: Pairs, texts: Tensor) -> Tensor:
    """Return the softmax-weighted mean of the nearest images, without centring, as usual."""
    cosines, rows = (texts @ bank.images.T).topk(min(NEIGHBOURS, len(bank.images)), dim=1)
    weights = (cosines / TEMPERATURE).softmax(1)
    return _unit((weights[..., None] * bank.images[rows]).sum(1))


def _shift_and_knn(bank: Pairs, texts: Tensor) -> Tensor:
    return _unit(_shift(bank, texts) + _knn(bank, texts))


def _procrustes(bank: Pairs, texts: Tensor) -> Tensor:
    """Apply the best rotation (Schönemann 1966)."""
    crossed = (bank.texts - bank.mean_text).T @ (bank.images - bank.mean_image)
    u, _, vt = torch.linalg.svd(crossed)
    return _unit((texts - bank.mean_text) @ u @ vt + bank.mean_image)


def _ridge(bank: Pairs, texts: Tensor) -> Tensor:
    x, y = bank.texts - bank.mean_text, bank.images - bank.mean_image
    ridge = RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(x.T @ x + ridge, x.T @ y)
    return _unit((texts - bank.mean_text) @ weights + bank.mean_image)


def _prior(bank: Pairs, texts: Tensor) -> Tensor:
    """Draw from the prior, as the bridge of that name does; row i has random seed i."""
    seeds: Sequence[torch.Generator] = [torch.Generator().manual_seed(i) for i in range(len(texts))]
    fitted = Prior.fit(bank.texts, bank.images)
    return _unit(fitted.draw(texts.float(), seeds).to(texts.dtype))


MAPS: dict[str, Map] = {
    "identity": _identity, "mean shift": _shift, "mean and std": _mean_and_std, "CORAL": _coral,
    "1-NN": _nearest, "kNN-10": _knn, "shift + kNN-10": _shift_and_knn,
    "Procrustes": _procrustes, "ridge": _ridge, "prior": _prior,
}  # fmt: skip
"""In the order of what they need: nothing, two means, a bank; the last three need pairs."""


def _unit(rows: Tensor) -> Tensor:
    return F.normalize(rows, dim=1)


def _power(rows: Tensor, exponent: float) -> Tensor:
    """Return a power of the shrunk covariance of rows (m, e)."""
    covariance = torch.cov(rows.T)
    e = len(covariance)
    round_one = covariance.trace() / e * torch.eye(e, dtype=rows.dtype)
    values, vectors = torch.linalg.eigh((1 - SHRINKAGE) * covariance + SHRINKAGE * round_one)
    power: Tensor = vectors * values.clamp(min=1e-12) ** exponent @ vectors.T
    return power
