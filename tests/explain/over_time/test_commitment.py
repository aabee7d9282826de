import math

import pytest
import torch

from ddpm_clip.explain import commitment
from ddpm_clip.explain.over_time.commitment import Turned, theory, verdict_of
from ddpm_clip.explain.over_time.u_turn import RocArea
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.crossing import Halfway
from ddpm_clip.explain.verdict.reading import read
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def found():
    return commitment(planted_target("a two"))


def exact_t50(target, base):
    """Where E r_k(x_t), of pictures of the mode, is halfway from 1 to the base."""
    truth = target.network
    x = truth.draw(torch.full((400,), 2), torch.Generator().manual_seed(0))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    levels = torch.logspace(-1, 1, 81, dtype=torch.float64)
    for level, t in zip(levels.tolist(), target.schedule.timestep_of(levels).tolist(), strict=True):
        alpha, sigma = target.schedule.at(t)
        if float(truth.posterior(alpha * x + sigma * noise, t)[:, 2].mean()) < (1 + base) / 2:
            return level
    raise AssertionError("it never falls")


@pytest.mark.slow
def test_t50_of_the_mixture_is_the_exact_one_within_a_step_of_the_grid(found):
    target = planted_target("a two")
    rows = target.timesteps()
    step = math.log(target.ratio(rows[0]) / target.ratio(rows[1]))
    exact = exact_t50(target, found.numbers["same_class_by_chance"])
    t50 = found.numbers["t50_sigma_over_alpha"]
    assert abs(math.log(t50["at"] / exact)) < step
    assert t50["low"] < t50["at"] < t50["high"]
    assert found.verdict == "pass"


def test_what_is_read_is_the_mode_that_the_posterior_says():
    target = planted_target("a two", seeds=range(12))
    c = target.conditions()
    reading = finish(read(target, c, "read", scale=0.0))
    for step, probs in zip(target.walk(c, scale=0.0), reading.probs.unbind(1), strict=True):
        exact = target.network.posterior(step.x_t, step.t).argmax(1)
        assert torch.equal(probs.argmax(1), exact)


def test_with_words_the_mixture_is_decided_before_the_first_step(found):
    assert not found.numbers["read_in_x0hat"]["with_words"]["inside"]


def test_theory_finds_the_widest_direction():
    generator = torch.Generator().manual_seed(0)
    wide = 3.0 * torch.randn(500, 1, generator=generator) * torch.ones(1, 4) / 2
    x = (wide + 0.1 * torch.randn(500, 4, generator=generator)).view(-1, 1, 2, 2)
    assert theory(x) == pytest.approx(3.0, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("null", list(NULLS))
def test_no_null_passes(null):
    target = NULLS[null](planted_target("a two"), 1)
    assert commitment(target, quick=True).verdict != "pass"


def test_without_a_judge_there_are_pictures_and_no_verdict():
    found = commitment(planted_target("a two").replace(judging=None), quick=True)
    assert found.verdict == "inconclusive"
    assert "no judge" in found.test


@pytest.mark.slow
def test_a_prompt_without_a_class_is_shown_and_not_judged():
    found = commitment(planted_target("a thing"), quick=True)
    assert found.verdict == "inconclusive"
    assert "names no class" in found.test
    assert len(found.panels) == 4


INSIDE = Halfway(3.0, 2.0, 4.0, 8)
NOWHERE = Halfway(math.inf, math.inf, math.inf, 8)
BARELY = Halfway(3.0, 2.0, math.inf, 8)


@pytest.mark.parametrize(
    ("t50", "foresight", "verdict"),
    [
        (INSIDE, (0.8, 0.6, 0.9), "pass"),
        (INSIDE, (0.7, 0.4, 0.9), "inconclusive"),
        (INSIDE, (0.3, 0.2, 0.4), "fail"),
        (BARELY, (0.8, 0.6, 0.9), "inconclusive"),
        (NOWHERE, (0.8, 0.6, 0.9), "fail"),
        (INSIDE, (math.nan, 0.0, 1.0), "inconclusive"),
    ],
)
def test_what_an_interval_spans_is_neither_shown_nor_refuted(t50, foresight, verdict):
    found = Turned(None, t50, 0.1, 3.0, RocArea(*foresight, 40), everywhere=True)
    assert verdict_of(found) == verdict


def test_a_curve_that_falls_nowhere_among_some_levels_may_fall_at_others():
    found = Turned(None, NOWHERE, 0.1, 3.0, RocArea(0.8, 0.6, 0.9, 40), everywhere=False)
    assert verdict_of(found) == "inconclusive"
