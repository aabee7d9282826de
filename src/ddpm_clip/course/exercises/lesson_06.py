"""The seven tasks of the assessment, with the graders of earlier lessons on other numbers."""

from dataclasses import replace

import torch
from torch import Tensor

from ddpm_clip.course.exercises import lesson_02, lesson_04
from ddpm_clip.course.exercises.given.blocks import KEY, LETTERS, NAMES
from ddpm_clip.course.exercises.given.cases import betas, normal, of_each
from ddpm_clip.course.exercises.given.networks import TinyDenoiser
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.models.ddpm import DDPM

CLUES = {
    "max pool": "It halves the picture and keeps its channels; the largest numbers survive.",
    "rearrange pool": "It halves the picture and has four times the channels; no number is lost.",
    "transposed convolution": "It doubles the picture.",
    "group norm": "It keeps the shape, and each picture comes out normalised on its own.",
    "batch norm": "It keeps the shape, and what comes out depends on the other pictures.",
    "time features": "It takes numbers, not pictures.",
    "residual block": "It keeps the shape and, untrained, changes nothing.",
}


def _known_names(answer: Answer) -> Finding:
    named = answer()
    unknown = [f"{letter}: {name!r}" for letter, name in named.items() if name not in NAMES]
    wrong = unknown or sorted(set(LETTERS) ^ set(named))
    told = f"letters {LETTERS[0]} to {LETTERS[-1]}, each with one of the seven names"
    return Finding("names that exist", not wrong, told, str(wrong)[:100])


def _named_by_behaviour(answer: Answer) -> Finding:
    named = answer()
    for letter in LETTERS:
        if named.get(letter) != KEY[letter]:
            got = f"{letter}: {named.get(letter)!r}"
            told = f"another name for {letter}"
            return Finding("named by behaviour", False, told, got, CLUES[KEY[letter]])
    return Finding("named by behaviour", True)


BLOCKS = Exercise(
    id="6.4",
    name="blocks",
    parameters=(),
    question="Name the seven blocks A to G by what they do to shapes and numbers.",
    truth=lambda: dict(KEY),
    cases=lambda seed: [()],
    properties=(_known_names, _named_by_behaviour),
    compares=False,
    hints=(
        "Call each with x of shape (2, 8, 4, 4) and print the shape that comes back.",
        "Three keep the shape. Compare what comes out with x, for one picture and for a batch.",
        "Change only the second picture of the batch: for which block does the first one change?",
    ),
    explanation=(
        "Shapes tell four of them apart. Of the three that keep the shape, one changes nothing, "
        "and of the two norms one depends on the other pictures of the batch."
    ),
)

_NETWORK = TinyDenoiser(seed=6)


def _loss_truth(
    network: TinyDenoiser,
    x_0: Tensor,
    t: Tensor,
    eps: Tensor,
    c: Tensor,
    c_mask: Tensor,
    alpha: Tensor,
    sigma: Tensor,
) -> Tensor:
    return DDPM(NoiseSchedule(alpha, sigma)).get_loss(network, x_0, t, c, c_mask, eps)


def _loss_cases(seed: int) -> list[Case]:
    schedule = NoiseSchedule.from_betas(betas(100))
    levels = schedule.alpha.float(), schedule.sigma.float()
    mask = torch.tensor([[1.0], [0.0], [1.0]])
    x_0, eps, c = (
        normal(seed + i, 3, *shape) for i, shape in enumerate(((1, 4, 4),) * 2 + ((3,),))
    )
    t = torch.tensor([5, 99, 40])
    return [
        (_NETWORK, x_0, t, eps, c, mask, *levels),
        (_NETWORK, eps, t.flip(0), x_0, 2 * c, 1 - mask, *levels),
    ]


def _loss(
    *,
    against: Answer,
    measure: Answer,
    mask_of: Answer = lambda mask: mask,
    c_of: Answer = lambda c, mask: c,
    noised: bool = True,
) -> Answer:
    """Return the loss with another target or measure, or with another input of the network."""

    def loss(network, x_0, t, eps, c, c_mask, alpha, sigma):
        x_t = of_each(alpha, t) * x_0 + of_each(sigma, t) * eps
        seen = x_t if noised else x_0
        with torch.no_grad():
            found = network(seen, t, c_of(c, c_mask), mask_of(c_mask))
        return measure(found - against(x_0, eps))

    return loss


def _squared(error: Tensor) -> Tensor:
    return error.square().mean()


def _noise(x_0: Tensor, eps: Tensor) -> Tensor:
    return eps


LOSS = Exercise(
    id="6.6",
    name="loss",
    parameters=("network", "x_0", "t", "eps", "c", "c_mask", "alpha", "sigma"),
    question="Return the mean squared error of the noise that the network predicts from x_t.",
    truth=_loss_truth,
    cases=_loss_cases,
    mistakes=(
        Mistake(
            "absolute error",
            _loss(against=_noise, measure=lambda error: error.abs().mean()),
            "The loss of Ho et al. 2020 squares the error.",
        ),
        Mistake(
            "sum instead of mean",
            _loss(against=_noise, measure=lambda error: error.square().sum()),
            "A sum grows with the batch and the picture, and the learning rate with it.",
        ),
        Mistake(
            "clean picture as the target",
            _loss(against=lambda x_0, eps: x_0, measure=_squared),
            "This network predicts the noise that was added.",
        ),
        Mistake(
            "mask ignored",
            _loss(against=_noise, measure=_squared, mask_of=torch.ones_like),
            "Pass on the mask: some of the conditions are to be dropped.",
        ),
        Mistake(
            "mask multiplied into the condition",
            _loss(
                against=_noise,
                measure=_squared,
                mask_of=torch.ones_like,
                c_of=lambda c, mask: c * mask,
            ),
            "A condition of zeros is a condition like any other; the mask is an input of its own.",
        ),
        Mistake(
            "clean picture as the input",
            _loss(against=_noise, measure=_squared, noised=False),
            "The network has to see the noised picture x_t.",
        ),
    ),
    tolerance=1e-5,
    hints=(
        "First make x_t, with the jump of task 6.2.",
        "Ask the network about x_t, with the condition and the mask that you were given.",
        "Compare with the noise, square, and take the mean of everything.",
    ),
    explanation="Jump to t, predict, compare with the noise: L_simple (Ho et al. 2020, eq. 14).",
)

EXERCISES = (
    replace(lesson_02.LEVELS, id="6.1", seed=610),
    replace(lesson_02.JUMP, id="6.2", seed=620),
    replace(lesson_02.STEP_BACK, id="6.3", seed=630),
    BLOCKS,
    replace(lesson_04.CONTEXT_MASK, id="6.5", seed=650),
    LOSS,
    replace(lesson_04.GUIDED, id="6.7", seed=670),
)
