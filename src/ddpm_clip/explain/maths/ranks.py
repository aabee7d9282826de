"""Spearman's rank correlation."""

import torch
from torch import Tensor


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Return Spearman's rank correlation of two vectors (n,).

    >>> rank_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 9.0]))
    1.0
    """
    ranks = torch.stack([one.argsort().argsort().double() for one in (a, b)])
    return float(torch.corrcoef(ranks)[0, 1])
