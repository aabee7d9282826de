"""An exercise: what is asked, how an answer is judged, and which mistakes are recognised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddpm_clip.course.grading.findings import Finding

Answer = Callable[..., Any]
"""What a student wrote: a function."""

Case = tuple[Any, ...]
"""The arguments of one call."""

Check = Callable[[Answer], Finding]
"""Tries one property of an answer."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake that is recognised because an answer gives exactly what the mistake gives.

    Attributes:
        name: name of the finding.
        does: a function with the signature of the answer that makes this mistake.
        says: one sentence for the student.
    """

    name: str
    does: Answer
    says: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """One exercise.

    Attributes:
        id: such as "2.2"; the part before the last point names the lesson.
        name: name of the function that the student writes.
        parameters: names of its parameters, in order.
        question: the task in Markdown.
        truth: a function that gives the right values, from the library or in closed form.
        cases: (seed) -> arguments of the calls to be compared; the first is a typical call.
        properties: checks of behaviour, the most telling first.
        mistakes: mistakes that are recognised by their values.
        hints: hints for `ddpm-clip course hint`, from vague to plain.
        explanation: what is said below the reference answer.
        tolerance: largest error of a value, relative to the largest value of the case.
        compares: whether values are compared with those of `truth`.
        seed: random seed of the cases, so that two exercises may share a grader.
    """

    id: str
    name: str
    parameters: tuple[str, ...]
    question: str
    truth: Answer
    cases: Callable[[int], Sequence[Case]]
    properties: tuple[Check, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    hints: tuple[str, ...] = ()
    explanation: str = ""
    tolerance: float = 1e-5
    compares: bool = True
    seed: int = 0

    @property
    def lesson(self) -> str:
        """The lesson that the exercise belongs to, such as "02" or "05b"."""
        return self.id.rpartition(".")[0].zfill(3 if self.id.rpartition(".")[0][-1:] == "b" else 2)

    @property
    def tag(self) -> str:
        """The tag of the cell that holds the answer."""
        return f"exercise-{self.id}"

    @property
    def stub(self) -> str:
        """The function as the student finds it."""
        return f"def {self.name}({', '.join(self.parameters)}):\n    return ...  # your code"


@dataclass(frozen=True, slots=True)
class Quiz:
    """A question with options, each with an explanation of its own.

    Attributes:
        id: such as "2.Q1".
        question: one sentence.
        options: letter -> text.
        right: letter of the right option.
        because: letter -> why it is right or wrong.
    """

    id: str
    question: str
    options: Mapping[str, str]
    right: str
    because: Mapping[str, str] = field(default_factory=dict)

    def answered(self, letter: str) -> Finding:
        """Return what is to be said to an answer."""
        if letter not in self.options:
            return Finding(self.id, False, f"one of {', '.join(self.options)}", repr(letter))
        right = letter == self.right
        return Finding(self.id, right, "", self.options[letter], self.because.get(letter, ""))
