"""One resizer for training, embedding and editing: nothing is resized twice or in two ways."""

import numpy as np
import pytest
import torch
from PIL import Image

from ddpm_clip.data.pictures.images import to_array
from ddpm_clip.utils.resizing import resized
from ddpm_clip.utils.tensors import from_picture


def noise(width, height, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(16, 16), (7, 7), (41, 50), (300, 200)])
def test_an_embedding_sees_the_pixels_that_training_stores(size, channels):
    image = noise(*size)
    stored = to_array(image, 16, channels, "none")
    assert stored.shape == (channels, 16, 16)
    assert torch.equal(from_picture(image, 16, channels), torch.from_numpy(stored))


def test_a_picture_of_the_size_keeps_every_pixel_and_can_be_written_to():
    image = noise(16, 16)
    pixels = resized(image, 16, 3)
    assert pixels.tobytes() == np.asarray(image).transpose(2, 0, 1).tobytes()
    pixels[:] = 0
    assert np.asarray(image).any()


def test_making_larger_does_not_ring_as_lanczos_does():
    edge = np.zeros((8, 8), np.uint8)
    edge[:, 4:] = 128
    image = Image.fromarray(edge)
    lanczos = np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS))
    assert resized(image, 32, 1).max() < lanczos.max()
