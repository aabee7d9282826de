"""Inpainting with a trained model: what is not white in the mask is there to the byte."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
from ddpm_clip.editing import beside, inpaint, open_mask
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.generation.request import SamplingOverrides
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures, to_uint8


def upper_half(tti, six):
    mask = Image.new("L", (28, 28), 0)
    mask.paste(255, (0, 0, 28, 14))
    return open_mask(mask, six, tti.model)


def pixels(painted):
    return stack_pictures([one.image for one in painted], 28, 1)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in OF_DISTILLED])
def test_unmasked_bytes_are_equal_and_masked_ones_change(tti, six, sampler):
    paint = upper_half(tti, six)
    settings = tti.settings(n=3, steps=4, sampler=sampler, guidance=4.0, clamp="dynamic")
    painted = finish(inpaint(tti, six, paint, "a nine", settings, rounds=2))
    source = to_uint8(six.x)[0].numpy()
    for one in painted:
        changed = np.asarray(one.image) != source
        assert not changed[14:].any()
        assert changed[:14].any()


@pytest.mark.slow
def test_where_all_is_painted_it_is_plain_painting_to_the_bit(tti, six):
    paint = torch.ones(1, 28, 28, dtype=torch.bool)
    settings = tti.settings(n=2, steps=4)
    painted = finish(inpaint(tti, six, paint, "a nine", settings, rounds=1))
    assert torch.equal(pixels(painted), pixels(tti.paint_all("a nine", settings)))


@pytest.mark.slow
def test_what_is_painted_fits_what_is_kept(tti, six):
    settings = tti.settings(n=6, steps=6)
    painted = finish(inpaint(tti, six, upper_half(tti, six), "a six", settings, rounds=3))
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    probabilities, _ = judge(pixels(painted))
    assert (probabilities.argmax(1) == judge.classes.index("six")).sum() >= 5


@pytest.mark.slow
def test_a_round_is_a_walk_of_every_rung(tti, six, monkeypatch):
    asked = []
    network = tti.model.network
    monkeypatch.setattr(network, "forward", lambda *x, f=network.forward: asked.append(1) or f(*x))
    settings = tti.settings(n=1, steps=4, guidance=1.0)
    finish(inpaint(tti, six, upper_half(tti, six), "a six", settings, rounds=3))
    assert len(asked) == 3 * 3 + 1  # the last rung leads to the picture and is not repeated


@pytest.mark.parametrize("rounds", [0, 101, 1.5])
def test_rounds_out_of_range_are_refused(tti, six, rounds):
    with pytest.raises(UsageError, match="rounds"):
        inpaint(tti, six, upper_half(tti, six), "a six", tti.settings(), rounds=rounds)


@pytest.mark.slow
def test_a_negative_prompt_changes_what_is_painted(tti, six):
    paint = upper_half(tti, six)

    def settings(away):
        return tti.settings(n=2, steps=4, negative=away)

    plain, turned = (
        pixels(finish(inpaint(tti, six, paint, "a six", settings(away), rounds=1)))
        for away in (None, "a zero")
    )
    assert not torch.equal(plain[:, :, :14], turned[:, :, :14])
    assert torch.equal(plain[:, :, 14:], turned[:, :, 14:])


def test_the_sheet_shows_the_picture_what_is_kept_and_the_results(tti, six):
    paint = upper_half(tti, six)
    settings = tti.settings(n=2, steps=1, unconditional=True)
    painted = finish(inpaint(tti, six, paint, None, settings))
    assert painted[0].request.facts["painted_share"] == 0.5
    narrow, wide = beside(six, painted), beside(six, painted, paint)
    assert wide.width - narrow.width == (narrow.width - 2) // 3


def test_without_words_a_prompt_is_missed(tti, six):
    with pytest.raises(UsageError, match="prompt"):
        inpaint(tti, six, upper_half(tti, six), None, tti.settings())


@pytest.mark.slow
def test_a_clip_can_guide_what_is_painted_and_what_is_kept_stays(tti, six):
    paint = upper_half(tti, six)
    plain, guided = (
        pixels(
            finish(
                inpaint(
                    tti,
                    six,
                    paint,
                    "a six",
                    tti.settings(n=1, steps=3, clip_guidance=strength, clip_travel=0),
                    rounds=1,
                )
            )
        )
        for strength in (0.0, 2.0)
    )
    assert not torch.equal(plain[:, :, :14], guided[:, :, :14])
    assert torch.equal(plain[:, :, 14:], guided[:, :, 14:])


def test_two_ways_are_one_behind_the_other():
    def wrapped(mark):
        return lambda predict: lambda x, t: mark + predict(x, t)

    x = torch.zeros(1)
    first, second = (
        SamplingOverrides(x, [1.0], wrapped("a"), "walker"),
        SamplingOverrides(timesteps=[2.0], wrap=wrapped("b")),
    )
    both = first.then(second)
    assert both.wrap(lambda x, t: "c")(x, 0.0) == "bac"
    assert (both.x_start is x, both.timesteps, both.sampler) == (True, [2.0], "walker")
    assert SamplingOverrides().then(second).wrap is second.wrap
    assert first.then(SamplingOverrides()).wrap is first.wrap
