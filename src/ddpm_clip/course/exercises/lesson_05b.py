"""Exercises of lesson 05b: whole conditions dropped, texts shifted, the null condition."""

import math

import torch
from torch import Tensor

from ddpm_clip.course.exercises.given.cases import normal, units
from ddpm_clip.course.exercises.given.networks import TinyDenoiser
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer

P_DROPPED = Exercise(
    id="5b.1",
    name="p_all_dropped",
    parameters=("drop", "e", "by_row"),
    question=(
        "With which probability is a condition of e numbers dropped whole, if each draw drops "
        "with probability drop, and one draw is made for the row, or one for each number?"
    ),
    truth=lambda drop, e, by_row: drop if by_row else drop**e,
    cases=lambda seed: [(0.1, 2, False), (0.1, 2, True), (0.5, 3, False), (0.3, 96, True)],
    mistakes=(
        Mistake(
            "probabilities added",
            lambda drop, e, by_row: drop if by_row else drop * e,
            "All e numbers have to be dropped at once; for that, probabilities multiply.",
        ),
        Mistake(
            "probability of keeping",
            lambda drop, e, by_row: 1 - drop if by_row else (1 - drop) ** e,
            "That is the probability that all is kept.",
        ),
        Mistake(
            "rows treated like numbers",
            lambda drop, e, by_row: drop**e,
            "With one draw a row, e does not matter.",
        ),
        Mistake(
            "numbers treated like rows",
            lambda drop, e, by_row: drop,
            "With one draw for each number, it is rare that all of them are dropped.",
        ),
    ),
    hints=(
        "How many draws have to come out as `drop`?",
        "One draw a row: just the one. One draw a number: all e of them.",
        "The probability that independent events all happen is a product.",
    ),
    explanation=(
        "With one draw for each of 96 numbers, the whole condition is dropped with probability "
        ".1 to the power of 96: never. The network learns no null, and guidance leads nowhere."
    ),
)


def _shift_truth(
    e: Tensor, mean_image: Tensor, mean_text: Tensor, radius_image: float, radius_text: float
) -> Tensor:
    from ddpm_clip.conditioning.conditioner import Conditioner

    d = len(mean_image)
    empty = torch.zeros(0, d)
    conditioner = Conditioner(
        mean_image, mean_text, radius_image, radius_text, torch.eye(d) / d, empty
    )
    return conditioner.texts(e, "shift", bounded=False)[:, :-1]


def _shift_cases(seed: int) -> list[Case]:
    means = 0.3 * normal(seed + 1, 6), 0.4 * normal(seed + 2, 6)
    radii = ((0.8, 0.7), (0.9, 0.3), (0.5, 1.0))
    return [(units(seed + i, 3, 6), *means, *pair) for i, pair in enumerate(radii)]


def _shift(
    *, own: bool = True, root: bool = True, stretched: bool = True, bounded: bool = True
) -> Answer:
    """Return the shift with one part left out or replaced."""

    def shift(
        e: Tensor, mean_image: Tensor, mean_text: Tensor, radius_image: float, radius_text: float
    ) -> Tensor:
        stretch = radius_image / radius_text
        stretch = min(max(stretch, 0.7), 1.4) if bounded else stretch
        centred = e - (mean_text if own else mean_image)
        factor = math.sqrt(e.shape[1]) if root else 1.0
        return (stretch if stretched else 1.0) * centred * factor / radius_image

    return shift


SHIFTED = Exercise(
    id="5b.2",
    name="shifted",
    parameters=("e", "mean_image", "mean_text", "radius_image", "radius_text"),
    question=(
        "Carry unit text embeddings e (n, d) to conditions: centre them, stretch them to the "
        "pictures' radius (by 0.7 to 1.4), and scale to a mean square of 1 a coordinate."
    ),
    truth=_shift_truth,
    cases=_shift_cases,
    mistakes=(
        Mistake(
            "centred at the mean of the pictures",
            _shift(own=False),
            "Texts form a cloud of their own; centre each cloud at its own mean.",
        ),
        Mistake(
            "size of the space forgotten",
            _shift(root=False),
            "d coordinates with a mean square of 1 have the length sqrt(d), not 1.",
        ),
        Mistake(
            "not stretched",
            _shift(stretched=False),
            "The cloud of the texts may be smaller than that of the pictures.",
        ),
        Mistake(
            "stretched without a limit",
            _shift(bounded=False),
            "A cloud of a few similar texts would be blown up without end.",
        ),
    ),
    hints=(
        "Three things in a row: take a mean away, stretch, scale.",
        "The stretch is the ratio of the two radii, kept within 0.7 and 1.4.",
        "The pictures' radius becomes sqrt(d).",
    ),
    explanation=(
        "Both clouds are centred at their own means, so the gap between them is gone. The stretch "
        "makes their sizes equal, and sqrt(d) / radius gives coordinates a mean square of 1."
    ),
)

_NETWORK = TinyDenoiser()


def _nothing_cases(seed: int) -> list[Case]:
    t = torch.tensor([3, 40, 99, 7])
    return [(_NETWORK, normal(seed, 4, 1, 4, 4), t, normal(seed + 1, 4, 3))]


def _nothing_truth(network: Answer, x_t: Tensor, t: Tensor, c: Tensor) -> Tensor:
    with torch.no_grad():
        return network(x_t, t, c, torch.zeros(len(x_t), 1))  # type: ignore[no-any-return]


def _mask_shape(answer: Answer) -> Finding:
    network = TinyDenoiser()
    answer(network, *_nothing_cases(0)[0][1:])
    got = tuple(network.masks[-1].shape) if network.masks else "no call"
    hint = "The mask is a column with one number for each picture."
    return Finding("shape of the mask", got == (4, 1), "(4, 1)", str(got), hint)


def _with(c_of: Answer, mask_of: Answer) -> Answer:
    def call(network: Answer, x_t: Tensor, t: Tensor, c: Tensor) -> Tensor:
        with torch.no_grad():
            return network(x_t, t, c_of(c), mask_of(len(x_t)))  # type: ignore[no-any-return]

    return call


def _ones(b: int) -> Tensor:
    return torch.ones(b, 1)


NOTHING = Exercise(
    id="5b.3",
    name="nothing",
    parameters=("network", "x_t", "t", "c"),
    question="Return what the network predicts without any condition.",
    truth=_nothing_truth,
    cases=_nothing_cases,
    properties=(_mask_shape,),
    mistakes=(
        Mistake(
            "zeros as a condition",
            _with(torch.zeros_like, _ones),
            "That is the average picture: after centring, zeros are a condition like any other.",
        ),
        Mistake(
            "average condition",
            _with(lambda c: c.mean(0, keepdim=True).expand_as(c), _ones),
            "The average condition asks for the average picture. Asking for nothing is another "
            "thing, which the network has learned.",
        ),
        Mistake(
            "condition kept",
            _with(lambda c: c, _ones),
            "In the mask 1 keeps a condition and 0 drops it.",
        ),
    ),
    hints=(
        "The network has learned a null. By which of its arguments is it chosen?",
        "The mask says for each picture whether its condition is kept.",
        "Which value of the mask drops a condition, and which shape has it?",
    ),
    explanation="A mask of zeros (b, 1) makes the network use its null; c does not matter.",
)

EXERCISES = (P_DROPPED, SHIFTED, NOTHING)
