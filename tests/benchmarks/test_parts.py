"""Parts of a measurement: kept one by one, gone on with, and never mixed with those of others."""

import importlib
import json
from pathlib import Path

import pytest


@pytest.fixture
def parts_of(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    module = importlib.import_module("parts")

    def opened(**common):
        path, names = tmp_path / "figures.json", ("a", "b")
        return module.Parts(path, {"model": "digits", **common}, names, claims)

    return opened


def claims(found):
    return [{"claim": name, "measured": one["share"]} for name, one in found.items()]


def read(parts):
    return json.loads(parts.path.read_text(encoding="utf-8"))


def test_a_part_is_there_as_soon_as_it_is_measured(parts_of):
    parts = parts_of()
    parts.measure("b", lambda: {"share": 0.5}, n=10)
    facts = read(parts)
    assert facts["b"] == {"share": 0.5}
    assert facts["not_measured"] == ["a"]
    assert facts["claims"] == [{"claim": "b", "measured": 0.5}]
    assert facts["parts"]["b"]["asked"] == {"n": 10}
    assert facts["parts"]["b"]["commit"] == facts["made"]["commit"]


def test_what_is_there_is_gone_on_with(parts_of):
    parts_of().measure("b", lambda: {"share": 0.5}, n=10)
    again = parts_of()
    assert again.has("b", n=10)
    assert not again.has("b", n=20)
    assert not again.has("a")
    again.measure("a", lambda: {"share": 0.25})
    assert list(again.found) == ["b", "a"]
    assert [key for key in read(again) if key in "ab"] == ["a", "b"]


def test_parts_of_other_weights_are_dropped_and_that_is_said(parts_of, capsys):
    parts_of(weights="one").measure("b", lambda: {"share": 0.5})
    other = parts_of(weights="two")
    assert not other.has("b")
    assert "because weights changed" in capsys.readouterr().out
    other.measure("a", lambda: {"share": 1.0})
    assert "b" not in read(other)


def test_parts_of_a_file_without_notes_are_kept_but_count_as_others(parts_of):
    facts = {"model": "digits", "b": {"share": 0.5}, "made": {}}
    parts_of().path.write_text(json.dumps(facts), encoding="utf-8")
    parts = parts_of()
    assert parts.found == {"b": {"share": 0.5}}
    assert not parts.has("b", n=10)


def test_a_measurement_that_fails_leaves_the_file_as_it_was(parts_of):
    parts = parts_of()
    parts.measure("a", lambda: {"share": 1.0})
    before = parts.path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        parts.measure("b", lambda: {"share": 1 / 0})
    assert parts.path.read_bytes() == before
