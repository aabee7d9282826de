"""Exercises of lesson 05: similarities, prompts for given pictures, the contrastive loss."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.course.exercises.given.cases import normal, units
from ddpm_clip.course.exercises.given.prompt_pictures import ASKED, DISTRACTORS, facts_of, pictures
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer

if TYPE_CHECKING:
    from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace

MARGIN = 0.05
"""By how much a text has to be nearer to its own picture than to any other."""


def _cosines(a: Tensor, b: Tensor) -> Tensor:
    return F.normalize(a, dim=1) @ F.normalize(b, dim=1).T


SIMILARITY = Exercise(
    id="5.1",
    name="similarity_matrix",
    parameters=("a", "b"),
    question="Return the cosine of every row of a (n, e) with every row of b (m, e): (n, m).",
    truth=_cosines,
    cases=lambda seed: [
        (normal(seed, 3, 4) * 3, normal(seed + 1, 11, 4) * 11),
        (normal(seed + 2, 2, 6), normal(seed + 3, 2, 6)),
    ],
    mistakes=(
        Mistake(
            "lengths left in",
            lambda a, b: a @ b.T,
            "Long vectors get large products. A cosine knows of directions only.",
        ),
        Mistake(
            "one side normalised",
            lambda a, b: F.normalize(a, dim=1) @ b.T,
            "Both lengths have to be divided out.",
        ),
        Mistake("transposed", lambda a, b: _cosines(b, a), "Rows belong to a, columns to b."),
        Mistake(
            "normalised along the wrong dimension",
            lambda a, b: F.normalize(a, dim=0) @ F.normalize(b, dim=0).T,
            "Each row should get unit length, not each column.",
        ),
    ),
    hints=(
        "A cosine is the product of two vectors of unit length.",
        "Give every row unit length first; then one matrix product makes all cosines.",
        "The product of (n, e) and (e, m) has the right shape: one of the two is transposed.",
    ),
    explanation="With rows of unit length, one matrix product holds all the cosines.",
)


@cache
def _space() -> "EmbeddingSpace":
    from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace

    return EmbeddingSpace.open("flowers", "cpu")


@cache
def _picture_embeddings() -> Tensor:
    """Return the embeddings of the three pictures, then of the distractors."""
    return _space().pictures(pictures())


def _three_texts(answer: Answer) -> Finding:
    texts = answer()
    right = len(texts) == 3 and all(isinstance(text, str) and text.strip() for text in texts)
    return Finding("three texts", right, "three texts, one for each picture", repr(texts)[:100])


def _nearest(answer: Answer) -> Finding:
    texts = list(answer())[:3]
    scores = _space().texts(texts) @ _picture_embeddings().T  # (3, 3 + distractors)
    for i, text in enumerate(texts):
        own = float(scores[i, i])
        rest = scores[i].clone()
        rest[i] = -2.0
        other = int(rest.argmax())
        if own - float(rest[other]) < MARGIN:
            return _confused(text, i, own, other, float(rest[other]))
    return Finding("nearest to its own picture", True)


def _confused(text: str, own: int, score: float, other: int, its_score: float) -> Finding:
    mine, theirs = facts_of(own), facts_of(other)
    differ = [
        f"{name} ({mine[name]}, not {theirs[name]})" for name in mine if mine[name] != theirs[name]
    ]
    where = f"picture {other + 1}" if other < len(ASKED) else "another flower"
    hint = f"It is confused with {where}, which differs in: {', '.join(differ) or 'nothing named'}."
    got = f"{score:.2f} with its own, {its_score:.2f} with {where}, for {text[:60]!r}"
    told = f"picture {own + 1} nearest by {MARGIN}"
    return Finding("nearest to its own picture", False, told, got, hint)


PROMPTS = Exercise(
    id="5.2",
    name="prompts",
    parameters=(),
    question=(
        "Write one text for each of the three pictures of the lesson, each nearer to its own "
        f"picture than to the others and to {DISTRACTORS} more flowers, by {MARGIN}."
    ),
    truth=lambda: ["", "", ""],
    cases=lambda seed: [()],
    properties=(_three_texts, _nearest),
    compares=False,
    hints=(
        "Look at each picture: what kind of flower is it, and of what colour?",
        "Name the facts in which it differs from the picture that it is confused with.",
        "Species and colour of the petals come first; the background is heard of less often.",
    ),
    explanation=(
        "A caption works if it says what tells the picture from others: species, colour, number. "
        "Praise and openings change nothing."
    ),
)


def _one_way(logits: Tensor, fits: Tensor) -> Tensor:
    wanted = fits.float()
    return -(logits.log_softmax(1) * wanted).sum(1).div(wanted.sum(1)).mean()


def _loss_truth(image: Tensor, text: Tensor, fits: Tensor, inverse_temperature: float) -> Tensor:
    from ddpm_clip.embedders.mini_clip import multi_positive_loss

    class Clip:
        pass

    clip = Clip()
    clip.inverse_temperature = inverse_temperature  # type: ignore[attr-defined]
    return multi_positive_loss(image, text, fits, clip)  # type: ignore[arg-type]


def _loss_cases(seed: int) -> list[Case]:
    alike = torch.eye(5).bool()
    alike[0, 3] = alike[3, 0] = True  # captions 0 and 3 are equal
    return [
        (units(seed, 4, 6), units(seed + 1, 4, 6), torch.eye(4).bool(), 10.0),
        (units(seed + 2, 5, 6), units(seed + 3, 5, 6), alike, 3.0),
    ]


def _logits(image: Tensor, text: Tensor, inverse_temperature: float) -> Tensor:
    return inverse_temperature * image @ text.T


def _both_ways(logits: Tensor, fits: Tensor) -> Tensor:
    return (_one_way(logits, fits) + _one_way(logits.T, fits.T)) / 2


def _any_right(logits: Tensor, fits: Tensor) -> Tensor:
    right = logits.masked_fill(~fits, -torch.inf)
    ways = [(logits.logsumexp(d) - right.logsumexp(d)).mean() for d in (0, 1)]
    return (ways[0] + ways[1]) / 2


CONTRASTIVE = Exercise(
    id="5.3",
    name="contrastive_loss",
    parameters=("image", "text", "fits", "inverse_temperature"),
    question=(
        "Return the symmetric contrastive loss of unit embeddings (b, e). fits[i, j] says whether "
        "text j is true of picture i: all of those are right, and the log probability of a row is "
        "the mean over them."
    ),
    truth=_loss_truth,
    cases=_loss_cases,
    mistakes=(
        Mistake(
            "one way only",
            lambda i, t, fits, scale: _one_way(_logits(i, t, scale), fits),
            "Texts have to find their pictures as well: transpose, and take the mean of both.",
        ),
        Mistake(
            "temperature the wrong way round",
            lambda i, t, fits, scale: _both_ways(_logits(i, t, 1 / scale), fits),
            "It is called inverse temperature because cosines are multiplied by it.",
        ),
        Mistake(
            "only the diagonal is right",
            lambda i, t, fits, scale: _both_ways(_logits(i, t, scale), torch.eye(len(fits)).bool()),
            "Equal captions fit both pictures. Treating them as negatives punishes the truth.",
        ),
        Mistake(
            "probabilities of the right ones added",
            lambda i, t, fits, scale: _any_right(_logits(i, t, scale), fits),
            "Adding them up asks for any right one. Each is asked for: average log probabilities.",
        ),
        Mistake(
            "sum of both ways",
            lambda i, t, fits, scale: 2 * _both_ways(_logits(i, t, scale), fits),
            "Take the mean of the two directions, so that the loss keeps its size.",
        ),
        Mistake(
            "summed over the batch",
            lambda i, t, fits, scale: len(i) * _both_ways(_logits(i, t, scale), fits),
            "Take the mean over the batch, so that the loss does not depend on its size.",
        ),
    ),
    hints=(
        "Make the matrix of cosines, scaled; each row is a choice among the texts.",
        "log_softmax along a row gives the log probability of each choice. Which are right?",
        "Average over the right ones of a row, over the rows, and over both directions.",
    ),
    explanation=(
        "Cross-entropy over rows and over columns, averaged. Where several texts are true of a "
        "picture, their log probabilities are averaged (Khosla et al. 2020, eq. 2)."
    ),
)

EXERCISES = (SIMILARITY, PROMPTS, CONTRASTIVE)


def pictures_of_5_2() -> Sequence[object]:
    """Return the three pictures of exercise 5.2, as PIL."""
    return pictures()[: len(ASKED)]
