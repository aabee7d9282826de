"""A shipped model, painting by its usual settings, makes no more extreme pixels than real ones."""

import pytest

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.tensors import stack_pictures

PROMPTS = ("a red rose", "a white daisy", "a yellow tulip", "a blue flower")


def saturated(x):
    return (x.abs() > 0.99).float().mean().item()


@pytest.mark.slow
@pytest.mark.parametrize("w", [1.0, 2.0])
def test_guided_flowers_saturate_at_most_half_more_than_real_ones(w):
    tti = TextToImage.from_pretrained("flowers", "cpu")
    channels, side, _ = tti.model.image_shape
    painted = tti.paint_all(PROMPTS, tti.settings(n=3, w=w))
    drawn = DrawnFlowers(200, size=side, seed=5)
    real = stack_pictures([drawn[i] for i in range(200)], side, channels)
    found = saturated(stack_pictures([one.image for one in painted], side, channels))
    assert 0.003 < saturated(real) < 0.03, "there is something to compare with"
    assert found <= 1.5 * saturated(real)
