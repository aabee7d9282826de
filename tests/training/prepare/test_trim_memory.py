"""Freed memory goes back to the system."""

import sys
from types import SimpleNamespace

import pytest

from ddpm_clip.training.prepare.trim_memory import give_back


@pytest.mark.parametrize("loaded", [True, False])
def test_of_pyarrow_only_where_it_is_loaded(monkeypatch, loaded):
    released = []
    pool = SimpleNamespace(release_unused=lambda: released.append(True))
    fake = SimpleNamespace(default_memory_pool=lambda: pool) if loaded else None
    monkeypatch.setitem(sys.modules, "pyarrow", fake)
    give_back()
    assert released == [True] * loaded
