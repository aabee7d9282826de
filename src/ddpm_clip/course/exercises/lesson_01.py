"""Exercises of lesson 01: mixing noise, transposed convolutions, skips."""

import random

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.course.exercises.given.cases import normal
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer


def _half_truth(x: Tensor, eps: Tensor) -> Tensor:
    return 0.5**0.5 * (x + eps)


def _half_cases(seed: int) -> list[Case]:
    shapes = ((4, 1, 8, 8), (2, 3, 5, 5))
    return [(normal(seed + i, *s), normal(seed + 9 + i, *s)) for i, s in enumerate(shapes)]


def _variance_kept(answer: Answer) -> Finding:
    x, eps = normal(1, 100, 1, 16, 16), normal(2, 100, 1, 16, 16)
    variance = float(answer(x, eps).var())
    hint = "Variances add, amplitudes do not: which factor halves a variance?"
    kept = abs(variance - 1) < 0.05
    return Finding("variance kept", kept, "variance 1", f"variance {variance:.2f}", hint)


def _as_much_noise(answer: Answer) -> Finding:
    x, zero = normal(1, 20, 1, 16, 16), torch.zeros(20, 1, 16, 16)
    picture, noise = float(answer(x, zero).var()), float(answer(zero, x).var())
    hint = "Half and half: the picture and the noise get the same factor."
    got = f"variance {picture:.2f} from the picture, {noise:.2f} from the noise"
    return Finding("half and half", abs(picture - noise) < 0.02, "equal variances", got, hint)


HALF_NOISE = Exercise(
    id="1.1",
    name="half_noise",
    parameters=("x", "eps"),
    question="Mix a picture and noise half and half, so that the mix keeps unit variance.",
    truth=_half_truth,
    cases=_half_cases,
    properties=(_variance_kept, _as_much_noise),
    hints=(
        "x and eps both have variance 1 and are independent. What is the variance of x + eps?",
        "Multiplying by a factor multiplies the variance by the square of the factor.",
        "Both factors are the same, and the squares of the two add up to 1.",
    ),
    explanation=(
        "Variances of independent numbers add. With the factor sqrt(1/2) each part has variance "
        "1/2, and the sum has 1. With the factor 1/2 it would have 1/2: a greyer, darker mix than "
        "any network sees in training."
    ),
)


def _upsampled_truth(n: int, kernel: int, stride: int, padding: int, output_padding: int) -> int:
    x, weight = torch.empty(1, 1, n, device="meta"), torch.empty(1, 1, kernel, device="meta")
    made = F.conv_transpose1d(
        x, weight, stride=stride, padding=padding, output_padding=output_padding
    )
    return int(made.shape[-1])


def _upsampled_cases(seed: int) -> list[Case]:
    draw, found = random.Random(seed + 3), [(7, 2, 2, 0, 0), (5, 3, 2, 1, 1)]
    while len(found) < 40:
        stride = draw.randint(1, 4)
        kernel, padding = draw.randint(1, 6), draw.randint(0, 2)
        extra = draw.randint(0, stride - 1)
        n = draw.randint(2, 20)
        if (n - 1) * stride - 2 * padding + kernel + extra > 0:
            found.append((n, kernel, stride, padding, extra))
    return list(found)


UPSAMPLED = Exercise(
    id="1.2",
    name="upsampled",
    parameters=("n", "kernel", "stride", "padding", "output_padding"),
    question="Return the length that a transposed convolution makes of a row of n numbers.",
    truth=_upsampled_truth,
    cases=_upsampled_cases,
    mistakes=(
        Mistake(
            "formula of the plain convolution",
            lambda n, k, s, p, o: (n + 2 * p - k) // s + 1,
            "This is the length after a plain convolution; the transposed one goes the other way.",
        ),
        Mistake(
            "padding taken off once",
            lambda n, k, s, p, o: (n - 1) * s - p + k + o,
            "Padding is cut off at both ends.",
        ),
        Mistake(
            "output padding forgotten",
            lambda n, k, s, p, o: (n - 1) * s - 2 * p + k,
            "output_padding makes the result longer at one end.",
        ),
        Mistake(
            "width of the kernel forgotten",
            lambda n, k, s, p, o: (n - 1) * s - 2 * p + 1 + o,
            "Each input number stamps a whole kernel into the output, not one number.",
        ),
        Mistake(
            "gaps counted as numbers",
            lambda n, k, s, p, o: n * s - 2 * p + k + o,
            "n stamps have one gap fewer than there are stamps.",
        ),
    ),
    hints=(
        "Each of the n inputs stamps a kernel into the output. Where does the last stamp begin?",
        "Without padding the output ends where the last kernel ends.",
        "Then the padding is cut off on both sides, and output_padding is added on one.",
    ),
    explanation=(
        "The stamps begin at 0, stride, 2 stride, …; the last begins at (n - 1) stride and is "
        "kernel long. Padding is cut off twice, output_padding is added once."
    ),
)


def _joined_truth(x: Tensor, skip: Tensor) -> Tensor:
    height, width = skip.shape[-2:]
    return torch.cat([x[..., :height, :width], skip], dim=1)


def _joined_cases(seed: int) -> list[Case]:
    pairs = (
        ((2, 3, 8, 8), (2, 3, 8, 8)),
        ((2, 4, 8, 8), (2, 3, 7, 7)),
        ((1, 2, 4, 6), (1, 5, 4, 5)),
    )
    return [(normal(seed + i, *a), normal(seed + 7 + i, *b)) for i, (a, b) in enumerate(pairs)]


def _odd_maps(answer: Answer) -> Finding:
    hint = "Halving 7 gives 4, and doubling 4 gives 8. The larger map has to be cropped."
    x, skip = normal(1, 2, 4, 8, 8), normal(2, 2, 3, 7, 7)
    try:
        got = tuple(answer(x, skip).shape)
    except RuntimeError as error:
        return Finding("odd maps", False, "(2, 7, 7, 7)", str(error).split("\n")[0][:120], hint)
    return Finding("odd maps", got == (2, 7, 7, 7), "(2, 7, 7, 7)", str(got), hint)


JOINED = Exercise(
    id="1.3",
    name="joined",
    parameters=("x", "skip"),
    question="Put the channels of x before those of the skip; crop x where the skip is smaller.",
    truth=_joined_truth,
    cases=_joined_cases,
    properties=(_odd_maps,),
    mistakes=(
        Mistake(
            "added instead of concatenated",
            lambda x, skip: x[..., : skip.shape[-2], : skip.shape[-1]] + skip,
            "A sum mixes both maps, so nothing after it can tell them apart.",
        ),
        Mistake(
            "pictures concatenated instead of channels",
            lambda x, skip: torch.cat([x[..., : skip.shape[-2], : skip.shape[-1]], skip], dim=0),
            "Dimension 0 counts the pictures of a batch; channels are another dimension.",
        ),
        Mistake(
            "order of the channels",
            lambda x, skip: torch.cat([skip, x[..., : skip.shape[-2], : skip.shape[-1]]], dim=1),
            "The question asks for x first. Trained weights fit one order only.",
        ),
        Mistake(
            "rows cropped at the wrong end",
            lambda x, skip: torch.cat([x[..., -skip.shape[-2] :, -skip.shape[-1] :], skip], dim=1),
            "The extra row and column are the last ones: halving rounded up at the far end.",
        ),
    ),
    hints=(
        "Print the shapes for a picture of 28 pixels that was halved twice, and of 7 halved once.",
        "torch.cat joins tensors along one dimension; which one are the channels?",
        "Before joining, keep only the first rows and columns of x.",
    ),
    explanation=(
        "Concatenation keeps both maps apart, so the next convolution can learn what to take from "
        "which. An odd size is rounded up when halved; the extra row and column are cropped."
    ),
)

EXERCISES = (HALF_NOISE, UPSAMPLED, JOINED)
