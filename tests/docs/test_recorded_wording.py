"""Sentences of older results are shown in today's wording, as long as a result holds them."""

import json
import re
from collections.abc import Iterator

import pytest
from snippets import ROOT


@pytest.fixture
def wording(monkeypatch):
    import importlib

    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("recorded_wording")


def sentences(value: object) -> Iterator[str]:
    """Every string in a result, keys included."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from sentences(one)
    elif isinstance(value, str):
        yield value


def test_a_recorded_sentence_is_shown_as_it_is_worded_today(wording):
    shown = wording.as_worded_now
    assert shown("of 200 kills lost a checkpoint") == "kills that lost a checkpoint, of 200"
    recorded, today = "times the best width's time", "relative to the fastest width"
    assert shown(f"groups of 8 channels, {recorded}") == (
        f"GroupNorm time with groups of 8 channels, {today}"
    )
    assert shown("cold start: --help") == "cold start: --help"
    assert shown("without travel, one view") == "without resampling, one view"


def test_no_sentence_of_today_is_changed_again(wording):
    today = [re.sub(r"\\\d", "1", sentence) for sentence in wording.WORDING.values()]
    assert [one for one in today if wording.as_worded_now(one) != one] == []


def test_a_sentence_that_no_result_holds_any_more_has_no_line(wording):
    held = set()
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        held |= set(sentences(json.loads(path.read_text(encoding="utf-8"))))
    gone = [line for line in wording.WORDING if not any(re.fullmatch(line, one) for one in held)]
    assert gone == [], "measured again: remove these lines of scripts/recorded_wording.yaml"
