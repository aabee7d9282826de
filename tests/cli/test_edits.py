"""The commands that edit: files, facts in them, and the verdict on every value and file."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """A folder with a picture of noise, a mask of its left half, and files that are neither."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("picture.png")
    mask = Image.new("L", (16, 16), 0)
    mask.paste(255, (0, 0, 8, 16))
    mask.save("mask.png")
    Image.new("L", (8, 8), 255).save("small.png")
    Image.new("L", (16, 16), 0).save("black.png")
    Path("text.png").write_text("no picture")
    return tmp_path


def entries(ended):
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def facts(path):
    with Image.open(path) as image:
        return json.loads(image.text["ddpm_clip"])


VARY = ("vary", "picture.png")
OVER = ("img2img", "picture.png", "rose")
INTO = ("inpaint", "picture.png", "rose", "--mask", "mask.png")
WAY = ("interpolate", "rose", "tulip")
DIGITS = ("--model", "digits", "--steps", 3, "--json")
BLEND = ("blend", "rose:0.7", "tulip:0.3")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*VARY, "--strength", "1.5"), 2, "strength"),
        ((*VARY, "--strength", "nan"), 2, "strength"),
        ((*VARY, "--steps", "0"), 2, "steps"),
        (("point", "--at", "1"), 2, "not a point"),
        (("point", "--at", "1,x"), 2, "not a point"),
        (VARY, 2, "cannot embed pictures"),  # the run embeds labels
        (("vary", "gone.png"), 66, "gone.png"),
        (("vary", "text.png"), 65, "text.png"),
        ((*OVER, "--strength", "-1"), 2, "strength"),
        ((*OVER, "--unconditional"), 2, "--unconditional"),
        ((*OVER, "--guidance", "99"), 2, "guidance"),
        (("img2img", "picture.png"), 2, "prompt"),
        (("img2img", "picture.png", ""), 2, "prompt"),
        (("img2img", "gone.png", "rose"), 66, "gone.png"),
        (("inpaint", "picture.png", "rose"), 2, "--mask"),
        (("inpaint", "picture.png", "rose", "--mask", "gone.png"), 66, "gone.png"),
        (("inpaint", "picture.png", "rose", "--mask", "text.png"), 65, "text.png"),
        (("inpaint", "picture.png", "rose", "--mask", "small.png"), 65, "8x8"),
        (("inpaint", "picture.png", "rose", "--mask", "black.png"), 65, "nothing to paint"),
        ((*INTO, "--rounds", "0"), 2, "rounds"),
        ((*WAY, "--frames", "1"), 2, "frames"),
        (("interpolate", "rose"), 2, "argument"),
        (("interpolate", "gone.png", "rose"), 66, "gone.png"),
        (("interpolate", "rose", "daffodil"), 2, "daffodil"),
        (("blend", "rose:0", "tulip:0"), 2, "weights"),
        (("blend", "rose:inf", "tulip:1"), 2, "weights"),
        (("blend", "rose", "rose:-1"), 2, "cancel"),
        (("blend", ":0.5"), 2, "prompt"),
    ],
)
def test_what_cannot_be_meant_or_used_is_refused_and_nothing_is_painted(
    cli, run, words, code, said
):
    ended = cli(*words, "--model", run)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert ended.out == ""
    assert not Path("outputs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("words", [OVER, INTO, BLEND], ids=lambda words: words[0])
def test_an_edit_writes_its_pictures_and_a_sheet_and_says_where(cli, run, words):
    ended = cli(*words, "--model", run, "--out", "here", "-n", 2, "--seed", 2**32 - 1)
    paths = [Path(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert len(paths) == 2
    assert all(path.parent == Path("here") and path.is_file() for path in paths)
    assert Path("here/grid.png").is_file()
    assert [facts(path)["seed"] for path in paths] == [2**32 - 1, 0]
    assert {facts(path)["mode"] for path in paths} == {words[0]}


def test_a_picture_painted_over_with_strength_0_is_the_picture(cli, run):
    words = (*OVER, "--model", run, "--strength", 0, "-n", 1, "--out", "same.png")
    (entry,) = entries(cli(*words, "--json"))
    assert np.array_equal(pixels(entry["file"]), pixels("picture.png"))
    assert facts("same.png")["source"] == "picture.png"
    assert len(facts("same.png")["source_digest"]) == 16


@pytest.mark.slow
def test_what_is_black_in_the_mask_keeps_its_bytes(cli, run):
    (entry,) = entries(cli(*INTO, "--model", run, "-n", 1, "--json"))
    changed = (pixels(entry["file"]) != pixels("picture.png")).any(2)
    assert not changed[:, 8:].any()
    assert changed[:, :8].any()


@pytest.mark.slow
def test_inpainting_can_do_without_words(cli, run):
    words = ("inpaint", "picture.png", "--mask", "mask.png", "--unconditional")
    (entry,) = entries(cli(*words, "--model", run, "-n", 1, "--json"))
    assert facts(entry["file"])["unconditional"] is True


@pytest.mark.slow
def test_the_way_is_a_strip_whose_ends_are_what_generate_paints(cli):
    words = ("interpolate", "a six", "a nine", "--frames", 4, "--seed", 3, "--gif")
    way = entries(cli(*words, *DIGITS))
    assert [facts(one["file"])["share"] for one in way] == [0, 1 / 3, 2 / 3, 1]
    for end, prompt in ((way[0], "a six"), (way[-1], "a nine")):
        words = ("generate", prompt, "-n", 1, "--seed", 3, "--out", prompt)
        (plain,) = entries(cli(*words, *DIGITS))
        assert end["prompt"] == prompt
        assert np.abs(pixels(end["file"]) - pixels(plain["file"])).max() <= 1
    assert np.abs(pixels(way[0]["file"]) - pixels(way[-1]["file"])).max() > 100
    with Image.open("outputs/latest/generation.gif") as morph:
        assert morph.n_frames > 4
    with Image.open("outputs/latest/grid.png") as strip:
        assert strip.width > 3 * strip.height


@pytest.mark.slow
@pytest.mark.parametrize("words", [VARY, OVER, INTO, WAY, BLEND], ids=lambda words: words[0])
def test_a_negative_prompt_is_heard_by_every_edit(cli, words):
    words = [word.replace("rose", "a six").replace("tulip", "a nine") for word in words]
    plain = entries(cli(*words, "-n", 1, *DIGITS))[-1]["file"]
    turned = entries(cli(*words, "-n", 1, "--negative", "a zero", *DIGITS))[-1]["file"]
    assert (pixels(plain) != pixels(turned)).any()
    assert facts(turned)["negative"] == "a zero"


@pytest.mark.slow
def test_a_model_with_eyes_varies_a_picture(cli):
    two = entries(cli(*VARY, "-n", 2, "--strength", 0.5, *DIGITS))
    assert facts(two[0]["file"])["condition_noise"] == pytest.approx(0.4)
    assert (pixels(two[0]["file"]) != pixels(two[1]["file"])).any()


def test_a_part_is_read_up_to_its_last_colon():
    from ddpm_clip.cli.commands.blend import part_of

    assert part_of("a rose:0.7") == ("a rose", 0.7)
    assert part_of("a rose") == ("a rose", 1.0)
    assert part_of("time: noon") == ("time: noon", 1.0)
    assert part_of("a:b:-2") == ("a:b", -2.0)
