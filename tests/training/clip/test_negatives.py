"""Texts from outside a domain name nothing of it, and are learned as such."""

import pytest
import torch

from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.embedders.mini_clip import MiniClip, multi_positive_loss, sigmoid_loss
from ddpm_clip.training.clip.contrastive import train_clip
from ddpm_clip.training.clip.negatives import OutsideTexts


def test_no_text_names_what_the_pictures_show():
    outside = OutsideTexts([{"digit": digit} for digit in DIGITS], 0)
    texts = outside.draw(500)
    assert not any(word.strip(".,!") in DIGITS for text in texts for word in text.lower().split())
    assert len(set(texts)) > 400


def test_things_of_the_domain_are_left_out():
    outside = OutsideTexts(
        [{"label": "dog"}, {"label": "cats"}, {"caption": "A horse, asleep."}], 0
    )
    assert not {"dog", "horse"} & set(outside.things)
    assert "bus" in outside.things
    assert {"dog", "horse"} <= set(OutsideTexts([{"label": "tulip"}], 0).things)


def test_a_seed_draws_the_same_texts():
    facts = [{"label": "tulip"}]
    assert OutsideTexts(facts, 3).draw(20) == OutsideTexts(facts, 3).draw(20)
    assert OutsideTexts(facts, 3).draw(20) != OutsideTexts(facts, 4).draw(20)


def test_a_column_that_fits_nobody_is_a_negative_and_no_target():
    torch.manual_seed(0)
    clip = MiniClip(1, 16, 8, 8, 32)
    image = torch.nn.functional.normalize(torch.randn(4, 8), dim=1)
    text = torch.nn.functional.normalize(torch.randn(6, 8), dim=1).requires_grad_()
    fits = torch.nn.functional.pad(torch.eye(4, dtype=torch.bool), (0, 2))
    for loss in (multi_positive_loss, sigmoid_loss):
        (grad,) = torch.autograd.grad(loss(image, text, fits, clip), text)
        assert grad.isfinite().all()
        towards = (grad[4:] * image.mean(0)).sum(1)
        assert (towards > 0).all(), "a step down the gradient leads away from the pictures"


@pytest.mark.slow
def test_a_clip_taught_with_outside_texts_keeps_them_away_from_the_pictures():
    torch.manual_seed(0)
    dark, light = torch.zeros(20, 1, 16, 16), torch.full((20, 1, 16, 16), 255)
    pixels = torch.cat([dark, light]).to(torch.uint8)
    facts = [{"label": "night"}] * 20 + [{"label": "noon"}] * 20
    unseen = ["a purple unicorn", "gravel and marmalade", "seventeen pianists"]

    def nearest(outside):
        torch.manual_seed(0)
        clip = MiniClip(1, 16, 8, 8, 32)
        list(train_clip(clip, pixels, facts, steps=60, batch_size=32, outside=outside))
        e = clip.embed_pixels(pixels.float() / 127.5 - 1)
        inside = (clip.embed_texts(["night", "a noon"]) @ e.T).amax(1).min()
        return (inside - (clip.embed_texts(unseen) @ e.T).amax(1).mean()).item()

    assert nearest(OutsideTexts(facts, 0).draw) > nearest(None) + 0.2
