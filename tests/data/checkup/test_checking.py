import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ddpm_clip.data.checkup.checking import Checkup
from ddpm_clip.data.checkup.findings import summary
from ddpm_clip.data.checkup.written_text import looks_like_text
from ddpm_clip.data.local.drawn_flowers import DrawnFlowers
from ddpm_clip.data.pictures.pixels import scan
from ddpm_clip.data.sources import open_source
from ddpm_clip.utils.generators import finish


def scene(seed, size=(64, 64), mode="RGB"):
    few = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return Image.fromarray(few).resize(size, Image.Resampling.BICUBIC).convert(mode)


def page(width=400, height=300, lines=8):
    """A screenshot: lines of letters on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for k in range(lines):
        words = "the quick brown fox jumps over the lazy dog again"
        words = " ".join([words] * (width // 300))
        draw.text((10, 10 + 30 * k), words, (20, 20, 60), ImageFont.load_default(14))
    return image


@pytest.fixture
def found(tmp_path):
    """What is found in a folder with one or two of everything, by kind."""
    for seed in range(6):
        scene(seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "exact.png").write_bytes((tmp_path / "0.png").read_bytes())
    scene(1).save(tmp_path / "near.jpg", quality=60)
    scene(20, (20, 90)).save(tmp_path / "tiny-and-long.png")
    scene(21, (900, 100)).save(tmp_path / "wide.png")
    scene(22, mode="L").save(tmp_path / "grey.png")
    scene(23).convert("L").convert("RGB").save(tmp_path / "grey-too.jpg")
    page().save(tmp_path / "page.png")
    (tmp_path / "bad.png").write_bytes(b"")
    source = open_source(tmp_path)
    checkup = Checkup(source)
    assert len(finish(scan(source, seen=checkup.see))) == 1
    assert len(checkup.sizes) == 13
    return {one.kind: one for one in checkup.findings(32)}


def test_each_kind_is_found_and_named(found):
    assert {kind: list(one.pictures) for kind, one in found.items()} == {
        "exact_duplicates": ["exact.png = 0.png"],
        "near_duplicates": ["near.jpg = 1.png"],
        "tiny": ["tiny-and-long.png"],
        "extreme_shapes": ["tiny-and-long.png", "wide.png"],
        "mixed_colours": ["grey-too.jpg", "grey.png"],
        "text": ["page.png"],
    }


def test_a_finding_says_what_becomes_of_its_pictures(found):
    assert str(found["extreme_shapes"]).startswith(
        "2 more than 3 times as long as wide: tiny-and-long.png, wide.png. Their middle is trained"
    )
    assert "1 smaller than 32x32 pixels" in summary(list(found.values()), 13)
    assert all(one.becomes.endswith(".") for one in found.values())
    assert found["tiny"].as_dict()["pictures"] == ["tiny-and-long.png"]
    assert summary([], 13) == ""


@pytest.mark.slow
def test_a_clean_source_has_no_findings():
    source = DrawnFlowers(60, 64, 0)
    checkup = Checkup(source)
    finish(scan(source, seen=checkup.see))
    assert checkup.findings(32) == []


def test_the_rarer_of_grey_and_coloured_is_named(tmp_path):
    for seed in range(4):
        scene(seed, mode="RGB" if seed == 0 else "L").save(tmp_path / f"{seed}.png")
    source = open_source(tmp_path)
    checkup = Checkup(source)
    finish(scan(source, seen=checkup.see))
    (one,) = checkup.findings(32)
    assert (one.what, list(one.pictures)) == ("coloured among grey ones", ["0.png"])


@pytest.mark.parametrize(
    ("image", "is_text"),
    [
        (page(), True),
        (page().rotate(0).point(lambda v: 255 - v), True),  # white on black
        (page(1600, 1200, 40), True),
        (page(120, 120), False),  # too small to be read
        (page(lines=1), False),
        (scene(1, (400, 300)), False),
        (Image.new("RGB", (400, 300), "white"), False),
        (Image.effect_noise((400, 300), 80), False),
    ],
)
def test_pages_of_text_are_told_from_pictures(image, is_text):
    assert looks_like_text(image) is is_text


@pytest.mark.slow
def test_drawings_on_white_are_no_text():
    flowers = DrawnFlowers(20, 200, 1)
    assert not any(looks_like_text(flowers[i]) for i in range(20))
