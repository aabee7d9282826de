"""The Fréchet distance between two sets of features, each fitted by a Gaussian.

It uses the features of the judge, so it is not the "FID", which uses those of an Inception network;
values in different feature spaces cannot be compared. Its bias falls with n, so it is reported with
the distance of real to real pictures at the same n (`against_real.py`).
"""

import torch
from torch import Tensor

from ddpm_clip.evaluation.metrics.features import paired


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the squared 2-Wasserstein distance of the Gaussians (Dowson & Landau 1982, eq. 4).

    |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2)). The last term is computed as the sum of
    the singular values of A^(1/2) B^(1/2): real, not negative and symmetric in (a, b), even with
    fewer rows than columns. There should be a few times more rows than columns.

    Args:
        a: (n, d) features, n >= 2.
        b: (m, d) features, m >= 2.

    Raises:
        UsageError: shapes do not match.
        DataError: features are not finite.
    """
    a, b = paired(a, b)
    between = (a.mean(0) - b.mean(0)).square().sum()
    roots = _root(torch.cov(a.T, correction=1)), _root(torch.cov(b.T, correction=1))
    common = torch.linalg.svdvals(roots[0] @ roots[1]).sum()
    within = roots[0].square().sum() + roots[1].square().sum() - 2 * common  # tr(A) = |A^(1/2)|^2
    return max(0.0, (between + within).item())


def _root(covariance: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance (d, d), or () for one column."""
    values, vectors = torch.linalg.eigh(torch.atleast_2d(covariance))
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
