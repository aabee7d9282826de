import pytest
import torch

from ddpm_clip.explain import switching
from ddpm_clip.explain.over_time.switching import Switched, Windows
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target


@pytest.fixture(scope="module")
def found():
    return switching(planted_target("a two"))


def cells(found, key):
    flat = found.numbers["map"]
    where = zip(flat["start"].tolist(), flat["width"].tolist(), strict=True)
    return dict(zip(where, flat[key].tolist(), strict=True))


def test_every_window_is_there_once():
    windows = Windows.of(4)
    assert len(windows.width) == 10
    assert windows.acting.sum(1).tolist() == windows.width.tolist()
    assert windows.acting[-1].all()
    assert len(windows.acting.unique(dim=0)) == 10


def test_on_the_mixture_words_after_the_decision_change_nothing(found):
    """Below sigma/alpha of 0.5 the posterior stands, so that both branches are one."""
    only, but = cells(found, "only"), cells(found, "everywhere_else")
    none, every = found.numbers["none"]["mean"], found.numbers["every"]["mean"]
    late = [i for i, ratio in enumerate(found.numbers["sigma_over_alpha"]) if ratio < 0.55]
    assert len(late) >= 4
    for start in late:
        assert only[start, 1] == pytest.approx(none, abs=1e-3)
        assert but[start, 1] == pytest.approx(every, abs=1e-3)


def test_on_the_mixture_the_window_is_where_modes_part(found):
    window, borders = found.numbers["window"], found.numbers["sigma_over_alpha"]
    assert window["width"] == 1
    assert borders[window["start"]] > 1 > borders[window["start"] + 1]
    assert found.verdict == "pass"


def test_a_window_and_the_rest_are_two_ways_to_say_the_same(found):
    only, but = cells(found, "only"), cells(found, "everywhere_else")
    k = len(found.numbers["sigma_over_alpha"])
    for width in range(1, k):
        assert only[0, width] == pytest.approx(but[width, k - width], abs=1e-6)


def test_against_another_prompt_the_window_decides_between_the_two():
    found = switching(planted_target("a two"), other="a five", quick=True)
    assert found.numbers["none"]["mean"] < 0.01
    assert found.numbers["every"]["mean"] > 0.9
    assert "a five" in found.caption


@pytest.mark.slow
@pytest.mark.parametrize("null", list(NULLS))
def test_no_null_passes(null):
    target = NULLS[null](planted_target("a two"), 1)
    assert switching(target, quick=True).verdict != "pass"


def test_windows_that_differ_by_chance_only_are_rarely_told_apart():
    surely, windows = 0, Windows.of(5)
    for seed in range(200):
        generator = torch.Generator().manual_seed(seed)
        # the same effect everywhere, in a probability that hangs on the seed as well
        own = 0.3 * torch.rand(16, generator=generator)
        only = own + 0.5 + 0.2 * torch.rand(15, 16, generator=generator)
        switched = Switched(windows, only, only, own, own + 0.6)
        surely += float(switched.over_others(switched.enough()).low) > 0
    assert surely <= 12


def test_a_window_that_loses_when_it_grows_is_noticed():
    windows = Windows.of(3)
    only = torch.full((6, 8), 0.5)
    only[0] = 0.9  # the first bin alone, while all wider windows do less
    switched = Switched(windows, only, only, torch.zeros(8), torch.ones(8))
    assert float(switched.less_when_wider().mean) == pytest.approx(0.4)


def test_without_a_class_there_is_no_verdict():
    assert switching(planted_target("a thing"), quick=True).verdict == "inconclusive"
