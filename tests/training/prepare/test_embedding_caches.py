"""What a cache of embeddings is of: the same card, the same pictures to the CLIP."""

import pytest

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.pictures.crops import RandomCrop
from ddpm_clip.training.prepare.embedding import PLAIN, Side


class Named:
    name, fingerprint, dim = "mini_clip", "f00d", 8


def look(side=PLAIN, **data):
    return side.card(Named(), DataConfig(**data)).preprocessing


def test_caches_of_squares_are_those_of_earlier_versions():
    assert look() == look(image_size=64) == "centre 3ch plain white"
    assert look(Side(mirror=True), channels=1) == "centre 1ch mirrored white"


def test_pictures_of_another_shape_are_other_pictures_and_of_another_size_are_not():
    assert look(image_size=(16, 24)) == look(image_size=(32, 48)) == "centre 3:2 3ch plain white"
    assert look(image_size=(24, 16)) == "centre 2:3 3ch plain white"
    assert look(image_size=(16, 24), crop="none") == look(crop="none")  # the whole picture


@pytest.mark.parametrize(
    ("side", "name", "seen"),
    [
        (PLAIN, "embeddings", "plain white"),
        (Side(mirror=True), "embeddings-mirrored", "mirrored white"),
        (Side(False, RandomCrop(2, 0.15)), "embeddings-crop2", "plain white crop 2 margin 0.15"),
        (
            Side(True, RandomCrop(1, 0.3)),
            "embeddings-mirrored-crop1",
            "mirrored white crop 1 margin 0.3",
        ),
    ],
)
def test_every_side_has_a_folder_and_a_card_of_its_own(side, name, seen):
    assert side.name == name
    assert look(side) == f"centre 3ch {seen}"
