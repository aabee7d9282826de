import pytest
import torch

from ddpm_clip.explain.noise.noise_prediction import noise_prediction
from ddpm_clip.explain.noise.noise_reading import LABELS
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Strip
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target

NAME = "noise_prediction"


@pytest.mark.slow
def test_the_mixture_passes_and_the_asked_word_is_read_in_the_difference():
    found = noise_prediction(planted_target("a picture of a five"), quick=True)
    assert found.verdict == "pass", found.test
    read = found.numbers["reading"]
    assert read["top"]["difference of the two"][0][0] == "five"
    assert read["noise_beyond_3"] <= 0.01
    assert found.numbers["skill_counted"]["low"] > 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("null", "seed"),
    [(null, 0) for null in nulls_of(NAME)] + [("shuffled_prompts", 1), ("untrained_judge", 1)],
)
def test_no_null_passes(null, seed):
    target = NULLS[null](planted_target("a two" if seed else "a nine"), seed)
    assert noise_prediction(target, quick=True).verdict != "pass"


@pytest.mark.slow
def test_eight_panels_of_four_maps_and_their_words_beside_the_curves():
    found = noise_prediction(planted_target(seeds=range(4)), quick=True, top=99)
    kinds = [type(panel) for panel in found.panels]
    assert kinds == [Curve, Curve, Strip, Bars, Bars, Bars, Bars, Heatmap]
    assert tuple(found.panels[2].row_names) == LABELS
    assert found.panels[2].images.shape[:2] == (4, 4)
    assert len(found.panels[3].names) == 10  # the whole vocabulary, which has fewer than 99 words
    assert torch.isfinite(found.panels[-1].values).all()


@pytest.mark.slow
def test_the_words_of_a_caller_are_looked_for():
    found = noise_prediction(planted_target(seeds=range(4)), quick=True, words=("two", "seven"))
    assert found.numbers["reading"]["words"] == ("two", "seven")


def test_without_a_clip_the_noise_is_still_measured_but_nothing_is_concluded():
    bare = planted_target(seeds=range(4)).replace(embedding=None, wording=None)
    found = noise_prediction(bare, quick=True)
    assert found.verdict == "inconclusive"
    assert [type(panel) for panel in found.panels] == [Curve, Curve]
