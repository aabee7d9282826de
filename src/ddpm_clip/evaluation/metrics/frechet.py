"""The Fréchet distance between two sets of features, each taken for a Gaussian.

In the features of a judge of ours: not the "FID", which is in those of one Inception network, and
no figure of one feature space means anything in another. Its bias falls with n, so it stands
beside the distance of real pictures to real ones at the same n (`against_real.py`). Knows nothing
of pictures.
"""

import torch
from torch import Tensor

from ddpm_clip.evaluation.metrics.features import paired


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The squared 2-Wasserstein distance of the fitted Gaussians (Dowson & Landau 1982, eq. 4).

    |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2)), the last term as the sum of the
    singular values of A^(1/2) B^(1/2): real, not negative, and the same for (a, b) and (b, a),
    also where there are fewer rows than columns. A few times more rows than columns are wanted.

    Args:
        a: (n, d), n at least 2.
        b: (m, d), m at least 2.

    Raises:
        UsageError: features of other shapes. DataError: features that are not finite.
    """
    a, b = paired(a, b)
    between = (a.mean(0) - b.mean(0)).square().sum()
    roots = _root(torch.cov(a.T, correction=1)), _root(torch.cov(b.T, correction=1))
    common = torch.linalg.svdvals(roots[0] @ roots[1]).sum()
    within = roots[0].square().sum() + roots[1].square().sum() - 2 * common  # tr(A) = |A^(1/2)|^2
    return max(0.0, (between + within).item())


def _root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance (d, d), or () of one column."""
    values, vectors = torch.linalg.eigh(torch.atleast_2d(covariance))
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
