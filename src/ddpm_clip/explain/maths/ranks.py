"""Do two rows of numbers have the same order? Knows nothing of what they are."""

import torch
from torch import Tensor


def rank_correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's, of two rows (n,) of numbers.

    >>> rank_correlation(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 4.0, 9.0]))
    1.0
    """
    ranks = torch.stack([one.argsort().argsort().double() for one in (a, b)])
    return float(torch.corrcoef(ranks)[0, 1])
