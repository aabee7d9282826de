"""From claims with intervals to a verdict: one rule for all analyses.

What the target does not follow cannot be explained, so the prerequisite comes first. A claim that
an interval refutes fails, one that it spans is open.
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
    """The verdict on means that should all be above 0.

    >>> from torch import tensor
    >>> from ddpm_clip.statistics.means import means
    >>> sure, open_ = means(tensor([1.0, 1.1, 0.9])), means(tensor([1.0, -1.1, 0.3]))
    >>> weigh(None, [sure]), weigh(None, [sure, open_]), weigh(None, [sure], refuted=True)
    ('pass', 'inconclusive', 'fail')

    Args:
        prerequisite: where it is closed nothing counts; None asks for none.
        claims: numbers or tensors of them.
        refuted: something else surely speaks against it.
        shown: everything else that has to hold does.
    """
    claims = list(claims)
    if prerequisite is not None and prerequisite.closed:
        return "inconclusive"
    if refuted or any(bool((one.high <= 0).any()) for one in claims):
        return "fail"
    return "pass" if shown and all(bool((one.low > 0).all()) for one in claims) else "inconclusive"


def above(found: Means, least: float) -> Means:
    """The claim that a mean is above `least`."""
    return Means(found.n, found.mean - least, found.low - least, found.high - least)


def not_counted(prerequisite: Prerequisite | None) -> str:
    """A sentence that says why nothing counts, with a space before it; "" where all counts."""
    return (
        f" It does not count: {prerequisite.closed}."
        if prerequisite is not None and prerequisite.closed
        else ""
    )
