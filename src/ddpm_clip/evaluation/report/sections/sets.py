"""The sections that compare painted and real pictures as sets.

Distances, precision, recall, density and coverage beside real against real; the two-sample test;
diversity. The metrics themselves are in `evaluation/metrics`.
"""

from collections.abc import Generator

from torch import Tensor

from ddpm_clip.evaluation.metrics.against_real import METRICS, Beside, beside_real
from ddpm_clip.evaluation.metrics.diversity import diversity
from ddpm_clip.evaluation.metrics.mmd import permutation_p
from ddpm_clip.evaluation.metrics.two_sample import two_sample_test
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.evaluators import TRAINED
from ddpm_clip.reports.figures import Figure, Section
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress

DISTANCES, TWO_SAMPLE = (
    "Painted against real",
    "Can a classifier distinguish painted from real pictures?",
)
DIVERSITY = "Diversity within a prompt"

Work = Generator[Progress, None, Section]


def distances_section(data: EvaluationData) -> Work:
    """Measure every distance, beside the same distance between two sets of real pictures."""
    painted, real = data.features
    found: dict[str, Beside] = {}
    titles: dict[str, str] = {}
    for name in METRICS.usable:  # a broken plug-in does not take the others down
        found |= yield from beside_real(name, painted, real, seed=data.seed)
        titles |= METRICS[name].titles
    half = data.half_of_real()[0]
    p = permutation_p(painted, half, seed=data.seed)
    detail = {
        "space": data.space,
        "d": painted.shape[1],
        "reference": data.pool[1],
        "kid_permutation_p": p,
        "metrics": {name: one.as_dict() for name, one in found.items()},
    }
    return Section(
        "distances",
        DISTANCES,
        f"Two sets of pictures, compared by their features ({data.space}). All figures depend on "
        "n, so read each beside the same figure for real pictures against other real ones, which "
        "is what a perfect model would get. Precision and density: do painted pictures lie among "
        "the real ones? Recall and coverage: are all kinds of real pictures painted?",
        (
            *(_beside(titles.get(name, name), one) for name, one in found.items()),
            Figure("probability of such a kernel distance by chance", p, len(painted)),
            *_brought_back(data),
        ),
        notes=_set_notes(data, painted),
        detail=detail,
    )


def _beside(title: str, one: Beside) -> Figure:
    """Return a figure of `beside_real`; its spread is over random splits, so it is no interval."""
    return Figure(title, one.painted, one.n, "", None, one.real, one.better)


def _brought_back(data: EvaluationData) -> tuple[Figure, ...]:
    """Return the share of prompts that would have led out of what the pictures are like."""
    if data.brought_back is None:
        return ()
    n, back = len(data.cases), data.brought_back
    name = "prompts brought back to what the pictures are like"
    return (Figure(name, back / n, n, "%", wilson(back, n)),)


def _set_notes(data: EvaluationData, painted: Tensor) -> tuple[str, ...]:
    n, d = painted.shape
    notes = [f"compared with {data.pool[1]}"]
    notes += [data.match.note] if data.match.note else []
    if n < 10 * d:
        notes.append(
            f"n = {n} is small for {d} features: the Fréchet distance then mostly reflects the "
            "sample size, and only its ratio to the real one says something"
        )
    if data.judge.about.get("kind") == TRAINED:
        notes.append(
            "the features are those of a judge trained on the model's own training pictures"
        )
    return tuple(notes)


def two_sample_section(data: EvaluationData) -> Work:
    """Train a small network to distinguish painted from real features; test it on held-out ones."""
    painted, _ = data.features
    left, right = data.half_of_real()
    ours = yield from two_sample_test(painted, left, seed=data.seed)
    theirs = yield from two_sample_test(right, left, seed=data.seed)
    return Section(
        "two_sample",
        TWO_SAMPLE,
        "A classifier is trained to distinguish painted pictures from real ones by their features, "
        'then tested on others. 50 % is best: it can only guess. The column "real" is its accuracy '
        "at distinguishing two sets of real pictures.",
        (
            Figure(
                "accuracy of a classifier of painted vs real pictures",
                ours.accuracy,
                ours.n,
                "%",
                ours.interval,
                theirs.accuracy,
                "50 %",
            ),
            Figure("probability of such an accuracy by chance", ours.p, ours.n),
        ),
        notes=_set_notes(data, painted)[:1],
        detail={"painted": ours.as_dict(), "real": theirs.as_dict(), "space": data.space},
    )


def diversity_section(data: EvaluationData) -> Work:
    """Measure the mean distance between two pictures of one kind, beside real ones of that kind."""
    yield Progress("diversity", 0, 1)
    painted, real = data.features
    found = diversity(painted, data.kinds(data.match.painted), real, data.real_kinds())
    yield Progress("diversity", 1, 1)
    ours = sum(one.painted for one in found.groups.values()) / len(found.groups)
    theirs = sum(one.real for one in found.groups.values()) / len(found.groups)
    least = found.groups[found.least]
    return Section(
        "diversity",
        DIVERSITY,
        "How much the features of two pictures of one kind differ. At a ratio of 1 they differ as "
        "much as those of real ones; near 0, the model paints one picture over and over.",
        (
            Figure("ratio to real pictures", found.ratio, len(painted), better="1"),
            Figure("mean distance", ours, len(painted), "", None, theirs, "as real"),
            Figure(f"least varied: {found.least}", least.ratio, least.n, better="1"),
        ),
        tuple(
            Figure(name, one.painted, one.n, "", None, one.real, "as real")
            for name, one in found.groups.items()
        ),
        detail=found.as_dict() | {"space": data.space},
    )
