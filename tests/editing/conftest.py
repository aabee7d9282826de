"""The model of digits that ships, and a six that it painted."""

import pytest

from ddpm_clip.editing import Picture, open_picture
from ddpm_clip.generation.text_to_image import TextToImage


@pytest.fixture(scope="session")
def tti() -> TextToImage:
    return TextToImage.from_pretrained("digits", "cpu")


@pytest.fixture(scope="session")
def six(tti) -> Picture:
    return open_picture(tti("a six", seed=1, steps=10)[0], tti.model)
