"""Exercises of lesson 08: the learning rate of a step, averaged weights, pairs by key."""

from torch import Tensor

from ddpm_clip.config.schema import TrainingConfig
from ddpm_clip.course.exercises.given.cases import normal
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer
from ddpm_clip.training.steps.state import learning_rate


def _rate_truth(step: int, total: int, lr: float, warmup: int, decay: float, final: float) -> float:
    config = TrainingConfig.model_construct(lr=lr, warmup=warmup, decay=decay, final_lr=final)
    return learning_rate(step, total, config)


def _rate_cases(seed: int) -> list[Case]:
    steps = (1, 15, 30, 60, 83, 90, 100)
    others = [(100, 100, 2.0, 10, 0.4, 0.1), (50, 100, 2.0, 10, 0.5, 0.0)]
    return [(step, 100, 1.0, 20, 0.4, 0.1) for step in steps] + others


def _rate(
    *,
    warm: bool = True,
    from_0: bool = False,
    to_0: bool = False,
    late: int = 0,
    absolute: bool = False,
) -> Answer:
    """Return the learning rate with one mistake."""

    def rate(step: int, total: int, lr: float, warmup: int, decay: float, final: float) -> float:
        up = min(1.0, (step - late) / warmup) if warm else 1.0
        falling = total if from_0 else decay * total
        share = min(1.0, (total - step) / falling)
        last = 0.0 if to_0 else final / lr if absolute else final
        return lr * min(up, last + (1 - last) * share)

    return rate


RATE = Exercise(
    id="8.1",
    name="rate",
    parameters=("step", "total", "lr", "warmup", "decay", "final"),
    question=(
        "Return the learning rate of a step, counted from 1: it rises over the first `warmup` "
        "steps, stays, and falls in a straight line over the last share `decay` of all steps to "
        "`final` times lr."
    ),
    truth=_rate_truth,
    cases=_rate_cases,
    mistakes=(
        Mistake(
            "no warm-up",
            _rate(warm=False),
            "The first steps are taken with a share of the rate: step / warmup.",
        ),
        Mistake(
            "decay from the first step",
            _rate(from_0=True),
            "The rate stays until the last share `decay` of the steps begins.",
        ),
        Mistake(
            "decay to zero", _rate(to_0=True), "The last step has `final` times the rate, not zero."
        ),
        Mistake("`final` as a rate", _rate(absolute=True), "`final` is a share of lr, not a rate."),
        Mistake(
            "steps counted from 0",
            _rate(late=1),
            "The first step is step 1, and it should move a little already.",
        ),
        Mistake(
            "rate by whole tenths of the training",
            lambda step, total, lr, warmup, decay, final: _rate_truth(
                max(1, step // 10 * 10), total, lr, warmup, decay, final
            ),
            "The rate changes from step to step, not once in an epoch.",
        ),
    ),
    hints=(
        "Two straight lines and a plateau between them: take the smaller of the two lines.",
        "The first line is step / warmup, at most 1.",
        "The second goes from 1, where the decay begins, to `final` at the last step.",
    ),
    explanation="The smaller of warm-up and decay, times lr: `learning_rate` in training/steps.",
)


def _beta(k: int, gamma: float) -> float:
    return float((1 - 1 / k) ** (gamma + 1))


def _average(old: Tensor, new: Tensor, k: int, gamma: float) -> Tensor:
    return _beta(k, gamma) * old + (1 - _beta(k, gamma)) * new


def _average_cases(seed: int) -> list[Case]:
    return [
        (normal(seed + i, 4), normal(seed + 9 + i, 4), k, gamma)
        for i, (k, gamma) in enumerate(((10, 6.94), (1, 6.94), (500, 16.97), (2, 0.0)))
    ]


AVERAGE = Exercise(
    id="8.2",
    name="average",
    parameters=("old", "new", "k", "gamma"),
    question=(
        "Return the average after update k (from 1) with the power-function profile: the old "
        "average gets the weight (1 - 1/k) to the power of gamma + 1 (Karras et al. 2024)."
    ),
    truth=_average,
    cases=_average_cases,
    mistakes=(
        Mistake(
            "weights swapped",
            lambda old, new, k, gamma: _average(new, old, k, gamma),
            "The average should change slowly: the old one gets the large weight.",
        ),
        Mistake(
            "constant decay",
            lambda old, new, k, gamma: 0.999 * old + 0.001 * new,
            "With a constant decay, a short run is diluted by its random start.",
        ),
        Mistake(
            "power of gamma",
            lambda old, new, k, gamma: _average(old, new, k, gamma - 1),
            "The power is one more than gamma.",
        ),
        Mistake(
            "updates counted from 0",
            lambda old, new, k, gamma: _average(old, new, k + 1, gamma),
            "The first update is k = 1, and it replaces the start.",
        ),
    ),
    hints=(
        "A weighted mean of the old average and the new weights; the two weights add up to 1.",
        "The weight of the old one grows with k: late updates change little.",
        "At k = 1 the old one gets the weight 0.",
    ),
    explanation=(
        "With this weight the average always spans the same fraction of the training so far, so "
        "nothing is left of the random start."
    ),
)


def _pairs(pictures: list[tuple[str, int]], rows: list[tuple[str, int]]) -> list[tuple[int, int]]:
    by_key = dict(rows)
    return [(picture, by_key[key]) for key, picture in pictures if key in by_key]


def _pair_cases(seed: int) -> list[Case]:
    pictures = [("a.png", 1), ("b.png", 2), ("c.png", 3), ("d.png", 4)]
    shuffled = [("d.png", 40), ("a.png", 10), ("c.png", 30), ("b.png", 20)]
    return [(pictures, shuffled), (pictures, shuffled[1:]), ([("x.png", 9)], shuffled)]


def _right_pairs(answer: Answer) -> Finding:
    pictures, rows = _pair_cases(0)[0]
    for (picture, row), (key, _) in zip(answer(pictures, rows), pictures, strict=False):
        if row != 10 * picture:
            hint = f"The first wrong pair is that of {key}. Rows may come in another order."
            told = f"row {10 * picture} for picture {picture} ({key})"
            return Finding("pairs by key", False, told, f"row {row}", hint)
    return Finding("pairs by key", True)


def _left_out(answer: Answer) -> Finding:
    pictures, rows = _pair_cases(0)[1]
    got = answer(pictures, rows)
    hint = "A picture without a row is left out, and moves nobody else."
    right = got == _pairs(pictures, rows)
    return Finding(
        "pictures without a row", right, str(_pairs(pictures, rows)), str(got)[:100], hint
    )


def _in_order(answer: Answer) -> Finding:
    pictures, rows = _pair_cases(0)[0]
    got = [picture for picture, _ in answer(pictures, rows)]
    hint = "The pairs come in the order of the pictures."
    return Finding("order of the pictures", got == [1, 2, 3, 4], "1, 2, 3, 4", str(got)[:60], hint)


PAIRED = Exercise(
    id="8.3",
    name="paired",
    parameters=("pictures", "rows"),
    question=(
        "pictures and rows are lists of (key, value). Return the pairs (picture, row) with equal "
        "keys, in the order of the pictures; pictures without a row are left out."
    ),
    truth=_pairs,
    cases=_pair_cases,
    properties=(_right_pairs, _in_order, _left_out),
    hints=(
        "Rows may come in another order, and some may be missing.",
        "Make something in which a row is found by its key.",
        "Then go through the pictures, and skip those whose key is not there.",
    ),
    explanation=(
        "Joining by position works until one picture is missing; then every pair after it is wrong "
        "and nothing says so. An earlier project lost a training to it."
    ),
)

EXERCISES = (RATE, AVERAGE, PAIRED)
