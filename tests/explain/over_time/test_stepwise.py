import pytest
import torch

from ddpm_clip.explain import stepwise
from ddpm_clip.explain.maths.picture_metrics import contrast, psnr
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target


@pytest.fixture(scope="module")
def found():
    return stepwise(planted_target("a two"))


def test_every_curve_has_a_value_and_an_interval_at_every_step(found):
    steps = found.numbers["steps"]
    for curve in found.numbers["curves"].values():
        assert len(curve["mean"]) == len(curve["low"]) == len(curve["high"]) == steps == 20
        assert curve["n"] == 16


def test_figures_are_those_of_the_walk(found):
    target = planted_target("a two")
    steps = list(target.walk(target.conditions()))
    curves = found.numbers["curves"]
    for i in (0, 7, 19):
        foreseen, end = steps[i].pred.x_0, steps[-1].x_prev.clamp(-1, 1)
        assert curves["contrast_foreseen"]["mean"][i] == pytest.approx(
            float(contrast(foreseen).mean()), abs=1e-5
        )
        assert curves["psnr_to_the_end"]["mean"][i] == pytest.approx(
            float(psnr(foreseen.float(), end.float()).mean()), abs=1e-3
        )


def test_noise_is_noise_where_the_truth_says_it(found):
    """x_t is nearly all noise at first, and an exact denoiser names nearly all of it."""
    noise, seen = (
        found.numbers["curves"][name]["mean"]
        for name in ("variance_of_predicted_noise", "sharpness_seen")
    )
    assert noise[0] == pytest.approx(1, abs=0.1)
    assert seen[0] == pytest.approx(20, rel=0.15)  # the Laplacian of white noise


def test_on_the_mixture_the_pictures_come_to_be_like_their_words(found):
    assert found.verdict == "pass"
    assert found.numbers["alignment"]["above_all"]
    own, *controls = found.numbers["alignment"]["cosine_beyond_wordless"]["mean"]
    assert own > 0.5 > max(controls)


@pytest.mark.slow
@pytest.mark.parametrize("null", list(NULLS))
def test_no_null_passes(null):
    target = NULLS[null](planted_target("a two"), 1)
    assert stepwise(target, quick=True).verdict != "pass"


def test_without_readers_the_figures_are_there_and_no_verdict():
    bare = planted_target("a two").replace(judging=None, embedding=None, wording=None)
    found = stepwise(bare, quick=True)
    assert found.verdict == "inconclusive"
    assert found.numbers["alignment"] is None
    assert "judge_entropy_bits" not in found.numbers["curves"]


@pytest.mark.slow
def test_measuring_changes_nothing_of_the_walk():
    target = planted_target("a two", seeds=range(3))
    before = [step.x_prev for step in target.walk(target.conditions(), steps=12)]
    stepwise(target, quick=True)
    after = [step.x_prev for step in target.walk(target.conditions(), steps=12)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
