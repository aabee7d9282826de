"""Exercises of lesson 04: the mask, guidance, weight and scale."""

import torch
from torch import Tensor

from ddpm_clip.course.exercises.given.cases import generator, normal
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer
from ddpm_clip.models.ddpm import DDPM


def _mask_truth(b: int, drop: float, generator: torch.Generator) -> Tensor:
    return DDPM.get_context_mask(torch.zeros(b, 4), drop, generator)


def _mask_cases(seed: int) -> list[Case]:
    return [(64, 0.1, generator(seed + 1)), (7, 0.5, generator(seed + 2))]


def _zeros_and_ones(answer: Answer) -> Finding:
    values = sorted(set(answer(1000, 0.5, generator(3)).flatten().tolist()))
    hint = "A mask keeps a condition or drops it; there is nothing in between."
    return Finding("zeros and ones", values == [0.0, 1.0], "0 and 1", str(values)[:60], hint)


def _drop_rate(answer: Answer) -> Finding:
    share = 1 - float(answer(10_000, 0.1, generator(4)).mean())
    hint = "1 keeps, 0 drops; a tenth should be dropped."
    told = "0.10 of 10,000 dropped"
    return Finding("rate of dropping", abs(share - 0.1) < 0.01, told, f"{share:.2f}", hint)


def _one_draw_each(answer: Answer) -> Finding:
    means = [float(answer(64, 0.5, generator(seed)).mean()) for seed in range(6)]
    mixed = sum(0 < mean < 1 for mean in means)
    hint = "Draw one number for each picture, not one for the batch."
    got = f"{mixed} of 6 batches hold both"
    return Finding("one draw a picture", mixed == 6, "both values in each batch", got, hint)


def _ends(answer: Answer) -> Finding:
    kept, dropped = answer(500, 0.0, generator(5)), answer(500, 1.0, generator(5))
    right = bool((kept == 1).all() and (dropped == 0).all())
    got = f"{int((kept == 1).sum())} of 500 kept, {int((dropped == 0).sum())} of 500 dropped"
    hint = "With the rate 0 nothing is dropped, with the rate 1 everything."
    return Finding("rates 0 and 1", right, "all kept, all dropped", got, hint)


CONTEXT_MASK = Exercise(
    id="4.1",
    name="context_mask",
    parameters=("b", "drop", "generator"),
    question="Draw a mask (b, 1): 0 with probability drop, else 1, from the given generator.",
    truth=_mask_truth,
    cases=_mask_cases,
    properties=(_one_draw_each, _drop_rate, _zeros_and_ones, _ends),
    compares=False,
    hints=(
        "torch.rand draws numbers in [0, 1); with which probability is one below 0.1?",
        "torch.rand takes a generator. Compare its numbers with the rate.",
        "The mask has one number for each picture, as a column, and is a float.",
    ),
    explanation=(
        "One uniform number for each picture: where it is below the rate, the whole condition is "
        "dropped. A mask over single numbers would almost never drop a whole condition."
    ),
)


def _guided_truth(cond: Tensor, uncond: Tensor, w: float) -> Tensor:
    return uncond + (1 + w) * (cond - uncond)


def _guided_cases(seed: int) -> list[Case]:
    shape = (2, 1, 4, 4)
    return [
        (normal(seed + i, *shape), normal(seed + 20 + i, *shape), w)
        for i, w in enumerate((2.0, 0.0, -1.0, 0.5, -2.0))
    ]


GUIDED = Exercise(
    id="4.2",
    name="guided",
    parameters=("cond", "uncond", "w"),
    question="Guide with weight w: w = 0 is the conditional prediction, w = -1 the other.",
    truth=_guided_truth,
    cases=_guided_cases,
    mistakes=(
        Mistake(
            "scale for weight (this is w = s)",
            lambda cond, uncond, w: uncond + w * (cond - uncond),
            "This treats w as the scale s. With the weight, w = 0 is the conditional prediction.",
        ),
        Mistake(
            "branches swapped",
            lambda cond, uncond, w: (1 + w) * uncond - w * cond,
            "A larger w should lead away from the prediction without a condition.",
        ),
        Mistake(
            "conditional prediction twice",
            lambda cond, uncond, w: (1 + w) * cond - w * cond,
            "The second term takes away the prediction without a condition.",
        ),
        Mistake(
            "w = 0 without a condition",
            lambda cond, uncond, w: uncond if w == 0 else (1 + w) * cond - w * uncond,
            "w = 0 means no extra guidance. The condition is still used.",
        ),
        Mistake(
            "added instead of subtracted",
            lambda cond, uncond, w: (1 + w) * cond + w * uncond,
            "The factors of the two predictions should add up to 1.",
        ),
    ),
    hints=(
        "Go from the unconditional prediction to the conditional one, and then on by w more.",
        "At w = 0 you are at cond, at w = -1 at uncond: a straight line through both.",
        "The two factors add up to 1 for every w.",
    ),
    explanation=(
        "(1 + w) cond - w uncond is a straight line through both predictions; with the scale "
        "s = 1 + w it reads uncond + s (cond - uncond) (Ho & Salimans 2022, eq. 6)."
    ),
)

CONVERTED = Exercise(
    id="4.3",
    name="converted",
    parameters=("w", "s"),
    question="Return the scale that means the weight w, and the weight that means the scale s.",
    truth=lambda w, s: (1.0 + w, s - 1.0),
    cases=lambda seed: [(2.0, 3.5), (0.0, 1.0), (-1.0, 0.0), (0.5, 7.5)],
    mistakes=(
        Mistake(
            "scale equals weight",
            lambda w, s: (w, s),
            "w = 0 and s = 1 mean the same, so they differ.",
        ),
        Mistake(
            "conversions swapped",
            lambda w, s: (w - 1, s + 1),
            "Check with w = 0, the plain conditional prediction: its scale is 1.",
        ),
        Mistake(
            "one taken off both",
            lambda w, s: (w - 1, s - 1),
            "One of the two is larger than the other, whichever way you go.",
        ),
        Mistake(
            "only the scale converted",
            lambda w, s: (1 + w, s),
            "The second number should be the weight of s.",
        ),
    ),
    hints=(
        "At which s, and at which w, is the prediction the conditional one?",
        "Write both formulas as uncond + factor (cond - uncond).",
        "The scale is larger than the weight, always by the same number.",
    ),
    explanation="s = 1 + w. Papers and programs use both: look which one before typing a number.",
)

EXERCISES = (CONTEXT_MASK, GUIDED, CONVERTED)
