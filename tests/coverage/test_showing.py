"""Training pictures that are shown are cut as they were learned."""

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.coverage.showing import pictures_of
from ddpm_clip.data.pictures.images import to_array
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError, MissingInput


@pytest.mark.parametrize("crop", ["centre", "none"])
def test_a_wide_picture_is_shown_as_the_model_saw_it(tmp_path, crop):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    data = DataConfig(source=str(tmp_path), image_size=16, crop=crop)
    key = open_source(str(tmp_path)).key(0)
    (shown,) = pictures_of([key], data).values()
    assert np.array_equal(
        np.asarray(shown),
        np.asarray(to_array(Image.fromarray(pixels), 16, 3, crop).transpose(1, 2, 0)),
    )


def test_other_pictures_than_those_of_the_model_are_told(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="no picture gone"):
        pictures_of(["gone"], DataConfig(source=str(tmp_path), image_size=8))
    with pytest.raises(MissingInput):
        pictures_of(["gone"], DataConfig(image_size=8))
