"""Every refusal has a code of its own, an exit code, a reason and a cure."""

import pytest

from ddpm_clip import errors
from ddpm_clip.errors import DdpmClipError

EXIT_CODES = {
    "UsageError": 2, "ConfigError": 2, "DataError": 65, "MissingInput": 66,
    "WeightsUnavailable": 69, "NonFiniteError": 70, "OutOfMemory": 70, "CannotCreate": 73,
    "StorageError": 74, "Busy": 75, "PermissionRefused": 77,
}  # fmt: skip
CLASSES = [getattr(errors, name) for name in EXIT_CODES]


def test_the_table_of_exit_codes_is_complete():
    kinds = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    ours = {name for name, kind in kinds.items() if issubclass(kind, DdpmClipError)}
    assert ours - {"DdpmClipError"} == EXIT_CODES.keys()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_refusal_reads_as_a_sentence_with_reason_and_cure(kind):
    error = kind("it broke", "it was thin", "take a thick one", param="x")
    assert str(error) == "it broke\n  why:  it was thin\n  fix:  take a thick one"
    assert error.exit_code == EXIT_CODES[kind.__name__]
    assert error.as_dict()["error"] == {
        "code": kind.code,
        "message": "it broke: it was thin",
        "param": "x",
        "type": kind.__name__,
        "hint": "take a thick one",
    }


def test_codes_are_unique():
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)


def test_a_refusal_without_reason_or_cure_is_one_line():
    error = DdpmClipError("it broke")
    assert str(error) == "it broke"
    assert error.as_dict()["error"]["hint"] is None


def test_refusals_are_also_the_builtin_errors_they_resemble():
    assert issubclass(errors.UsageError, ValueError)
    assert issubclass(errors.MissingInput, FileNotFoundError)
    assert issubclass(errors.StorageError, OSError)
