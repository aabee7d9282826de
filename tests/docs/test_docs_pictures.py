"""The pictures of the docs: all there and readable, each analysis has one, and drawing repeats."""

import runpy

import pytest
from PIL import Image
from snippets import ROOT

from ddpm_clip.explain import EXPLANATIONS
from ddpm_clip.explain.panels.kinds import Bars, Table

IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 2_500_000


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "draw_docs_pictures.py"))


@pytest.fixture
def gap(script):
    return script["gap_before_after"].__globals__


@pytest.mark.slow
def test_every_picture_is_there_and_has_a_sensible_size(script):
    for name in script["PICTURES"]:
        with Image.open(IMAGES / name) as image:
            image.load()
            width, height = image.size
            assert 700 <= width <= 1600, name
            assert 250 <= height <= 2 * width, name
            assert len(image.convert("RGB").getcolors(2**20)) > 8, f"{name} shows nothing"


def test_all_of_them_together_stay_small(script):
    assert sum((IMAGES / name).stat().st_size for name in script["PICTURES"]) < MOST_BYTES
    assert (IMAGES / "emerging.gif").stat().st_size < 500_000


def test_the_animation_has_a_frame_a_step_and_holds_the_last():
    with Image.open(IMAGES / "emerging.gif") as image:
        assert image.n_frames == 21
        assert image.info["loop"] == 0
        first = image.info["duration"]
        image.seek(20)
        assert image.info["duration"] > 10 * first


def test_each_analysis_has_its_picture_and_no_other_lies_there(script):
    wanted = {f"explain/{name}.png" for name in EXPLANATIONS}
    assert {name for name in script["PICTURES"] if name.startswith("explain/")} == wanted
    there = {path.relative_to(IMAGES).as_posix() for path in (IMAGES / "explain").iterdir()}
    assert there == wanted


def test_names_may_be_short_or_of_a_folder(script):
    assert script["chosen"](["gap_before_after", "emerging.gif"]) == [
        "gap_before_after.png",
        "emerging.gif",
    ]
    assert len(script["chosen"](["explain/"])) == len(EXPLANATIONS)
    assert script["chosen"]([]) == list(script["PICTURES"])
    with pytest.raises(SystemExit, match="no picture is called 'explian'"):
        script["chosen"](["explian"])


@pytest.mark.slow
def test_drawing_again_gives_the_same_bytes(gap, tmp_path):
    first = gap["gap_before_after"](tmp_path / "first.png", pictures=20)
    again = gap["gap_before_after"](tmp_path / "again.png", pictures=20)
    more = gap["gap_before_after"](tmp_path / "more.png", pictures=30)
    assert first.read_bytes() == again.read_bytes() != more.read_bytes()


@pytest.mark.slow
def test_the_drawn_clouds_lie_apart_and_meet_after_a_bridge(gap):
    seen = gap["clouds"](100)
    for name, pictures in seen.pictures.items():
        middle, width = pictures[:, 0].mean(), pictures[:, 0].std()
        away = {bridge: texts[name][:, 0].mean() - middle for bridge, texts in seen.texts.items()}
        assert away["identity"] > 8 * width
        assert abs(away["shift"]) < abs(away["identity"]) / 4
        assert abs(away["prior"]) < width
        nearest = {other: (texts[:, 1].mean() - pictures[:, 1].mean()).abs()
                   for other, texts in seen.texts["prior"].items()}  # fmt: skip
        assert min(nearest, key=nearest.get) == name


def test_a_panel_that_became_another_is_noticed(script):
    plot = script["explanation"].__globals__["plot"]
    panel = Table("numbers", ("one", "two"), [(1, 2)])
    with pytest.raises(TypeError, match="panel 1 is a Table, not a Bars"):
        plot(1, Bars)([panel])


def test_without_a_browser_the_page_stays_and_the_reason_is_told(
    script, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("PATH", str(tmp_path))
    old = tmp_path / "evaluation_page.png"
    old.write_bytes(b"as it was")
    assert script["main"](["evaluation_page", "--out", str(tmp_path)]) == 1
    assert old.read_bytes() == b"as it was"
    assert "needs Chromium" in capsys.readouterr().err


def test_names_can_be_listed(script, capsys):
    assert script["main"](["--list"]) == 0
    assert capsys.readouterr().out.split() == list(script["PICTURES"])
