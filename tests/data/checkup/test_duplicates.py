import io

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.checkup.duplicates import MOST, copies, near_pairs
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.subset import limit


def thumb(image):
    return np.asarray(image.convert("RGB").resize((8, 8), Image.Resampling.BOX, reducing_gap=3.0))


def scene(seed, side=64):
    """A smooth picture of some colours, as a photograph is when it is small."""
    few = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC)


def recompressed(image):
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=50)
    return Image.open(out)


CHANGES = {
    "recompressed": recompressed,
    "halved": lambda image: image.resize([side // 2 for side in image.size]),
    "brightened": lambda image: image.convert("RGB").point(lambda v: min(255, v * 1.06)),
}


@pytest.mark.parametrize("how", CHANGES)
def test_a_changed_copy_is_near_and_other_pictures_are_not(how):
    pictures = [scene(seed) for seed in range(60)]
    changed = [CHANGES[how](picture) for picture in pictures[:20]]
    pairs = near_pairs(np.stack([thumb(one) for one in [*pictures, *changed]])).tolist()
    assert pairs == [[k, 60 + k] for k in range(20)]


def test_equal_pictures_are_paired_with_the_first_of_them():
    thumbs = np.stack([thumb(scene(seed)) for seed in (1, 2, 1, 3, 1, 2)])
    assert near_pairs(thumbs).tolist() == [[0, 2], [0, 4], [1, 5]]
    assert copies(near_pairs(thumbs)) == {2: 0, 4: 0, 5: 1}


def test_copies_of_copies_belong_to_the_first():
    assert copies(np.array([[1, 2], [2, 5], [0, 4], [4, 5], [7, 8]])) == {
        1: 0,
        2: 0,
        4: 0,
        5: 0,
        8: 7,
    }


def test_colours_tell_pictures_of_one_shape_apart():
    red, blue = Image.new("RGB", (16, 16), "white"), Image.new("RGB", (16, 16), "white")
    red.paste((220, 30, 30), (4, 4, 12, 12))
    blue.paste((30, 30, 220), (4, 4, 12, 12))
    assert len(near_pairs(np.stack([thumb(red), thumb(blue)]))) == 0


@pytest.mark.slow
def test_blank_pictures_are_copies_by_shade():
    rng = np.random.default_rng(0)
    shades = (40, 120, 200)
    thumbs = np.concatenate([s + rng.integers(-1, 2, (50, 8, 8, 3)) for s in shades])
    found = copies(near_pairs(thumbs.astype(np.uint8)))
    assert {first // 50 * 50 for first in found.values()} == {0, 50, 100}
    assert len(found) > 140
    assert all(copy // 50 == first // 50 for copy, first in found.items())


@pytest.mark.slow
def test_pairs_across_blocks_are_found(monkeypatch):
    monkeypatch.setattr("ddpm_clip.data.checkup.duplicates.BLOCK", 7)
    thumbs = np.stack([thumb(scene(seed)) for seed in range(40)])
    again = np.clip(thumbs.astype(int) + 1, 0, 255).astype(np.uint8)
    assert near_pairs(np.concatenate([thumbs, again])).tolist() == [[k, k + 40] for k in range(40)]


def test_nothing_and_one_picture_have_no_copies():
    assert near_pairs(np.empty((0, 8, 8, 3), np.uint8)).shape == (0, 2)
    assert near_pairs(thumb(scene(1))[None]).shape == (0, 2)
    assert MOST > 0


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize(
    ("pack", "most_false", "least_found"),
    [("tf-flowers", 0.004, 0.9), ("tiny-imagenet", 0.001, 0.95)],
)
def test_copies_of_real_photographs_are_found_and_hardly_anything_else(
    data_root, monkeypatch, pack, most_false, least_found
):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    source = limit(open_source(pack), 1000)
    thumbs = np.stack([thumb(source[i]) for i in range(len(source))])
    assert len(copies(near_pairs(thumbs))) <= most_false * len(source)
    for change in CHANGES.values():
        changed = np.stack([thumb(change(source[i])) for i in range(100)])
        found = copies(near_pairs(np.concatenate([thumbs[:100], changed])))
        assert sum(found.get(100 + k) == k for k in range(100)) >= 100 * least_found
