"""A mini-CLIP is asked with the very pixels that it learned from, whatever size a picture has."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.config.schema import Config, DataConfig, EmbedderConfig
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.training.prepare.embedding import embed_source
from ddpm_clip.training.prepare.pictures import decode, open_data
from ddpm_clip.utils.generators import finish

SIZES = ((16, 16), (9, 9), (40, 52), (300, 210))
"""As it is, made larger, made smaller, made much smaller."""


@pytest.fixture
def photos(tmp_path):
    """Noise of many sizes, in colour, as lossless files."""
    rng, folder = np.random.default_rng(0), tmp_path / "photos"
    folder.mkdir()
    for i, (width, height) in enumerate(SIZES):
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("crop", ["centre", "none"])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_embeds_the_pixels_that_it_learned_from(photos, tmp_path, monkeypatch, crop, channels):
    data = DataConfig(source=str(photos), image_size=16, channels=channels, crop=crop)
    source = open_data(data)
    learned = torch.from_numpy(finish(decode(source, data)).array)
    clip, seen = MiniClip(channels, 16, 8, 8, 8), []
    embed_ready = clip.embed_ready

    def watched(x):
        seen.append(x)
        return embed_ready(x)

    monkeypatch.setattr(clip, "embed_ready", watched)
    config = Config(data=data, embedder=EmbedderConfig(batch_size=len(SIZES)))
    finish(embed_source(tmp_path / "run", config, source, clip))
    assert torch.equal(torch.cat(seen), learned)
