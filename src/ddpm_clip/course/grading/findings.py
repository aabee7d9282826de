"""What was found about one answer: each finding says what was expected and what came."""

from dataclasses import dataclass
from typing import Any

STUB = "the stub"
NOT_WRITTEN = "written"
"""Name of the finding that says that there is no answer yet; it does not count as an attempt."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried.

    Attributes:
        name: short name of what was tried, such as "variance kept".
        passed: whether the answer does it.
        expected: what a right answer gives, in a few words.
        got: what this answer gave.
        hint: one sentence that helps to find the mistake; never a line of the answer.
    """

    name: str
    passed: bool
    expected: str = ""
    got: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Return the finding over a few lines, for a terminal or a notebook."""
        lines = [f"{'passed' if self.passed else 'failed'}: {self.name}"]
        told = (("expected", self.expected), ("got", self.got), ("hint", self.hint))
        if not self.passed:
            lines += [f"  {label + ':':<10}{text}" for label, text in told if text]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Grade:
    """All findings about one answer, in the order in which they were tried."""

    exercise: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(finding.passed for finding in self.findings)

    @property
    def written(self) -> bool:
        """Whether there is an answer at all; a stub is no attempt."""
        return all(finding.passed for finding in self.findings if finding.name == NOT_WRITTEN)

    @property
    def first_failed(self) -> Finding | None:
        """The failure to be explained; None if there is none."""
        return next((finding for finding in self.findings if not finding.passed), None)

    @property
    def verdict(self) -> str:
        """One of "passed", "not yet" and "not written yet"."""
        if not self.written:
            return "not written yet"
        return "passed" if self.passed else "not yet"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        findings = [
            {
                "name": one.name,
                "passed": one.passed,
                "expected": one.expected,
                "got": one.got,
                "hint": one.hint,
            }
            for one in self.findings
        ]
        return {"exercise": self.exercise, "verdict": self.verdict, "findings": findings}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> "Grade":
        """Return the grade of `as_dict`."""
        return cls(facts["exercise"], tuple(Finding(**one) for one in facts["findings"]))

    def __str__(self) -> str:
        """Return the verdict, the first failure in full, and the names of the others."""
        lines = [f"{self.exercise}: {self.verdict}"]
        if self.passed:
            lines[0] += f" ({len(self.findings)} checks)"
        first = self.first_failed
        if first is not None and (self.written or first.got != STUB):
            lines += [f"  {line}" for line in str(first).splitlines()]
            others = [one.name for one in self.findings if not one.passed and one is not first]
            lines += [f"  also failed: {', '.join(others)}"] if others else []
        return "\n".join(lines)
