"""Painting over: strength 0 is the picture, 1 plain painting, and between them it is monotone."""

import numpy as np
import pytest
import torch

from ddpm_clip.diffusion.samplers import OF_DISTILLED, SAMPLERS
from ddpm_clip.editing import img2img
from ddpm_clip.editing.image_to_image import timesteps_left
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures, to_picture


def pixels(painted):
    return stack_pictures([one.image for one in painted], 28, 1)


def test_strength_0_gives_the_picture_back(tti, six):
    painted = finish(img2img(tti, six, "a nine", tti.settings(n=2), strength=0.0))
    source = np.asarray(to_picture(six.x))
    assert [np.array_equal(np.asarray(one.image), source) for one in painted] == [True, True]
    assert [one.request.seed for one in painted] == [0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name not in OF_DISTILLED])
def test_strength_1_is_plain_painting_to_the_bit(tti, six, sampler):
    settings = tti.settings(n=2, seed=4, steps=4, sampler=sampler)
    painted = finish(img2img(tti, six, "a nine", settings, strength=1.0))
    assert torch.equal(pixels(painted), pixels(tti.paint_all("a nine", settings)))


@pytest.mark.slow
def test_the_higher_the_strength_the_farther_from_the_picture(tti, six):
    away = []
    for strength in (0.2, 0.4, 0.6, 0.8, 1.0):
        painted = finish(
            img2img(tti, six, "a nine", tti.settings(n=4, steps=10), strength=strength)
        )
        away.append((pixels(painted) - six.x).square().mean().item())
    assert away == sorted(away)
    assert away[0] < away[-1] / 20


def test_all_rows_of_a_schedule_can_be_cut_as_well(tti):
    rows = tti.model.ddpm.grid(1000)
    assert timesteps_left(rows, 0.25) == list(range(249, -1, -1))


@pytest.mark.parametrize(
    ("strength", "left"),
    [(0, 0), (0.001, 1), (0.05, 1), (0.55, 11), (0.56, 12), (0.999, 20), (1, 20)],
)
def test_the_last_rows_are_walked(strength, left):
    rows = [float(row) for row in range(19, -1, -1)]
    assert timesteps_left(rows, strength) == rows[20 - left :]


def test_without_words_nothing_is_asked(tti, six):
    settings = tti.settings(n=1, steps=2, unconditional=True)
    (one,) = finish(img2img(tti, six, None, settings, strength=0.5))
    assert one.request.prompt == "(unconditional)"
    assert one.request.facts["rungs"] == 1


@pytest.mark.parametrize("prompt", [None, "", " "])
def test_with_words_they_are_needed(tti, six, prompt):
    with pytest.raises(UsageError, match="prompt"):
        img2img(tti, six, prompt, tti.settings())
