"""Wilson's interval of a share."""

from ddpm_clip.errors import UsageError


def wilson(k: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share k/n (Wilson 1927); (0, 1) if n is 0.

    >>> low, high = wilson(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.826, 0.945)
    """
    if not 0 <= k <= n:
        raise UsageError(f"{k} of {n} is not a valid share")
    if n == 0:
        return 0.0, 1.0
    share, weight = k / n, z * z / n
    middle = share + weight / 2
    half = z * (share * (1 - share) / n + weight / (4 * n)) ** 0.5
    # the closed form gives exactly 0 and 1 at the ends, but floats round
    low = 0.0 if k == 0 else (middle - half) / (1 + weight)
    return low, 1.0 if k == n else (middle + half) / (1 + weight)
