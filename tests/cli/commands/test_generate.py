"""`generate`: words to files, and the verdict on every value that can be typed."""

import json
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--guidance", "nan"), "guidance"),
        (("--guidance", "inf"), "guidance"),
        (("--guidance", "1e999"), "guidance"),
        (("--guidance", "two"), "guidance"),
        (("--guidance", "1,,2"), "guidance"),
        (("--guidance", "32"), "guidance"),
        (("--w", "-4"), "guidance"),
        (("--w", "1", "--guidance", "2"), "guidance = 1 + w"),
        (("--steps", "0"), "steps"),
        (("--steps", "-1"), "steps"),
        (("--steps", "2.5"), "steps"),
        (("--steps", "1001"), "T = 1000"),
        (("-n", "0"), "n = 0"),
        (("-n", "100001"), "n = 100001"),
        (("--seed", "-2"), "seed"),
        (("--seed", "4294967296"), "seed"),
        (("--seed", "1e3"), "seed"),
        (("--sampler", "dpmpp"), "'dpmpp_2m'"),
        (("--bridge", "shaft"), "'shift'"),
        (("--negative", " "), "empty"),
        (("--unconditional",), "--unconditional"),
    ],
)
def test_a_value_that_cannot_be_meant_exits_2_and_leaves_nothing(cli, run, words, said):
    ended = cli("generate", "rose", "--model", run, *words)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""
    assert not list(Path().iterdir())


@pytest.mark.parametrize("prompt", ["", "  \n", "x" * 4001, "\x00\x1b", "half \ud83d"])
def test_a_prompt_that_is_none_exits_2(cli, run, prompt):
    ended = cli("generate", prompt, "--model", run)
    assert ended.code == 2
    assert "prompt" in ended.err


def test_no_prompt_at_all_exits_2(cli, run):
    assert cli("generate", "--model", run).code == 2


def test_a_model_that_is_not_there_exits_66(cli):
    assert cli("generate", "rose", "--model", "nowhere").code == 66


@pytest.mark.slow
def test_json_is_one_array_with_an_entry_a_picture(cli, run):
    ended = cli("generate", "rose", "Tulip", "--model", run, "-n", 2, "--seed", 2**32 - 1, "--json")
    assert ended.code == 0
    entries = json.loads(ended.out)
    assert [(e["prompt"], e["seed"]) for e in entries] == [
        ("rose", 2**32 - 1),
        ("rose", 0),
        ("Tulip", 2**32 - 1),
        ("Tulip", 0),
    ]
    assert all(Path(e["file"]).is_absolute() and Path(e["file"]).is_file() for e in entries)
    assert [e["index"] for e in entries] == [0, 1, 2, 3]


@pytest.mark.slow
def test_without_json_the_pictures_are_named_one_a_line(cli, run):
    ended = cli("generate", "rose", "--model", run, "--out", "here")
    paths = [Path(line) for line in ended.out.splitlines()]
    assert len(paths) == 2
    assert all(path.parent == Path("here") and path.is_file() for path in paths)
    assert Path("here/grid.png").is_file()


@pytest.mark.slow
def test_several_scales_paint_each_and_w_is_one_less(cli, run):
    by_scale = json.loads(
        cli("generate", "rose", "--model", run, "--guidance", "1,2,4", "-n", 1, "--json").out
    )
    by_weight = json.loads(
        cli("generate", "rose", "--model", run, "--w", "0,1,3", "-n", 1, "--json").out
    )
    assert [e["guidance"] for e in by_scale] == [1, 2, 4]
    assert all(Path(e["file"]).is_file() for e in (*by_scale, *by_weight))
    here, there = ([Path(e.pop("file")) for e in entries] for entries in (by_scale, by_weight))
    assert by_scale == by_weight
    assert [path.name for path in here] == [path.name for path in there]
    assert {path.parent for path in here}.isdisjoint(path.parent for path in there)


@pytest.mark.slow
def test_one_picture_into_a_png_is_that_file(cli, run):
    ended = cli("generate", "rose", "--model", run, "-n", 1, "--out", "deep/rose.png")
    assert ended.out == "deep/rose.png\n"
    with Image.open("deep/rose.png") as picture:
        assert picture.size == (16, 16)
    assert [path.name for path in Path("deep").iterdir()] == ["rose.png"]


@pytest.mark.slow
def test_a_png_holds_its_parameters_unless_told_not_to(cli, run):
    cli("generate", "rose", "--model", run, "-n", 1, "--seed", 5, "--out", "with.png")
    with Image.open("with.png") as picture:
        facts = json.loads(picture.text["ddpm_clip"])
    assert (facts["prompt"], facts["seed"]) == ("rose", 5)
    cli("generate", "rose", "--model", run, "-n", 1, "--no-metadata", "--out", "without.png")
    with Image.open("without.png") as picture:
        assert not picture.text


def test_unconditional_needs_no_words(cli, run):
    assert cli("generate", "--unconditional", "--model", run, "-n", 1).code == 0


@pytest.mark.slow
def test_a_gif_moves(cli, run):
    cli("generate", "rose", "--model", run, "-n", 1, "--gif", "--steps", 4, "--out", "here")
    with Image.open("here/generation.gif") as picture:
        assert picture.n_frames > 1


@pytest.mark.slow
def test_one_picture_into_a_png_moves_too(cli, run):
    cli("generate", "rose", "--model", run, "-n", 1, "--gif", "--steps", 4, "--out", "rose.png")
    with Image.open("rose.gif") as picture:
        assert picture.n_frames > 1
    assert sorted(path.name for path in Path().iterdir()) == ["rose.gif", "rose.png"]


@pytest.mark.slow
def test_a_grid_and_a_gif_that_are_there_stay_and_the_new_names_are_told(cli, run, tmp_path):
    out = tmp_path / "o"
    words = ("generate", "rose", "--model", run, "-n", 2, "--steps", 2, "--gif", "--out", out)
    assert "holds another" not in cli(*words).err
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    told = cli(*words, "--seed", 9).err
    assert {name: (out / name).read_bytes() for name in before} == before
    for new in ("grid-2.png", "generation-2.gif"):
        assert (out / new).is_file()
        assert new in told


def test_the_default_model_is_the_run_one_stands_in(cli, run, monkeypatch, tmp_path):
    monkeypatch.chdir(run)
    ended = cli("generate", "rose", "-n", 1, "--out", tmp_path / "rose.png")
    assert ended.code == 0
    assert "in this folder" in ended.err


@pytest.mark.slow
def test_elsewhere_the_default_model_is_the_shipped_one_and_is_named(cli):
    assert "flowers" in cli("generate", "rose", "--steps", 1, "-n", 1).err


@pytest.mark.slow
def test_control_characters_are_taken_out_and_that_is_said(cli, run):
    ended = cli("generate", "ro\x07se", "--model", run, "-n", 1, "--json")
    assert json.loads(ended.out)[0]["prompt"] == "rose"
    assert "control characters" in ended.err
