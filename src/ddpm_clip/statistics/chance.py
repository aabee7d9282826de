"""The probability of a count by chance: binomial tail and Fisher's exact test."""

import math

from ddpm_clip.errors import UsageError


def at_least(k: int, n: int, share: float = 0.5) -> float:
    """Return the probability of k or more successes in n independent trials.

    >>> round(at_least(9, 10), 4)
    0.0107

    Args:
        k: successes, at most n.
        n: trials.
        share: probability of one success, in [0, 1].
    """
    if not (0 <= k <= n and 0 <= share <= 1):
        raise UsageError(f"{k} of {n} with probability {share} is not a valid count")
    if k == 0:
        return 1.0
    if share in (0.0, 1.0):
        return share
    odds = math.log(share), math.log1p(-share)
    terms = (_log_choose(n, i) + i * odds[0] + (n - i) * odds[1] for i in range(k, n + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def as_many_here(k: int, n: int, other_k: int, other_n: int) -> float:
    """Return the p value of Fisher's exact test, one-sided: is k of n more than by chance?

    Of n + other_n things, k + other_k were found; this is the probability that k or more of them
    are among the n, if they were found at random. It is also exact if "found" means "before the
    next of the others" in one order of all of them.

    >>> round(as_many_here(2, 2, 0, 2), 4)  # both here: 1 of the 6 ways to find two of four
    0.1667

    Args:
        k: found in the first group.
        n: size of the first group.
        other_k: found in the second group.
        other_n: size of the second group.
    """
    if not (0 <= k <= n and 0 <= other_k <= other_n):
        raise UsageError(f"{k} of {n} and {other_k} of {other_n} are not valid counts")
    found = k + other_k
    ways = _log_choose(n + other_n, found)
    terms = (
        _log_choose(n, i) + _log_choose(other_n, found - i) - ways
        for i in range(k, min(n, found) + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
