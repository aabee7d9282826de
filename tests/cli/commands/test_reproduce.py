"""`reproduce` on the command line: its words, its JSON, its files, and how it leaves."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def rose(cli, run):
    """A picture of the tiny run, which is called as a model that ships: flowers."""
    words = ("generate", "rose", "tulip", "--model", run, "-n", 2, "--seed", 3, "--json")
    ended = cli(*words)
    assert ended.code == 0, ended.err
    return Path(json.loads(ended.out)[2]["file"])


def changed(path):
    """A copy with one value of one pixel changed and the same texts."""
    with Image.open(path) as image:
        info = PngInfo()
        info.add_itxt("ddpm_clip", image.text["ddpm_clip"])
        red, green, blue = image.getpixel((5, 6))
        image.putpixel((5, 6), (red, green ^ 1, blue))
        image.save("changed.png", pnginfo=info)
    return "changed.png"


@pytest.mark.slow
def test_the_same_pixels_are_equal_and_nothing_is_written(cli, run, rose):
    before = sorted(Path().rglob("*"))
    ended = cli("reproduce", rose, "--model", run)
    assert ended.code == 0, ended.err
    assert ended.out == f"equal: {rose}, all 256 pixels\n"
    assert sorted(Path().rglob("*")) == before


def test_another_pixel_is_told_with_1(cli, run, rose):
    ended = cli("reproduce", changed(rose), "--model", run, "--out", "again.png")
    assert ended.code == 1
    assert "different: changed.png, 1 of 256 pixels, by at most 1 of 255 levels" in ended.out
    assert "PSNR" in ended.out
    assert "painted again: again.png" in ended.err
    assert Path("again.png").read_bytes() == rose.read_bytes()


@pytest.mark.slow
def test_as_json(cli, run, rose):
    ended = cli("reproduce", changed(rose), "--model", run, "--out", "again.png", "--json")
    found = json.loads(ended.out)
    assert ended.code == 1
    assert (found["schema_version"], found["equal"]) == (1, False)
    assert (found["pixels"], found["different"], found["largest"]) == (256, 1, 1)
    assert (found["prompt"], found["seed"], found["notes"]) == ("tulip", 3, [])
    assert Path(found["painted_again"]).is_file()


@pytest.mark.slow
def test_out_never_replaces_the_picture_itself(cli, run, rose):
    spoilt = Path(changed(rose))
    before = spoilt.read_bytes()
    ended = cli("reproduce", spoilt, "--model", run, "--out", spoilt)
    assert ended.code == 1
    assert spoilt.read_bytes() == before
    assert Path("changed-2.png").read_bytes() == rose.read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("gone.png",), 66, "gone.png"),
        (("text.png",), 65, "not a PNG"),
        (("bare.png",), 65, "does not say how it was painted"),
        (("{rose}",), 65, "not painted by this flowers"),
        (("{rose}", "--model", "digits"), 65, "fingerprint"),
        (("{rose}", "--model", "nowhere"), 66, "nowhere"),
        (("{rose}", "--model", "{run}", "--out", "again.jpg"), 2, ".png"),
        ((), 2, "argument"),
    ],
)
def test_what_cannot_be_reproduced_is_said_with_its_code(cli, run, rose, words, code, said):
    Path("text.png").write_text("no picture")
    Image.new("RGB", (16, 16)).save("bare.png")
    ended = cli("reproduce", *(word.format(rose=rose, run=run) for word in words))
    assert ended.code == code, ended.err
    assert said in ended.err
    assert ended.out == ""


@pytest.mark.slow
def test_a_run_of_a_name_that_does_not_ship_has_to_be_named(cli, run):
    shutil.copytree(run, "mine")
    assert cli("generate", "rose", "--model", "mine", "-n", 1, "--out", "rose.png").code == 0
    ended = cli("reproduce", "rose.png")
    assert ended.code == 66
    assert "'mine'" in ended.err
    assert "--model FOLDER" in ended.err
    assert cli("reproduce", "rose.png", "--model", "mine").code == 0


@pytest.mark.slow
def test_an_edit_needs_its_source(cli, run, rose):
    words = ("img2img", rose, "tulip", "--model", run, "-n", 1, "--out", "over.png")
    assert cli(*words).code == 0
    assert cli("reproduce", "over.png", "--model", run).code == 66
    assert cli("reproduce", "over.png", "--model", run, "--source", rose).code == 0
    assert cli("reproduce", "over.png", "--model", run, "--source", "over.png").code == 65
