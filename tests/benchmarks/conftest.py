"""The programs under `benchmarks/`, as modules."""

import importlib
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def soak(monkeypatch):
    """`soak("crash_points")` imports a program of the soaks."""
    monkeypatch.syspath_prepend(str(HOME))
    monkeypatch.syspath_prepend(str(HOME / "soak"))
    return importlib.import_module
