"""Training on the text tower alone."""

import pytest
import torch

from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.training.clip.contrastive import train_clip


@pytest.mark.slow
def test_with_a_frozen_image_tower_pictures_keep_their_embeddings_and_words_move():
    torch.manual_seed(0)
    clip = MiniClip(1, 8, 8, 8, 32)
    pixels = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8)
    facts = [{"label": "dark" if i % 2 else "light"} for i in range(40)]
    x = pixels.float() / 127.5 - 1
    before, words = clip.embed_pixels(x).detach(), clip.embed_texts(["dark"])
    steps = list(train_clip(clip, pixels, facts, steps=5, batch_size=16, freeze_image=True))
    assert len(steps) == 5
    assert torch.allclose(clip.embed_pixels(x), before, atol=1e-6)
    assert not torch.allclose(clip.embed_texts(["dark"]), words, atol=1e-3)
    assert all(parameter.requires_grad for parameter in clip.parameters())
