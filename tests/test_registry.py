"""A registry is a readable dict that answers a wrong name with the right ones."""

import doctest
from types import SimpleNamespace

import pytest

import ddpm_clip.registry
from ddpm_clip.errors import UsageError
from ddpm_clip.registry import Registry


@pytest.fixture
def fruit():
    return Registry("fruit", {"pear": 1, "apple": 2})


def test_it_reads_as_a_dict(fruit):
    assert dict(fruit) == {"pear": 1, "apple": 2}
    assert list(fruit) == ["pear", "apple"]
    assert "pear" in fruit
    assert "plum" not in fruit
    assert len(fruit) == 2


def test_a_slip_is_answered_with_the_nearest_name(fruit):
    with pytest.raises(UsageError, match="unknown fruit 'appel'") as refused:
        fruit["appel"]
    assert refused.value.fix == "did you mean 'apple'?"
    assert "pear, apple" in refused.value.why
    assert refused.value.exit_code == 2


def test_a_name_like_none_of_them_is_answered_with_all(fruit):
    with pytest.raises(UsageError, match="choose one of these"):
        fruit["xyz"]


def test_an_installed_package_adds_an_entry_but_cannot_replace_ours(fruit, monkeypatch):
    points = [
        SimpleNamespace(name="fruit.plum", load=lambda: 3),
        SimpleNamespace(name="fruit.pear", load=lambda: 99),
        SimpleNamespace(name="other.fig", load=lambda: 4),
    ]
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: points)
    assert fruit["plum"] == 3
    assert fruit["pear"] == 1
    assert "fig" not in fruit


def test_entry_points_are_not_read_while_our_own_names_suffice(fruit, monkeypatch):
    def never(group):
        raise AssertionError("read entry points")

    monkeypatch.setattr(ddpm_clip.registry, "entry_points", never)
    assert fruit["pear"] == 1


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(ddpm_clip.registry).failed == 0
