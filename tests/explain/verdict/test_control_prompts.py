import pytest
import torch

from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.prerequisite import (
    LEVELS,
    check_prerequisite,
    control_prompts,
    levels_known,
)
from ddpm_clip.utils.generators import finish


def gated(target):
    x = finish(target.pictures(target.conditions(), steps=10))
    return finish(check_prerequisite(target, target.judge(x)))


def test_controls_are_the_prompt_with_every_other_class():
    controls = control_prompts(planted_target("a Two, please"))
    assert controls[2] == "a two, please"
    assert controls[3] == "a three, please"
    assert list(controls) == list(range(10))
    assert control_prompts(planted_target("a 2"))[3] == "three"


def test_few_classes_are_painted_several_times_each():
    target = planted_target("a two")
    three = target.replace(
        classes=target.classes[:3], judging=lambda x: target.judging(x)[:, :3].softmax(1)
    )
    prerequisite = gated(three)
    assert (prerequisite.unmet, prerequisite.n, prerequisite.named) == ("", 9, 9)


def test_the_mixture_meets_the_prerequisite():
    prerequisite = gated(planted_target("a two"))
    assert (prerequisite.unmet, prerequisite.named, prerequisite.levels) == ("", 10, len(LEVELS))
    assert prerequisite.followed.seen == prerequisite.followed.n


@pytest.mark.slow
@pytest.mark.parametrize("null", list(NULLS))
def test_no_null_meets_the_prerequisite(null):
    assert all(gated(NULLS[null](planted_target("a two"), seed)).unmet for seed in range(4))


def test_a_prompt_without_a_class_and_a_target_without_a_judge_say_why():
    target = planted_target("a thing")
    assert "names no class" in finish(check_prerequisite(target, torch.ones(4, 10))).unmet
    assert "no judge" in finish(check_prerequisite(target.replace(judging=None), None)).unmet


@pytest.mark.slow
def test_a_network_with_wrong_timesteps_distinguishes_few_levels():
    target, known = planted_target(), []
    seeds = target.more_seeds(5)
    c = target.conditions(["zero", "two", "four", "six", "eight"], seeds)
    x = finish(target.pictures(c, seeds, steps=10))
    for seed in range(20):
        wrong = NULLS["permuted_timesteps"](target, seed)
        known.append(levels_known(wrong, x, c, seeds))
    assert levels_known(target, x, c, seeds) == len(LEVELS)
    assert max(known) <= 3
