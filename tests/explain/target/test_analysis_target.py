"""Analysis and painting are one path: conditions, guidance and pictures are the same to the bit."""

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.panels.kinds import Table
from ddpm_clip.explain.target.asked_for import asked_for
from ddpm_clip.explain.target.from_model import target_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def tti():
    return TextToImage.from_pretrained("digits")


WISHES = {"steps": 4, "guidance": 3.0, "bridge": "noise", "negative": "a nine"}


@pytest.mark.slow
def test_analysis_and_painting_share_one_condition_path(tti):
    settings = tti.settings(**WISHES)
    target = target_of(tti, "a six", [4, 9], **WISHES)
    painted = tti.conditions(["a six"] * 2, settings, [4, 9])
    assert torch.equal(target.conditions(), painted)
    assert torch.equal(target.conditions("a two", [4]), tti.conditions(["a two"], settings, [4]))


@pytest.mark.slow
def test_a_targets_walk_is_the_painters_walk_to_the_bit(tti):
    target = target_of(tti, "a six", [5, 6], **WISHES)
    painted = list(tti.walk("a six", n=2, seed=5, **WISHES))
    walked = list(target.walk(target.conditions()))
    assert [step.t for step in walked] == [step.t for step in painted]
    assert torch.equal(walked[-1].x_prev, painted[-1].x_prev)
    alone = finish(target.pictures(target.conditions(), batch=1))
    assert torch.allclose(alone, painted[-1].x_prev.clamp(-1, 1), atol=1e-4)


@pytest.mark.slow
def test_a_target_guides_within_the_limit_of_its_prompt_and_seeds(tti):
    outside, asked = "the history of rome", {"guidance": 4.0, "bridge": "shift", "steps": 2}
    limits = tti.guidance_limits([outside, "a seven"], tti.settings(**asked)).tolist()
    target = target_of(tti, outside, 2, **asked)
    assert target.guidance == limits[0] < limits[1] < 4
    assert target_of(target, "a seven").guidance == limits[1]  # of the other prompt, not the first
    assert target_of(target, bounded=False).guidance == 4
    drawn = tti.settings(**asked | {"bridge": "prior"})
    each = tti.guidance_limits(["three dots"] * 3, drawn, [0, 1, 2])
    assert target_of(tti, "three dots", 3, **asked | {"bridge": "prior"}).guidance == min(each)


def test_a_changed_target_makes_its_conditions_by_its_own_settings(tti):
    target = target_of(target_of(tti, "a six", 2, bridge="shift"), bridge="knn", bounded=False)
    wanted = tti.conditions(["a six"] * 2, target.settings, target.seeds)
    assert torch.equal(target.conditions(), wanted)
    plain = tti.conditions(["a six"] * 2, tti.settings(bridge="shift"), target.seeds)
    assert not torch.equal(plain, wanted)


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.0, 3.5])
def test_the_guidance_weight_that_is_given_is_the_one_that_is_used(scale):
    target = planted_target(seeds=range(3), guidance=scale)
    c = target.conditions()
    for step in target.walk(c):
        cond = target.network.x_0(step.x_t, step.t, c)
        uncond = target.network.x_0(step.x_t, step.t)
        wanted = uncond + scale * (cond - uncond)
        assert torch.allclose(step.pred.x_0.double(), wanted, atol=1e-3)
        told = target.predict(c)(step.x_t, step.t).x_0
        assert torch.equal(told, step.pred.x_0)
    assert target.guidance == scale  # and it is not changed by what was asked


def test_guidance_may_differ_from_picture_to_picture():
    target = planted_target(seeds=range(2))
    c, scale = target.conditions(), torch.tensor([0.0, 2.0])
    both = list(target.walk(c, scale=scale))[-1].x_prev
    for i in range(2):
        alone = list(target.walk(c[i : i + 1], [i], scale=float(scale[i])))[-1].x_prev
        assert torch.allclose(both[i : i + 1], alone, atol=1e-5)


@pytest.mark.slow
def test_pictures_cut_what_differs_from_picture_to_picture_along_with_the_batch():
    target = planted_target(seeds=range(5))
    c, scale = target.conditions(), torch.linspace(0, 2, 5)
    whole = finish(target.pictures(c, scale=scale))
    seen = []
    work = target.pictures(c, scale=scale, batch=2)
    parts = finish(work, seen.append)
    assert torch.allclose(whole, parts, atol=1e-5)
    assert (seen[-1].done, seen[-1].total) == (60, 60)


def test_gradients_reach_the_condition_only_where_they_are_asked_for():
    target = planted_target(seeds=[0])
    c = target.conditions().requires_grad_()
    x = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    asked = target.predict(c, gradients=True)(x, 800.0).x_0.sum()
    (found,) = torch.autograd.grad(asked, c)
    assert found.abs().max() > 0
    assert not target.predict(c)(x, 800.0).x_0.requires_grad


@pytest.mark.slow
@pytest.mark.parametrize(
    "target", [planted_target(), target_of("digits", "a six", 1)], ids=["planted", "digits"]
)
def test_a_judge_can_be_differentiated_where_it_is_asked_to(target):
    x = finish(target.pictures(target.conditions(seeds=[0]), [0])).requires_grad_()
    (found,) = torch.autograd.grad(target.judge(x, gradients=True)[:, target.asked_class].sum(), x)
    assert found.abs().max() > 0
    assert not target.judge(x).requires_grad
    assert not target.embed(x).requires_grad


def test_seeds_go_on_after_the_own_ones_without_repeating():
    target = planted_target(seeds=[7, 3])
    assert target.more_seeds(4) == [7, 3, 8, 9]
    assert target.more_seeds(2, start=2) == [8, 9]
    last = planted_target(seeds=[2**32 - 1, 0])
    assert last.more_seeds(3) == [2**32 - 1, 0, 1]


@pytest.mark.parametrize(
    ("prompt", "attribute", "found"),
    [
        ("a photo of the digit six", None, ("digit", 2)),
        ("6", None, ("digit", 2)),
        ("sixes", None, ("digit", 2)),
        ("a six or a five", None, ("digit", None)),
        ("a sixth sense", None, ("digit", None)),
        ("a red thing", None, ("petals", 0)),
        ("a red thing", "digit", ("digit", None)),
        ("a Bishop-of-Llandaff dahlia", None, ("species", 0)),
    ],
)
def test_the_class_asked_for_is_the_one_that_the_prompt_names(prompt, attribute, found):
    attributes = {
        "digit": ("four", "five", "six"),
        "petals": ("red", "blue"),
        "species": ("bishop_of_llandaff", "rose"),
    }
    asked = asked_for(prompt, attributes, attribute)
    assert (asked.attribute, asked.asked_class) == found


@pytest.mark.slow
def test_who_judges_and_who_embeds_is_told(tti):
    target = target_of(tti, "a six", 1)
    assert target.asked_name == "six"
    assert target.about["judged_by"] == "the judge beside the model"
    assert target.about["embedded_by"] == "a CLIP that did not condition the model"
    assert target_of("flowers", "a red rose", 1).asked_name == "rose"
    assert target_of("flowers", "something blue", 1).attribute == "petals"


@pytest.mark.slow
def test_a_model_without_a_judge_is_read_by_the_names_of_its_classes(tti, monkeypatch):
    monkeypatch.setattr("ddpm_clip.explain.target.from_model.find_judge", lambda model: None)
    target = target_of(tti, "a six", 4)
    x = finish(target.pictures(target.conditions()))
    assert (target.judge(x).argmax(1) == target.asked_class).all()
    assert "by the names of the classes" in target.about["judged_by"]


@pytest.mark.slow
def test_slips_are_told():
    with pytest.raises(UsageError, match="no prompt"):
        target_of("digits")
    with pytest.raises(UsageError, match="twice"):
        target_of("digits", "a six", [1, 1])
    with pytest.raises(UsageError, match="2 guidance scales"):
        target_of("digits", "a six", guidance=(1.0, 2.0))
    with pytest.raises(UsageError, match="no judge reads colour"):
        target_of("digits", "a six", attribute="colour")
    with pytest.raises(UsageError, match="no seeds"):
        planted_target(seeds=[])


@pytest.mark.slow
def test_a_plain_function_takes_a_name_a_model_or_a_target(tti):
    def explain(target, *, quick=False, more=0):
        yield from ()
        told = {"prompt": target.prompt, "n": len(target.seeds), "quick": quick, "more": more}
        return Explanation("x", "X", "", (Table("t", ["a"], [["b"]]),), "", "pass", told)

    analysis = plainly(explain)
    assert analysis("digits", "a six", seeds=3).numbers["n"] == 3
    assert analysis(tti, "a six", quick=True, more=2).numbers["more"] == 2
    planted = planted_target("a two", range(5))
    assert analysis(planted).numbers == {"prompt": "a two", "n": 5, "quick": False, "more": 0}
    assert analysis(planted, "a four", seeds=[1]).numbers["prompt"] == "a four"
