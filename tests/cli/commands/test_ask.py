"""`ask`: verdict first, then what it rests on; `generate` warns of what is outside."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ddpm_clip.coverage.prompt_coverage import PromptCoverage
from ddpm_clip.data.captions.digit_words import DIGITS
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.runs.pretrained import COVERAGE, load

CAPTIONS = [f"a {colour} {kind}" for kind in ("rose", "tulip") for colour in ("red", "blue")]


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A run on a folder of twelve pictures, with an untrained CLIP of its own."""
    from ddpm_clip.cli.main import main

    home = tmp_path_factory.mktemp("asked")
    write_folder(home / "photos" / "rose", 12, size=16, seed=1)
    MiniClip(3, 16, 8, 8, 32).save(home / "clip", prompts=CAPTIONS, card={})
    small = (
        "data.image_size=16",
        "model.down_chs=[8, 16]",
        "model.blocks=1",
        "model.attention=0",
        "training.steps=1",
        "training.batch_size=4",
        "training.sample_every=0",
        "training.animation=false",
        "training.dtype=float32",
        "generation.steps=1",
        "generation.prompts=[rose]",
        f"embedder.model={home / 'clip'}",
    )
    words = [word for one in small for word in ("--set", one)]
    assert main(["-q", "train", str(home / "photos"), "--out", str(home / "run"), *words]) == 0
    return home / "run"


@pytest.mark.slow
def test_a_digit_is_covered_and_a_horse_is_outside(cli):
    ended = cli("ask", "digits", "a handwritten six", "a purple horse", "--json")
    assert ended.code == 0
    six, horse = json.loads(ended.out)["answers"]
    assert (six["verdict"], horse["verdict"]) == ("well covered", "outside")
    assert six["percentile"] > horse["percentile"]
    assert sum(one["share"] for one in six["neighbours"]) == pytest.approx(1)
    assert not six["suggestions"]
    assert horse["suggestions"]


@pytest.mark.slow
def test_the_verdict_is_the_first_line(cli):
    lines = cli("ask", "digits", "six", "-k", 3).out.splitlines()
    assert lines[0] == "well covered: six"
    assert sum("cosine" in line for line in lines) == 3


@pytest.mark.slow
def test_without_a_prompt_there_are_suggestions_spread_over_the_digits(cli):
    told = json.loads(cli("ask", "digits", "--json").out)["suggestions"]
    assert len(told) >= 10
    assert min(one["near"] for one in told) > 50
    said = " ".join(one["prompt"] for one in told)
    assert all(digit in said or str(i) in said for i, digit in enumerate(DIGITS))
    asked = json.loads(cli("ask", "digits", *(one["prompt"] for one in told), "--json").out)
    assert {one["verdict"] for one in asked["answers"]} == {"well covered"}
    assert told[0]["prompt"] in cli("ask", "digits").out


@pytest.mark.slow
def test_generate_warns_of_what_is_outside_and_of_nothing_else(cli):
    words = ("--model", "digits", "-n", 1, "--steps", 1)
    assert "'a purple horse' is outside" in cli("generate", "a purple horse", *words).err
    assert "outside" not in cli("generate", "a handwritten six", *words).err
    assert "outside" not in cli("generate", "--unconditional", *words).err


@pytest.mark.slow
def test_a_model_of_classes_says_that_it_cannot_tell(cli, run):
    ended = cli("ask", run, "rose")
    assert ended.code == 65
    assert "class names" in ended.err


@pytest.mark.slow
def test_a_training_keeps_the_coverage_and_a_pack_takes_it_along(cli, photos):
    kept = (photos / COVERAGE).read_bytes()
    assert cli("pack", photos, "--out", "packed").code == 0
    assert (Path("packed") / COVERAGE).read_bytes() == kept
    assert cli("ask", "packed", "a red rose").code == 0
    assert (Path("packed") / COVERAGE).read_bytes() == kept
    assert cli("pack", photos, "--out", "bankless", "--no-bank").code == 0
    assert cli("ask", "bankless", "a red rose").code == 65


@pytest.mark.slow
def test_a_packed_model_is_not_written_to(cli, photos):
    cli("pack", photos, "--out", "packed")
    (Path("packed") / COVERAGE).unlink()
    before = sorted(Path("packed").rglob("*"))
    assert cli("ask", "packed", "a red rose").code == 0
    assert sorted(Path("packed").rglob("*")) == before


@pytest.mark.slow
def test_the_nearest_pictures_are_drawn_where_they_are(cli, photos):
    assert cli("ask", photos, "a red rose", "a blue rose", "-k", 5, "--out", "near.png").code == 0
    with Image.open("near.png") as sheet:
        assert sheet.width > 5 * 16
    said = {one.key for one in PromptCoverage(load(photos)).ask("a red rose", 5).neighbours}
    assert all(key.startswith("rose/") for key in said)


@pytest.mark.slow
def test_where_the_pictures_are_not_that_is_said_and_nothing_is_drawn(cli, photos):
    cli("pack", photos, "--out", "packed")
    ended = cli("ask", "packed", "a red rose", "--out", "near.png")
    assert ended.code == 0
    assert "cannot draw near.png" in ended.err
    assert not Path("near.png").exists()


def test_a_prompt_that_is_none_exits_2_and_no_model_66(cli):
    assert cli("ask", "digits", " ").code == 2
    assert cli("ask", "nowhere", "six").code == 66
