"""A registry is a readable dict that answers a wrong name with the right ones."""

import doctest
import subprocess
import sys
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
    with pytest.raises(UsageError, match="use one of these names"):
        fruit["xyz"]


def broken():
    raise ImportError("no module named 'pips'")


POINTS = [
    SimpleNamespace(name="fruit.plum", load=lambda: 3),
    SimpleNamespace(name="fruit.pear", load=lambda: 99),
    SimpleNamespace(name="fruit.plum", load=lambda: 5),
    SimpleNamespace(name="fruit.date", load=broken, value="pips:date", dist=None),
    SimpleNamespace(name="other.fig", load=lambda: 4),
    SimpleNamespace(name="dried_fruit.prune", load=lambda: 6),
]


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: POINTS)


def test_an_installed_package_adds_an_entry_but_cannot_replace_ours(fruit, installed):
    assert list(fruit) == ["pear", "apple", "plum", "date"]
    assert len(fruit) == 4
    assert "plum" in fruit
    assert "fig" not in fruit
    assert (fruit["plum"], fruit["pear"]) == (3, 1)
    assert Registry("dried fruit", {})["prune"] == 6
    with pytest.raises(UsageError, match="did you mean 'plum'"):
        fruit["plumb"]


def test_a_broken_plug_in_is_told_by_name_and_takes_no_other_down(fruit, installed):
    with pytest.raises(UsageError, match=r"the plug-in .fruit\.date. cannot be loaded") as refused:
        fruit["date"]
    assert "no module named 'pips'" in refused.value.why
    assert refused.value.fix == "update or uninstall pips, or choose another name"
    assert fruit["plum"] == 3
    with pytest.warns(UserWarning, match=r"skipped: the plug-in 'fruit.date'") as told:
        assert fruit.usable == fruit.usable == ("pear", "apple", "plum")
    assert len(told) == 1


def test_listing_names_imports_no_plug_in(fruit, monkeypatch):
    def never():
        raise AssertionError("was loaded")

    points = [SimpleNamespace(name="fruit.plum", load=never)]
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: points)
    assert list(fruit) == ["pear", "apple", "plum"]
    assert "plum" in fruit


def test_entry_points_are_not_read_while_our_own_names_suffice(fruit, monkeypatch):
    def never(group):
        raise AssertionError("read entry points")

    monkeypatch.setattr(ddpm_clip.registry, "entry_points", never)
    assert fruit["pear"] == 1
    assert "apple" in fruit


@pytest.mark.slow
def test_help_reads_no_entry_points():
    code = (
        "import importlib.metadata as metadata; metadata.entry_points = None; "
        "from ddpm_clip.cli.main import main; raise SystemExit(main(['--help']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_example_in_the_docstring_is_true():
    assert doctest.testmod(ddpm_clip.registry).failed == 0
