"""Paints sixty digits from a submission, lets an independent judge read them, and gives a verdict.

Six pictures of each digit, in four phrasings. A picture counts if the judge takes it for a real one
and reads the digit that was asked for. 57 of 60 pass, with no digit below 4.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.course.assessment.refusing import refused_pictures, refused_weights
from ddpm_clip.course.assessment.submission import FOLDER, IMG_CH, SIDE, Submission
from ddpm_clip.course.assessment.task import EACH, DigitTask, prompts_and_digits
from ddpm_clip.course.reading import accepted, read
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.utils.tensors import to_float

NEEDED, NEEDED_EACH = 57 / 60, 4 / 6
"""Share of pictures that have to be right: of all, and of each digit."""

DISTINCTION_N, DISTINCTION = 300, 0.95
"""With so many pictures, the lower end of the interval that is a distinction."""

STEPS = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """What the judge made of one picture."""

    prompt: str
    wanted: str
    read: str
    rejected: bool

    @property
    def right(self) -> bool:
        """Whether it is taken for a real one, and read as what was asked for."""
        return not self.rejected and self.read == self.wanted


@dataclass(frozen=True, slots=True, eq=False)
class AssessmentResult:
    """The result of an assessment.

    Attributes:
        submission: what was judged.
        data: what it was trained on, in words.
        seeds: the first and the last random seed.
        pictures: (n, 1, h, w) in [-1, 1]; no pictures if the weights were refused.
        readings: one for each picture.
        refusal: why it is refused, or "".
        judge_right: how many held-out real pictures the judge itself reads right.
        judge_n: of how many.
    """

    submission: Submission
    data: str
    seeds: tuple[int, int]
    pictures: Tensor
    readings: tuple[Reading, ...]
    refusal: str
    judge_right: int
    judge_n: int

    @property
    def right(self) -> int:
        """The number of pictures that are right."""
        return sum(one.right for one in self.readings)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval (Wilson) of the share that is right."""
        return wilson(self.right, len(self.readings))

    @property
    def by_digit(self) -> dict[str, tuple[int, int]]:
        """Digit -> (right, asked for)."""
        digits = dict.fromkeys(one.wanted for one in self.readings)
        rows = {digit: [one for one in self.readings if one.wanted == digit] for digit in digits}
        return {digit: (sum(one.right for one in row), len(row)) for digit, row in rows.items()}

    @property
    def weakest(self) -> str:
        """The digit with the fewest right pictures; "" if there are no pictures."""
        counts = self.by_digit
        return min(counts, key=lambda digit: counts[digit][0], default="")

    @property
    def passed(self) -> bool:
        """Whether the submission passes."""
        n = len(self.readings)
        each = all(right >= NEEDED_EACH * asked for right, asked in self.by_digit.values())
        return bool(n) and not self.refusal and self.right >= NEEDED * n and each

    @property
    def distinction(self) -> bool:
        """Whether it passes so that 95 % is likely not to be luck; needs 300 pictures."""
        enough = len(self.readings) >= DISTINCTION_N
        return self.passed and enough and self.interval[0] >= DISTINCTION

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the pictures."""
        return {
            "passed": self.passed,
            "refusal": self.refusal,
            "right": self.right,
            "of": len(self.readings),
            "interval_95": [round(end, 3) for end in self.interval] if self.readings else [],
            "weakest": self.weakest,
            "by_digit": {digit: right for digit, (right, _) in self.by_digit.items()},
            "data": self.data,
            "seeds": list(self.seeds),
            "fingerprint": self.submission.fingerprint,
            "card": self.submission.card.model_dump(mode="json"),
        }

    def __str__(self) -> str:
        """Return the verdict in a few lines."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.refusal:
            yield f"submission: refused: {self.refusal}"
        if not self.readings:
            return
        n, (low, high) = len(self.readings), self.interval
        verdict = "passed with distinction" if self.distinction else "passed"
        yield (
            f"submission: {verdict if self.passed else 'not yet'}: "
            f"the judge reads {self.right} of {n} (95 % interval {low:.2f} to {high:.2f})"
        )
        right, asked = self.by_digit[self.weakest]
        yield f"  weakest digit: {self.weakest}, {right} of {asked}"
        yield (
            f"  needed: {NEEDED:.0%}, and {NEEDED_EACH:.0%} of each digit; "
            f"the judge itself reads {self.judge_right} of {self.judge_n} held-out pictures"
        )


def judge_submission(
    folder: Path = FOLDER, each: int = EACH, *, task: DigitTask | None = None, steps: int = STEPS
) -> AssessmentResult:
    """Judge a submission.

    Args:
        folder: where it lies.
        each: pictures of each digit; 6 for the assessment, 30 for a distinction.
        task: an open task; None opens that which the card names.
        steps: steps of the sampler.

    Raises:
        MissingInput: there is no submission, or it was trained on MNIST and that is not found.
        StorageError: a file is damaged.
        DataError: the weights do not fit the card, or are not finite.
    """
    handed_in = Submission.open(folder)
    task = task or DigitTask.open(handed_in.card.data)
    network = handed_in.network(task.conditioner.width)
    prompts, wanted = prompts_and_digits(each)
    seeds = handed_in.seeds(len(prompts))
    known = judge_on_real(task)
    verdict = partial(
        AssessmentResult,
        submission=handed_in,
        data=task.pictures.origin,
        seeds=(seeds[0], seeds[-1]),
        judge_right=sum(one.right for one in known),
        judge_n=len(known),
    )
    if refusal := refused_weights(handed_in.weights):
        return verdict(pictures=torch.empty(0, IMG_CH, SIDE, SIDE), readings=(), refusal=refusal)
    c = task.asked(prompts, handed_in.card.bridge, seeds)
    ddpm = DDPM(cosine(handed_in.card.timesteps), parameterization="v")
    x = ddpm.sample(network, c, scale=1 + handed_in.card.w, seeds=seeds, steps=steps)
    readings = read_pictures(x, wanted, prompts)
    return verdict(pictures=x, readings=readings, refusal=refused_pictures(x, wanted, task))


def judge_on_real(task: DigitTask) -> tuple[Reading, ...]:
    """Return what the judge reads in the held-out pictures: its own error."""
    digits = [facts["digit"] for facts in task.heldout.facts]
    return read_pictures(to_float(task.heldout.pixels), digits, digits)


def read_pictures(x: Tensor, wanted: list[str], prompts: list[str]) -> tuple[Reading, ...]:
    """Return what the judge reads in x (n, 1, h, w), given what was asked for."""
    taken = accepted("digits", x).tolist()
    rows = zip(prompts, wanted, read("digits", x), taken, strict=True)
    return tuple(Reading(prompt, digit, seen, not real) for prompt, digit, seen, real in rows)
