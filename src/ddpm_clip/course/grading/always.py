"""What is tried first for every answer; none of it knows what the exercise is about."""

import dis
import inspect
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ddpm_clip.course.grading.comparing import Raised, called, fresh, is_finite, same, shown
from ddpm_clip.course.grading.exercise import Answer, Exercise
from ddpm_clip.course.grading.findings import NOT_WRITTEN, STUB, Finding

SILENT = {"RESUME", "NOP", "CACHE", "RETURN_VALUE"}
"""Instructions that a body has which does nothing; beside them it only loads None."""


def always(exercise: Exercise, answer: Any) -> Iterator[Finding]:
    """Yield the first findings; after one that failed, nothing more can be tried."""
    yield Finding("callable", callable(answer), f"a function {exercise.name}", shown(answer))
    yield _parameters(exercise, answer)
    case = exercise.cases(exercise.seed)[0]
    got = called(answer, case)
    unwritten = is_stub(answer) or _says_unwritten(got)
    yield Finding(NOT_WRITTEN, not unwritten, f"a body of {exercise.name}", STUB)
    yield Finding("exception", not isinstance(got, Raised), "a value", shown(got), _AN_EXCEPTION)
    expected = exercise.truth(*fresh(case))
    yield from _of_value(expected, got)
    yield _inputs_unchanged(exercise, answer)
    again = called(answer, case)
    hint = "Draw no random numbers but those that the arguments give."
    yield Finding("same twice", same(again, got), shown(got), shown(again), hint)


_AN_EXCEPTION = "Call your function with small values by hand, and print shapes on the way."


def is_stub(answer: Any) -> bool:
    """Return whether the body of a function is empty: `...`, `pass` or a docstring."""
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    done = [one for one in dis.get_instructions(code) if one.opname not in SILENT]
    return all("CONST" in one.opname and one.argval is None for one in done)


def _says_unwritten(got: Any) -> bool:
    return got is Ellipsis or (isinstance(got, Raised) and type(got.error) is NotImplementedError)


def _parameters(exercise: Exercise, answer: Any) -> Finding:
    expected = f"({', '.join(exercise.parameters)})"
    try:
        signature = inspect.signature(answer)
        signature.bind(*exercise.parameters)
    except TypeError:
        return Finding("parameters", False, expected, str(signature))
    except ValueError:  # a built-in function without a signature
        return Finding("parameters", True, expected)
    return Finding("parameters", True, expected, str(signature))


def _of_value(expected: Any, got: Any) -> Iterator[Finding]:
    """Yield what a value must have whatever its numbers: type, shape, finite numbers."""
    hint = "Does every path of your function end in a return?"
    yield Finding("returns a value", got is not None, shown(expected), "None", hint)
    yield from _of_type(expected, got)
    hint = "Look for a division by zero, or the logarithm or root of a negative number."
    yield Finding("finite", is_finite(got), "finite numbers", shown(got), hint)


def _of_type(expected: Any, got: Any) -> Iterator[Finding]:
    if isinstance(expected, tuple):
        pair = isinstance(got, tuple | list) and len(got) == len(expected)
        yield Finding("type", pair, f"{len(expected)} values", shown(got))
        if pair:
            for a, b in zip(expected, got, strict=True):
                yield from _of_type(a, b)
    elif isinstance(expected, Tensor):
        yield Finding("type", isinstance(got, Tensor), "a tensor", shown(got))
        if isinstance(got, Tensor):
            shapes = tuple(expected.shape), tuple(got.shape)
            yield Finding("shape", shapes[0] == shapes[1], str(shapes[0]), str(shapes[1]))
            kinds = expected.is_floating_point(), got.is_floating_point()
            told = [str(one.dtype).removeprefix("torch.") for one in (expected, got)]
            yield Finding("dtype", kinds[0] == kinds[1] and not got.is_complex(), *told)
    elif isinstance(expected, list):
        yield Finding("type", isinstance(got, list | tuple), "a list", shown(got))
    elif isinstance(expected, str | dict | bool):
        kind = type(expected)
        yield Finding("type", isinstance(got, kind), f"a {kind.__name__}", shown(got))


def _inputs_unchanged(exercise: Exercise, answer: Answer) -> Finding:
    case = exercise.cases(exercise.seed)[0]
    given = fresh(case)
    try:
        answer(*given)
    except Exception as error:
        return Finding("exception", False, "a value", shown(Raised(error, "")))
    kept = [(a, b) for a, b in zip(case, given, strict=True) if isinstance(a, Tensor | list | dict)]
    unchanged = all(same(a, b, 0.0) for a, b in kept)
    hint = "Operations that end in _, and +=, change the caller's tensor."
    return Finding("inputs unchanged", unchanged, "the arguments as they were", "changed", hint)
