"""Calls an answer on fresh arguments, compares values, and shows them in a few words."""

import copy
import math
import traceback
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.course.grading.exercise import Answer, Case
from ddpm_clip.course.grading.findings import Finding

MOST_SHOWN = 5
"""Numbers of a tensor or list that a message shows."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An answer raised an exception instead of returning."""

    error: BaseException
    line: str

    def __str__(self) -> str:
        """Return type, message and the student's line."""
        text = str(self.error).strip().split("\n")[0][:200]
        at = f", in the line: {self.line}" if self.line else ""
        return f"{type(self.error).__name__}: {text}{at}"


def called(answer: Answer, case: Case) -> Any:
    """Return what the answer gives for fresh copies of the arguments, or `Raised`."""
    try:
        return answer(*fresh(case))
    except Exception as error:
        return Raised(error, _line(error, answer))


def fresh(case: Case) -> Case:
    """Return copies of the arguments, so that an answer can change none of ours."""
    return tuple(_copied(value) for value in case)


def same(a: Any, b: Any, tolerance: float = 1e-5) -> bool:
    """Return whether two values agree, tensors and numbers within a tolerance.

    The tolerance is relative to the largest absolute value of b, and at least absolute.
    """
    if isinstance(b, Tensor) and isinstance(a, Tensor):
        return tuple(a.shape) == tuple(b.shape) and _near(a, b, tolerance)
    if isinstance(b, bool | str) or b is None:
        return _equal(a, b)
    if isinstance(b, list | tuple):
        pairs = isinstance(a, list | tuple) and len(a) == len(b)
        return pairs and all(same(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(b, dict):
        keys = isinstance(a, dict) and a.keys() == b.keys()
        return keys and all(same(a[key], b[key], tolerance) for key in b)
    if isinstance(b, int | float):
        number = as_number(a)
        return number is not None and abs(number - b) <= tolerance * max(1.0, abs(b))
    return _equal(a, b)


def as_number(value: Any) -> float | None:
    """Return a number, or a tensor of one number, as a float; None for anything else."""
    if isinstance(value, Tensor):
        return float(value) if value.numel() == 1 and not value.is_complex() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value.item())  # numbers of NumPy
    except (AttributeError, TypeError, ValueError):
        return None


def shown(value: Any) -> str:
    """Return a value in a few words."""
    if isinstance(value, Raised):
        return str(value)
    if isinstance(value, Tensor):
        numbers = value.detach().flatten()[:MOST_SHOWN].tolist()
        more = ", …" if value.numel() > MOST_SHOWN else ""
        text = ", ".join(shown(one) for one in numbers)
        return text if value.ndim == 0 else f"[{text}{more}] of shape {tuple(value.shape)}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        more = ", …" if len(value) > MOST_SHOWN else ""
        text = ", ".join(shown(one) for one in value[:MOST_SHOWN])
        return f"[{text}{more}]" if isinstance(value, list) else f"({text}{more})"
    return repr(value)[:120]


def shown_apart(right: Any, got: Any) -> tuple[str, str]:
    """Return two values that differ, in a few words that differ as well."""
    texts = shown(right), shown(got)
    more = _apart(right, got) if texts[0] == texts[1] else None
    return (f"{texts[0]}, {more[0]}", f"{texts[1]}, {more[1]}") if more else texts


def _apart(right: Any, got: Any) -> tuple[str, str] | None:
    """Return where two arrays of numbers differ most, or their shapes; None for anything else."""
    try:
        a, b = (torch.as_tensor(one, dtype=torch.float64).detach() for one in (right, got))
    except (TypeError, ValueError, RuntimeError):
        return None
    if a.shape != b.shape or not a.numel():
        return f"of shape {tuple(a.shape)}", f"of shape {tuple(b.shape)}"
    place = tuple(int(i) for i in torch.unravel_index((a - b).abs().argmax(), a.shape))
    return f"at {list(place)} {float(a[place]):.6g}", f"at {list(place)} {float(b[place]):.6g}"


def arguments(parameters: tuple[str, ...], case: Case) -> str:
    """Return the arguments of a call in a few words, those that are short only."""
    told = [f"{name} = {shown(value)}" for name, value in zip(parameters, case, strict=False)]
    return ", ".join(one for one in told if len(one) < 60)[:160]


def compared(name: str, expected: Any, got: Any, hint: str, tolerance: float = 1e-5) -> Finding:
    """Return the finding that compares one value with the right one."""
    if isinstance(got, Raised):
        return Finding("exception", False, shown(expected), shown(got), hint)
    right = same(got, expected, tolerance)
    told = (shown(expected), shown(got)) if right else shown_apart(expected, got)
    return Finding(name, right, *told, hint)


def _equal(a: Any, b: Any) -> bool:
    """Return whether a == b; False where that has no one answer, as for arrays of many numbers."""
    try:
        return bool(a == b)
    except (RuntimeError, ValueError, TypeError):
        return False


def _near(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.is_complex() or b.is_complex():
        return False
    a, b = a.detach().double(), b.detach().double()
    limit = tolerance * max(1.0, b.abs().max().item() if b.numel() else 0.0)
    # two infinite or two NaN values are equal; the check of finite values is another
    return bool(torch.isclose(a, b, rtol=0.0, atol=limit, equal_nan=True).all())


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, torch.Generator):
        twin = torch.Generator()
        twin.set_state(value.get_state())
        return twin
    if isinstance(value, list | dict):
        return copy.deepcopy(value)
    return value


def _line(error: BaseException, answer: Answer) -> str:
    """Return the last line of the student's own file in a traceback."""
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    return (own[-1].line or f"line {own[-1].lineno}") if own else ""


def is_finite(value: Any) -> bool:
    """Return whether all numbers in a value are finite."""
    if isinstance(value, Tensor):
        return value.is_complex() or bool(value.isfinite().all())
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple):
        return all(is_finite(one) for one in value)
    return True
