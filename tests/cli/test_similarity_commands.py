"""`similarity` and `compass`: numbers on stdout, plots where they are asked for."""

import json

import pytest
import torch
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.embedders.mini_clip import MiniClip


@pytest.fixture(scope="module")
def six_and_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    painted = TextToImage.from_pretrained("digits", "cpu")(["six", "two"], n=1, steps=8)
    paths = [folder / name for name in ("a.png", "b.png")]
    for path, image in zip(paths, painted, strict=True):
        image.save(path)
    return paths


@pytest.mark.slow
def test_pictures_find_their_words(cli, six_and_two):
    ended = cli("similarity", *six_and_two, "--text", "six", "--text", "two", "--text", "a zero")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].startswith("a.png: six (0.")
    assert lines[1].startswith("b.png: two (0.")


@pytest.mark.slow
def test_json_plots_and_bars(cli, six_and_two, tmp_path):
    heat, bars = tmp_path / "new" / "heat.png", tmp_path / "bars.png"
    ended = cli("similarity", *six_and_two, "--out", heat, "--bars", bars, "--json")
    told = json.loads(ended.out)
    assert told["best"] == ["six", "two"]
    assert len(told["texts"]) == 10, "the model's own prompts"
    for column in zip(*told["shares"], strict=True):
        assert sum(column) == pytest.approx(1, abs=1e-3)
    for path in (heat, bars):
        with Image.open(path) as image:
            assert image.format == "PNG"


@pytest.mark.slow
def test_a_mini_clip_of_two_dimensions_has_a_compass(cli, tmp_path):
    torch.manual_seed(0)
    MiniClip(3, 16, dim=2, width=8, text_width=32).save(tmp_path / "clip", prompts=["a"], card={})
    out = tmp_path / "compass.png"
    ended = cli(
        "compass",
        "drawn-flowers:24",
        "--model",
        tmp_path / "clip",
        "--split",
        "train",
        "-n",
        12,
        "--text",
        "rose",
        "--out",
        out,
        "--json",
    )
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (len(told["points"]), told["variance_shown"]) == (12, 1.0)
    assert all(x * x + y * y == pytest.approx(1, abs=1e-3) for x, y in told["points"])
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("similarity", "absent.png"), 65),
        (("similarity", "absent.png", "--out", "heat.jpg"), 2),
        (("similarity", "absent.png", "--model", "no such model"), 66),
        (("compass", "drawn-flowers:4", "--out", "c.pdf"), 2),
    ],
)
def test_what_cannot_be_meant_has_its_exit_code(cli, words, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli(*words).code == code
    assert not list(tmp_path.iterdir())
