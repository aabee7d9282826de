import io
import os
import socket
import struct
import zlib
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from ddpm_clip.data.pictures import decoding, images
from ddpm_clip.data.pictures.images import BadImage, from_array, open_image, pixel_digest, to_array
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.errors import DataError, UsageError


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def encoder_of(kind):
    """Make Pillow able to write a format, or skip the test where it cannot."""
    if kind == "AVIF":
        return features.check("avif") or pytest.skip("this Pillow has no AVIF")
    return pytest.importorskip("pillow_heif").register_heif_opener()


def noise(width=40, height=20, mode="RGB"):
    shape = (height, width) if mode == "L" else (height, width, len(mode))
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8), mode)


def gradient(top, dtype):
    return Image.fromarray(np.linspace(0, top, 256).astype(dtype).reshape(16, 16))


def reason_of(data, **options):
    with pytest.raises(BadImage) as caught:
        open_image(data, **options)
    assert isinstance(caught.value, DataError)
    assert caught.value.exit_code == 65
    return caught.value.reason


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
def test_every_allowed_format_opens_whatever_the_file_is_called(tmp_path, kind):
    red = Image.new("RGB", (9, 7), (200, 30, 40))
    (tmp_path / "picture.dat").write_bytes(encoded(red, kind))
    image = open_image(tmp_path / "picture.dat")
    assert image.size == (9, 7)
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, float) - (200, 30, 40)).max() <= 8


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("where", [nullcontext, in_children], ids=["here", "in a child"])
def test_photos_of_phones_open_upright_and_whole(kind, where):
    encoder_of(kind)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    scene = Image.new("RGB", (64, 32), (200, 30, 40))
    scene.paste((20, 40, 220), (0, 0, 32, 32))
    with where():
        image = open_image(encoded(scene, kind, exif=exif.tobytes(), quality=90))
        assert (image.size, image.mode) == ((32, 64), "RGB")
        for at, colour in (((16, 10), (20, 40, 220)), ((16, 54), (200, 30, 40))):
            assert np.abs(np.subtract(image.getpixel(at), colour)).max() < 25
        half = encoded(noise(64, 64), kind)
        assert reason_of(half[: len(half) // 2]) in ("truncated", "damaged")


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_photo_that_claims_another_size_is_refused_before_memory_is_taken(kind):
    encoder_of(kind)
    data = encoded(noise(64, 64), kind)
    at = data.index(b"ispe") + 8
    with in_children():
        reason = reason_of(data[:at] + struct.pack(">II", 60_000, 60_000) + data[at + 8 :])
    assert reason in ("too-large", "damaged")


def test_without_its_decoder_a_photo_of_a_phone_says_what_reads_it(monkeypatch):
    encoder_of("HEIF")
    monkeypatch.setattr(decoding, "ISO_MEDIA", ())
    with pytest.raises(BadImage, match=r"it is HEIC; pip install \"ddpm-clip\[heif\]\" reads it"):
        open_image(encoded(noise(64, 64), "HEIF"), name="photo.jpg")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\0\0\0\x14ftypqt  " + b"\0" * 40, "a video"),
        (b"<!DOCTYPE html><p>", "a web page"),
        (b"%PDF-1.7", "a PDF"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    ],
)
def test_what_only_calls_itself_a_picture_is_named(data, what):
    with pytest.raises(BadImage, match=f"it is {what}"):
        open_image(data, name="photo.jpg")


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PDF", "EPS"])
def test_other_formats_are_not_even_tried(kind):
    assert reason_of(encoded(noise(32, 32), kind)) == "not-an-image"


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty"), (b"<html>not found</html>", "not-an-image"), (b"\x00" * 500, "not-an-image")],
)
def test_what_is_no_picture_has_its_reason(data, reason):
    assert reason_of(data) == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_half_a_file_is_an_error_and_not_half_a_picture(kind):
    whole = encoded(noise(64, 64), kind)
    assert reason_of(whole[: len(whole) // 2]) in ("truncated", "damaged")


def test_a_truncated_jpeg_is_called_truncated():
    whole = encoded(noise(64, 64), "JPEG")
    assert reason_of(whole[: len(whole) // 2]) == "truncated"


def test_a_png_whose_pixels_are_flipped_bits_is_damaged():
    data = bytearray(encoded(noise(64, 64)))
    data[len(data) // 2] ^= 0xFF
    assert reason_of(bytes(data)) in ("damaged", "truncated")


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    def png(width, height):
        head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
        )

    def decode(self):
        raise AssertionError("decoded a bomb")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decode)
    for width, height in [(9000, 9000), (12_000, 12_000), (20_000, 20_000), (70_000, 2)]:
        assert reason_of(png(width, height)) == "too-large"


def test_a_file_of_too_many_bytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    (tmp_path / "a.png").write_bytes(bytes(101))
    assert reason_of(tmp_path / "a.png") == "too-large"


def test_missing_files_folders_pipes_and_sockets_are_named_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.png"))
        assert reason_of(tmp_path / "s.png") == "not-a-file"
    assert reason_of(tmp_path / "pipe.png") == "not-a-file"
    assert reason_of(tmp_path / "folder.png") == "not-a-file"
    assert reason_of(tmp_path / "none.png") == "missing"
    assert reason_of("/dev/zero") == "not-a-file"
    assert reason_of("nul\0.png") == "unreadable"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_come_out_upright(orientation):
    upright = noise(40, 20)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # how a camera would have stored it
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(encoded(stored, exif=exif))
    assert image.size == (40, 20)
    assert image.tobytes() == upright.tobytes()


@pytest.mark.parametrize(
    "deep",
    [
        gradient(65535, np.uint16),
        gradient(65535, np.int32),
        gradient(1, np.float32),
        gradient(255, np.float32),
        gradient(2**31 - 1, np.int32),
    ],
    ids=["I;16", "I", "F to 1", "F to 255", "I to 2^31"],
)
def test_deep_pixels_are_scaled_and_not_clipped(deep):
    values = np.asarray(open_image(encoded(deep, "TIFF")), float)
    assert np.abs(values - np.linspace(0, 255, 256).reshape(16, 16)).max() <= 2


def test_a_16_bit_png_keeps_its_mean():
    image = open_image(encoded(gradient(65535, np.uint16)))
    assert image.mode == "L"
    assert 126 < np.asarray(image).mean() < 129


def test_pixels_that_are_no_numbers_are_damage():
    assert reason_of(encoded(gradient(np.nan, np.float32), "TIFF")) == "damaged"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_show_the_background(mode):
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 2, 4))
    data = encoded(
        clear.convert(mode) if mode == "LA" else clear.quantize() if mode == "P" else clear
    )
    image = open_image(data, background="#00ff00")
    assert image.mode == "RGB"
    assert image.getpixel((3, 0)) == (0, 255, 0)
    assert image.getpixel((0, 0)) == ((29, 29, 29) if mode == "LA" else (0, 0, 255))


def test_a_colour_declared_transparent_shows_the_background():
    data = encoded(Image.new("RGB", (2, 2), (9, 9, 9)), transparency=(9, 9, 9))
    assert open_image(data).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF")])
def test_print_and_video_colours_become_rgb(mode, kind):
    data = encoded(Image.new("RGB", (16, 16), (200, 30, 40)).convert(mode), kind)
    image = open_image(data)
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, float) - (200, 30, 40)).max() <= 4


def test_lab_becomes_rgb():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (4, 4), (200, 30, 40)), *profiles, outputMode="LAB"
    )
    image = open_image(encoded(lab, "TIFF"))
    assert image.mode == "RGB"
    assert np.abs(np.asarray(image, float) - (200, 30, 40)).max() <= 3


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_image(data).getpixel((2, 2)) == (255, 0, 0)


def test_grey_and_one_bit_pictures_stay_grey():
    assert open_image(encoded(noise(mode="L"))).mode == "L"
    assert open_image(encoded(Image.new("1", (4, 4), 1))).getpixel((0, 0)) == 255


def test_a_background_that_is_no_colour_is_a_usage_error():
    with pytest.raises(UsageError, match="unknown colour 'whit'"):
        open_image(encoded(noise()), background="whit")


@pytest.mark.slow
def test_mutated_pictures_open_or_give_a_reason():
    rng = np.random.default_rng(0)
    seeds = [encoded(noise(24, 24), kind) for kind in ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")]
    outcomes = set()
    for turn in range(400):
        data = bytearray(seeds[turn % 6])
        for _ in range(1 + turn % 5):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            outcomes.add(open_image(bytes(data)).mode)
        except BadImage as error:
            outcomes.add(error.reason)
    assert {"RGB", "damaged"} <= outcomes <= {"L", "RGB", *images.REASONS}


def test_the_whole_picture_is_squeezed_if_nothing_is_cropped():
    wide = Image.new("RGB", (40, 20), "red")
    wide.paste("blue", (10, 0, 30, 20))
    assert to_array(wide, 8, 3, "none")[0].max() > 200
    assert to_array(wide, 8, 3)[0].max() == 0


def test_pixels_of_the_right_size_are_kept_exactly():
    grey = noise(28, 28, "L")
    array = to_array(grey, 28, 1)
    assert array.shape == (1, 28, 28)
    assert array.dtype == np.uint8
    assert np.array_equal(array[0], np.asarray(grey))
    assert to_array(grey, 28, 3).shape == (3, 28, 28)
    assert from_array(array).tobytes() == grey.tobytes()
    assert from_array(to_array(noise(8, 8), 8, 3)).tobytes() == noise(8, 8).tobytes()


def test_shrinking_averages_instead_of_picking():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    small = to_array(Image.fromarray(stripes), 16, 1)
    assert np.abs(small.astype(float) - 127.5).max() < 20


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
def test_odd_shapes_are_accepted(size):
    image = open_image(encoded(Image.new("RGB", size, "red")))
    assert (to_array(image, 8, 3)[0] == 255).all()
    assert to_array(image, 8, 3, "none").shape == (3, 8, 8)


def test_the_digest_of_pixels_tells_size_and_mode_apart():
    grey = Image.new("L", (6, 1))
    assert pixel_digest(grey) == pixel_digest(grey.copy())
    others = [grey.resize((3, 2)), Image.new("RGB", (2, 1)), Image.new("L", (6, 1), 1)]
    assert len({pixel_digest(image) for image in [grey, *others]}) == 4
