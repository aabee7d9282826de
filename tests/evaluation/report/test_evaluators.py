"""Who is asked: never the CLIP that conditions, and a judge that was trained apart."""

import shutil
from dataclasses import replace

import pytest
from planted import planted

from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import MissingInput, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.report.evaluators import find_judge, find_scorer, steps_for, trained_judge
from ddpm_clip.evaluation.report.real_pictures import Pictures, Real
from ddpm_clip.runs.pretrained import load
from ddpm_clip.utils.generators import finish


@pytest.fixture
def model(tiny_tti, tmp_path):
    """The tiny model in a folder of its own, conditioned by a saved mini-CLIP."""
    MiniClip(1, 16, 8, 8, 32).save(tmp_path / "embedder", prompts=["a bar"], card={})
    made = replace(tiny_tti.model, folder=tmp_path)
    made.__dict__["embedder"] = MiniClip.load(tmp_path / "embedder")
    return made


def real(n=300, seen=240):
    pictures = Pictures(*planted(n, seed=5))
    return Real("planted", pictures.rows(range(seen)), pictures.rows(range(seen, n)), "held out")


def test_the_clip_that_conditions_is_refused_also_as_a_copy(model, tmp_path):
    shutil.copytree(tmp_path / "embedder", tmp_path / "copy")
    for folder in ("embedder", "copy"):
        with pytest.raises(UsageError, match="conditions this model"):
            find_scorer(model, str(tmp_path / folder))


def test_another_clip_is_taken_from_where_it_is_named_or_from_beside_the_model(model, tmp_path):
    none = find_scorer(model)
    assert none.net is None
    assert "train-clip" in none.fix
    MiniClip(1, 16, 8, 8, 32).save(tmp_path / "scorer", prompts=["a bar"], card={})
    beside, named = find_scorer(model), find_scorer(model, str(tmp_path / "scorer"))
    assert (beside.about["kind"], named.about["kind"]) == ("beside the model", "named")
    assert beside.net.fingerprint == named.net.fingerprint != model.embedder.fingerprint


def test_a_judge_lies_beside_the_model_or_is_named_or_is_not_there(model, toy_judge, tmp_path):
    assert find_judge(model) is None
    toy_judge.save(tmp_path / "judge", card={"figures": {"n": 9, "accuracy": {"shape": 0.9}}})
    found = find_judge(model)
    assert found.about["accuracy"] == {"shape": 0.9}
    assert find_judge(model, tmp_path / "judge").about["kind"] == "named"
    with pytest.raises(MissingInput):
        find_judge(model, tmp_path / "nowhere")


def test_a_judge_of_pictures_of_another_size_is_refused(model, tmp_path):
    JudgeNet({"shape": ("a", "b")}, 1, 32, 8).save(tmp_path / "large", card={})
    with pytest.raises(UsageError, match="32 pixels"):
        find_judge(model, tmp_path / "large")


@pytest.mark.slow
def test_a_judge_is_trained_from_labels_and_measured_on_what_nobody_saw():
    found = finish(trained_judge(real(), steps=40))
    assert found.about["accuracy_n"] == 60
    assert found.about["accuracy"]["shape"] > 0.9
    assert found.net.threshold > 0


def test_without_labels_or_pictures_there_is_none_and_the_reason_is_told():
    assert "gone" in finish(trained_judge(Real("x", why_not="It is gone"))).why
    captions = Pictures(planted(50, seed=0)[0], [{"caption": f"{i}"} for i in range(50)])
    assert "no attribute" in finish(trained_judge(Real("x", captions))).why
    assert "too few" in finish(trained_judge(real(n=30, seen=12))).why


def test_short_evaluations_train_their_judge_for_less():
    assert steps_for(None, 64) == 300
    assert steps_for(0.01, 32) == 40 < steps_for(2, 32) < steps_for(60, 32) == 300
    assert steps_for(4, 64) < steps_for(4, 32)


@pytest.mark.slow
def test_a_twin_is_judged_by_the_judge_of_the_shipped_model_that_it_was_distilled_from():
    twin, teacher = load("digits-fast", "cpu"), load("digits", "cpu")
    assert find_judge(twin).about == find_judge(teacher).about
    assert find_scorer(twin, None).net.fingerprint == find_scorer(teacher, None).net.fingerprint
