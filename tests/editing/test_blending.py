"""Blends: one part is itself, proportions decide, and a negative weight turns away."""

import pytest
import torch

from ddpm_clip.editing import blend
from ddpm_clip.editing.arcs import blended
from ddpm_clip.editing.ideas import conditions_of
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures


def pixels(painted):
    return stack_pictures([one.image for one in painted], 28, 1)


@pytest.mark.slow
def test_one_part_is_the_plain_picture(tti):
    settings = tti.settings(n=2, steps=4)
    one = pixels(finish(blend(tti, [("a six", 0.3)], settings)))
    torch.testing.assert_close(one, pixels(tti.paint_all("a six", settings)), rtol=0, atol=2 / 255)


def test_the_nearer_part_is_the_heavier_one(tti, six):
    settings = tti.settings(n=1)
    c = torch.cat([conditions_of(tti, idea, settings, [0]) for idea in (six, "a nine")])
    dim = tti.model.conditioner.dim
    for weights, nearer in (((0.8, 0.2), 0), ((0.2, 0.8), 1)):
        both = blended(c, weights, dim)[:dim]
        assert torch.cosine_similarity(both, c[:, :dim]).argmax().item() == nearer
    away = blended(c, (1.0, -0.5), dim)[:dim]
    before, after = (torch.cosine_similarity(x, c[1, :dim], 0) for x in (c[0, :dim], away))
    assert after < before


def test_what_was_blended_is_recorded(tti, six):
    parts = [(six, 2.0), ("a nine", -0.5)]
    (one,) = finish(blend(tti, parts, tti.settings(n=1, steps=1)))
    assert one.request.facts == {
        "mode": "blend",
        "parts": [six.name, "a nine"],
        "weights": [2.0, -0.5],
        "source_digests": [six.digest, None],
    }
    assert one.request.prompt == f"{six.name}:2 + a nine:-0.5"


@pytest.mark.parametrize(
    "weights", [[], [0.0, 0.0], [float("nan"), 1.0], [101.0, 1.0], [True, 1.0]]
)
def test_weights_that_cannot_be_meant_are_refused(tti, weights):
    with pytest.raises(UsageError, match="weights"):
        blend(tti, [("a six", weight) for weight in weights], tti.settings())
