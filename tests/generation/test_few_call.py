"""A few-call model paints like any other; what it cannot do is refused, with a way out."""

import pytest
import torch
from PIL import Image
from tiny_run import tiny_run
from tiny_student import tiny_student

from ddpm_clip.editing import img2img, inpaint, interpolate, open_mask, open_picture, read_idea
from ddpm_clip.errors import UsageError
from ddpm_clip.explain import guidance_weights, target_of, trajectory
from ddpm_clip.explain.report.run_all import explain_all
from ddpm_clip.explain.target.few_call import OF_PICTURES, check_few_call
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def tti(tmp_path_factory):
    return TextToImage.from_pretrained(tiny_student(tmp_path_factory.mktemp("few")))


def test_it_paints_prompts_and_without(tti):
    pictures = tti(["left", "right"], n=2, guidance=2.5)
    assert [one.size for one in pictures] == [(8, 8)] * 4
    assert len({one.tobytes() for one in pictures}) == 4
    assert len(tti(["left"], unconditional=True, n=1)) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 20),
        ("sampler", "dpmpp_2m"),
        ("interval", (0.5, 2.0)),
        ("rescale", 0.5),
        ("clamp", "dynamic"),
        ("negative", "right"),
        ("clip_guidance", 1.0),
        ("guidance", 9.0),
        ("guidance", 0.5),
    ],
)
def test_what_was_settled_when_it_was_made_is_refused_by_name(tti, name, value):
    with pytest.raises(UsageError) as refused:
        tti("left", **{name: value})
    assert refused.value.param == name
    assert "2 network calls" in refused.value.why
    assert "--model" in refused.value.fix
    assert "teacher" in refused.value.fix


def test_its_own_settings_may_be_repeated(tti):
    own = tti.settings()
    again = tti.settings(steps=own.steps, sampler=own.sampler, clamp=own.clamp, rescale=0.0)
    assert again == own
    assert (own.steps, own.sampler) == (2, "ddim")


def test_edits_of_conditions_work_and_those_of_walks_do_not(tti, tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8), "red").save(path)
    picture = open_picture(path, tti.model)
    settings = tti.settings(n=1)
    ideas = [read_idea(one, tti.model) for one in ("left", "right")]
    assert len(finish(interpolate(tti, *ideas, settings, frames=2))) == 2
    with pytest.raises(UsageError, match="img2img cannot be done"):
        img2img(tti, picture, "left", settings)
    Image.new("L", (8, 8), 255).save(tmp_path / "mask.png")
    with pytest.raises(UsageError, match="inpaint cannot be done"):
        inpaint(
            tti, picture, open_mask(tmp_path / "mask.png", picture, tti.model), "left", settings
        )


def test_analyses_of_steps_and_branches_refuse(tti):
    for analysis in (trajectory, guidance_weights):
        with pytest.raises(UsageError, match="cannot be made of"):
            analysis(tti, "left", seeds=2)
    for name in OF_PICTURES:
        check_few_call("fast", 2, name)
    check_few_call("slow", 0, "trajectory")


def test_a_report_skips_them_with_the_reason_and_records_the_walk_of_two_calls(tti):
    target = target_of(tti, "left", seeds=2)
    found = finish(explain_all(target, ["trajectory", "guidance_weights"], quick=True))
    assert [one.name for one in found.skipped] == ["trajectory", "guidance_weights"]
    assert "2 network calls" in found.skipped[0].reason()
    assert len(found.recording.t) == 2
    assert torch.equal(found.recording.x_0, found.recording.x_0_cond), "there is one branch"


@pytest.mark.slow
def test_other_models_do_not_take_the_consistency_sampler(tmp_path):
    tti = TextToImage.from_pretrained(tiny_run(tmp_path / "run").folder)
    with pytest.raises(UsageError, match="sampler = consistency"):
        tti("left", sampler="consistency")
