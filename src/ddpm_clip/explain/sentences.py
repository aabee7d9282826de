"""Pieces of sentences that tests are told in. Knows nothing of what was tested."""

from ddpm_clip.evaluation.means import Means
from ddpm_clip.explain.control_prompts import Gate


def with_interval(found: Means) -> str:
    """A mean and where it may lie.

    >>> from torch import tensor
    >>> from ddpm_clip.evaluation.means import means
    >>> with_interval(means(tensor([1.0, 2.0, 3.0])))
    '2.00 (-0.48 to 4.48)'
    """
    return f"{float(found.mean):.2f} ({float(found.low):.2f} to {float(found.high):.2f})"


def if_closed(gate: Gate | None) -> str:
    """A sentence that says why nothing counts, with a space before it; "" where all counts."""
    return f" It does not count: {gate.closed}." if gate is not None and gate.closed else ""
