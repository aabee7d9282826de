"""A student of two calls and its teacher; nobody writes to them."""

import pytest
from tiny_student import tiny_student


@pytest.fixture(scope="session")
def student(tmp_path_factory):
    """The folder of a finished student."""
    return tiny_student(tmp_path_factory.mktemp("distilled"))


@pytest.fixture(scope="session")
def teacher(student):
    """The folder of its teacher."""
    return student.parent / "teacher"
