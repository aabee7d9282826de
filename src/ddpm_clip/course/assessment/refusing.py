"""Submissions that are not judged, each with a sentence: shipped weights, one picture, copies.

The exam is not guarded: who wants to cheat can. These are the three ways in which a submission
says nothing about its student's training, two of which happen by mistake as well.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.course.assessment.task import DigitTask
from ddpm_clip.evaluation.metrics.diversity import diversity
from ddpm_clip.evaluation.metrics.features import pixel_features
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.runs.pretrained import weights_of
from ddpm_clip.weights import shipped_names

ALIKE = 0.99
"""Cosine of all weights above which two networks are one; other trainings are far below."""

LEAST_SPREAD = 0.15
"""Least distance between pictures of one digit, as a share of that of real ones."""


def refused_weights(weights: dict[str, Tensor]) -> str:
    """Return why these weights are refused, or ""."""
    for name in shipped_names():
        known = weights_of(name)
        if _shapes(known) == _shapes(weights) and _cosine(known, weights) > ALIKE:
            return f"these are the weights of the shipped model {name!r}; hand in your own"
    return ""


def refused_pictures(x: Tensor, wanted: Sequence[str], task: DigitTask) -> str:
    """Return why the painted pictures x (n, 1, h, w) are refused, or ""."""
    painted, heldout = pixel_features(x), pixel_features(task.heldout.pixels)
    real = [facts["digit"] for facts in task.heldout.facts]
    spread = diversity(painted, wanted, heldout, real)
    if spread.ratio < LEAST_SPREAD:
        return (
            "the pictures of each digit are almost one picture: "
            f"they differ {spread.ratio:.2f} times as much as real ones, at least "
            f"{LEAST_SPREAD} is needed"
        )
    found = audit(painted, pixel_features(task.pictures.pixels), heldout)
    if found.verdict == "copies":
        return f"{found.duplicates} of {found.n} pictures are copies of training pictures"
    return ""


def _shapes(weights: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in weights.items()}


def _cosine(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    first, second = (
        torch.cat([one[name].flatten().double() for name in sorted(a)]) for one in (a, b)
    )
    return float(F.cosine_similarity(first, second, dim=0))
