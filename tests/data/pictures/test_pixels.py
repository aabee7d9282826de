import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.data.pictures.pixels import load_pixels, scan, stream_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError, StorageError
from ddpm_clip.utils.generators import finish


@pytest.fixture
def mixed(tmp_path):
    """Eight good pictures with two bad ones among them."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for k in range(8):
        Image.new("RGB", (20, 10 + k), (k * 30, 0, 0)).save(folder / f"{2 * k:02d}.png")
    whole = (folder / "00.png").read_bytes()
    (folder / "03.png").write_bytes(whole[: len(whole) // 2])
    (folder / "05.jpg").write_bytes(b"<html>")
    return folder


def test_a_truncated_file_is_named_and_left_out(mixed):
    pixels = load_pixels(open_source(mixed), size=8, channels=3)
    assert pixels.array.shape == (8, 3, 8, 8)
    assert pixels.array.dtype == np.uint8
    assert [file.key for file in pixels.bad] == ["03.png", "05.jpg"]
    assert pixels.bad[1].reason == "not-an-image"
    assert pixels.bad[0].reason in ("truncated", "damaged")
    assert pixels.bad[0].detail
    assert "03.png" not in pixels.keys
    assert len(pixels.keys) == len(pixels.labels) == 8
    source = open_source(mixed)
    for row, i in enumerate(pixels.indices):
        assert source.key(i) == pixels.keys[row]
        assert pixels.array[row, 0, 4, 4] == source[i].getpixel((9, 5))[0]


def test_progress_counts_every_picture(mixed):
    steps = list(scan(open_source(mixed)))
    assert [s.done for s in steps] == list(range(1, 11))
    assert [s.note for s in steps] == [""] * 2 + ["1 unusable"] * 2 + ["2 unusable"] * 6
    assert steps[-1].total == 10
    assert [file.key for file in finish(scan(open_source(mixed)))] == ["03.png", "05.jpg"]
    assert len(list(stream_pixels(open_source(mixed), size=4, channels=1))) == 10


def test_too_many_bad_pictures_are_an_error_that_names_some(mixed):
    with pytest.raises(DataError, match=r"2 of 10 pictures[\s\S]*03.png") as caught:
        load_pixels(open_source(mixed), size=8, channels=3, max_bad=0.1)
    assert caught.value.exit_code == 65
    assert caught.value.param == "data.max_bad"
    with pytest.raises(DataError, match="2 of 10"):
        finish(scan(open_source(mixed), max_bad=0))


def test_after_a_bad_picture_each_row_still_has_its_own_key_class_and_number(tmp_path):
    for folder, level in (("a", 10), ("b", 20), ("c", 30)):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (4, 4), (level,) * 3).save(tmp_path / folder / "2.png")
        Image.new("RGB", (4, 4), (level + 1,) * 3).save(tmp_path / folder / "3.png")
    (tmp_path / "a" / "1.png").write_bytes(b"nothing")
    (tmp_path / "b" / "3.png").write_bytes(b"nothing")
    found = load_pixels(open_source(tmp_path), size=4, channels=1, max_bad=0.5)
    assert list(found.keys) == ["a/2.png", "a/3.png", "b/2.png", "c/2.png", "c/3.png"]
    assert list(found.labels) == ["a", "a", "b", "c", "c"]
    assert list(found.indices) == [1, 2, 3, 5, 6]
    assert found.array[:, 0, 0, 0].tolist() == [10, 11, 20, 30, 31]


def test_only_bad_pictures_are_an_error_whatever_is_put_up_with(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="1 of 1"):
        load_pixels(open_source(tmp_path), size=8, channels=3, max_bad=1.0)


def test_one_picture_is_enough(tmp_path):
    Image.new("L", (5, 5), 7).save(tmp_path / "a.png")
    assert (load_pixels(open_source(tmp_path), size=4, channels=1).array == 7).all()


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
def test_above_the_limit_the_same_pixels_are_memory_mapped(tmp_path, named):
    source = DrawnFlowers(90, size=64)
    cache = tmp_path / "cache"
    place = cache if named else None
    mapped = load_pixels(source, size=64, channels=3, memory_limit_mb=1, cache=place)
    assert isinstance(mapped.array, np.memmap)
    assert [*cache.iterdir()] == [] if named else not cache.exists(), "nothing is left lying about"
    in_memory = load_pixels(source, size=64, channels=3)
    assert not isinstance(in_memory.array, np.memmap)
    assert np.array_equal(mapped.array, in_memory.array)


def test_no_room_for_the_map_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="no space for"):
        load_pixels(
            DrawnFlowers(90, size=64),
            size=64,
            channels=3,
            memory_limit_mb=1,
            cache=tmp_path / "file",
        )


def test_a_file_that_vanishes_after_listing_is_reported(mixed):
    source = open_source(mixed)
    (mixed / "00.png").unlink()
    bad = load_pixels(source, size=4, channels=3, max_bad=0.5).bad
    assert ("00.png", "missing") in [(file.key, file.reason) for file in bad]


@pytest.mark.slow
@pytest.mark.data
def test_digits_keep_their_pixels(data_root):
    source = open_source(f"mnist:{data_root}/mnist", split="test")
    pixels = load_pixels(source, size=28, channels=1)
    with np.load(data_root / "mnist" / "mnist.npz") as pack:
        assert np.array_equal(pixels.array[:, 0], pack["test_images"])
