import pytest
import torch

from ddpm_clip.explain import timesteps
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.odds import log_odds
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def found():
    return timesteps(planted_target("a two"))


def test_on_the_mixture_bins_after_the_decision_add_nothing(found):
    values, borders = found.numbers["attribution"]["mean"], found.numbers["sigma_over_alpha"]
    assert len(borders) == len(values) + 1
    late = [value for value, ratio in zip(values, borders, strict=False) if ratio < 0.2]
    assert len(late) >= 3
    assert late == pytest.approx([0] * len(late), abs=1e-6)
    assert found.verdict == "pass"


def test_the_bins_sum_to_the_effect_that_plain_walks_have(found):
    target = planted_target("a two")
    c = target.conditions()
    ends = [finish(target.pictures(c, steps=16, scale=scale)) for scale in (None, 0.0)]
    whole, none = (log_odds(target.judge(x), 2).mean() for x in ends)
    assert found.numbers["efficiency_error"] <= 1e-4
    total = sum(found.numbers["attribution"]["mean"])
    assert total == pytest.approx(float(whole - none), abs=1e-4)


@pytest.mark.slow
def test_two_bins_are_the_mean_of_both_ways_to_add_them():
    """The definition, with walks of an own wrap instead of planned ones."""
    target = planted_target("a two", seeds=range(16))
    c, rows = target.conditions(), target.timesteps(10)

    def v(first, second):
        def wrap(predict):
            off = target.predict(c, scale=0.0)
            return lambda x, t: (predict if (first if t >= rows[4] else second) else off)(x, t)

        x = finish(target.pictures(c, steps=10, wrap=wrap))
        return float(log_odds(target.judge(x), 2).mean())

    values = timesteps(target, quick=True, bins=2).numbers["attribution"]["mean"]
    first = (v(True, False) - v(False, False) + v(True, True) - v(False, True)) / 2
    second = (v(False, True) - v(False, False) + v(True, True) - v(True, False)) / 2
    assert values == pytest.approx([first, second], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("null", list(NULLS))
def test_no_null_passes(null):
    target = NULLS[null](planted_target("a two"), 1)
    assert timesteps(target, quick=True).verdict != "pass"


def test_few_seeds_are_too_few_to_tell():
    found = timesteps(planted_target("a two", seeds=range(7)), bins=3)
    assert found.verdict == "inconclusive"
    assert found.numbers["deletion_test"] is None
    assert found.numbers["efficiency_error"] <= 1e-4


def test_without_a_class_there_is_no_verdict():
    assert timesteps(planted_target("a thing"), quick=True).verdict == "inconclusive"


@pytest.mark.slow
def test_the_weight_that_is_given_is_the_weight_that_acts():
    """A weaker guidance adds less where the words act (the scale never changes on the way)."""
    strong, weak = (
        timesteps(planted_target("a two", guidance=scale), quick=True, bins=3)
        for scale in (2.0, 0.1)
    )
    assert weak.numbers["total"]["mean"] < 0.5 * strong.numbers["total"]["mean"]
    torch.testing.assert_close(
        torch.tensor(weak.numbers["sigma_over_alpha"]),
        torch.tensor(strong.numbers["sigma_over_alpha"]),
    )
