"""One rule for all analyses that turns claims with intervals into a verdict.

The prerequisite comes first: if it is not met, the verdict is inconclusive. If an interval refutes
a claim, the verdict is fail; if an interval spans both outcomes, it is inconclusive.
"""

from collections.abc import Iterable

from ddpm_clip.explain.verdict.prerequisite import Prerequisite
from ddpm_clip.explain.verdict.result import Verdict
from ddpm_clip.statistics.means import Means


def weigh(
    prerequisite: Prerequisite | None,
    claims: Iterable[Means],
    *,
    refuted: bool = False,
    shown: bool = True,
) -> Verdict:
    """Return the verdict on the claim that all means are above 0.

    >>> from torch import tensor
    >>> from ddpm_clip.statistics.means import means
    >>> sure, open_ = means(tensor([1.0, 1.1, 0.9])), means(tensor([1.0, -1.1, 0.3]))
    >>> weigh(None, [sure]), weigh(None, [sure, open_]), weigh(None, [sure], refuted=True)
    ('pass', 'inconclusive', 'fail')

    Args:
        prerequisite: if it is not met, the verdict is inconclusive; None means that there is none.
        claims: means of single numbers or of tensors.
        refuted: whether other evidence refutes the claim.
        shown: whether everything else that the claim requires holds.
    """
    claims = list(claims)
    if prerequisite is not None and prerequisite.unmet:
        return "inconclusive"
    if refuted or any(bool((one.high <= 0).any()) for one in claims):
        return "fail"
    return "pass" if shown and all(bool((one.low > 0).all()) for one in claims) else "inconclusive"


def above(found: Means, least: float) -> Means:
    """Return the claim that a mean is above `least`."""
    return Means(found.n, found.mean - least, found.low - least, found.high - least)


def not_counted(prerequisite: Prerequisite | None) -> str:
    """Return why the prerequisite is not met, as a sentence after a space; "" if it is met."""
    return (
        f" This does not count, because {prerequisite.unmet}."
        if prerequisite is not None and prerequisite.unmet
        else ""
    )
