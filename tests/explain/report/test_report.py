"""The report: one page that asks nobody for anything, JSON with every verdict, pictures, a GIF."""

import json
from dataclasses import fields, replace

import pytest
import torch
from pages import EVIL, checked
from PIL import Image

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.explain import EXPLANATIONS
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Strip, Table
from ddpm_clip.explain.report import run_all as running
from ddpm_clip.explain.report.animation import frames, signed
from ddpm_clip.explain.report.files import write_report
from ddpm_clip.explain.report.page import as_html, pictures_of
from ddpm_clip.explain.report.run_all import chosen, explain_all
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.target.recorder import record
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.reports.figures import Skipped
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Line

PANELS = (
    Strip("A strip", torch.zeros(1, 3, 1, 8, 8), note="of <nothing>"),
    Curve("A curve", [Line("a", [1, 2], [1, 2])]),
    Bars("Bars", ["six"], [1.0]),
    Heatmap("A map", torch.rand(3, 3), numbers=False),
    Table("A table", ["name", "value"], [["<six>", 0.5]]),
)


def fine(target, *, quick=False):
    yield from ()
    return Explanation(
        "fine",
        "Fine & well",
        "caption",
        PANELS,
        "asked",
        "pass",
        {"n": 3, "share": {"value": 0.5, "interval_95": [0.25, 0.75]}},
    )


def broken(target, *, quick=False):
    yield from ()
    raise DataError("no bank", "it was packed without", "pack it again")


@pytest.fixture
def findings(monkeypatch):
    monkeypatch.setattr(running, "EXPLANATIONS", {"fine": fine, "broken": broken})
    return finish(explain_all(planted_target("a two <b>", [4, 7]), quick=True))


@pytest.mark.slow
def test_a_report_is_complete_and_needs_nothing_from_elsewhere(findings, tmp_path):
    written = write_report(findings, tmp_path)
    assert sorted(path.name for path in written) == sorted(path.name for path in tmp_path.iterdir())
    assert {path.name for path in written} == {
        "fine-1.png",
        "fine-2.png",
        "fine-3.png",
        "fine-4.png",
        "report.html",
        "report.json",
        "analysis_generation.gif",
    }
    page = checked((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert len(page.every("src")) == 5  # four panels and the animation; the table is written
    assert {"fine", "not-measured"} <= set(page.every("id"))
    assert page.every("href") == ["#fine"]
    assert "“a two <b>” by the planted mixture, explained" in page.text
    assert "<six>" in page.text
    assert "no bank: it was packed without (pack it again)" in page.text


@pytest.mark.slow
def test_no_text_at_all_can_become_markup(findings):
    shown = replace(
        findings.found[0],
        name=EVIL,
        title=EVIL,
        caption=EVIL,
        test=EVIL,
        numbers={EVIL: EVIL, "deep": {EVIL: [0.25, 0.75]}},
        panels=tuple(evil_panel(panel) for panel in PANELS),
    )
    target = findings.target.replace(
        prompt=EVIL, name=EVIL, about={"judged_by": EVIL, "embedded_by": EVIL}
    )
    evil = replace(
        findings, target=target, found=(shown,), skipped=(Skipped(EVIL, EVIL, EVIL, EVIL),)
    )
    page = checked(as_html(evil, {EVIL: pictures_of(shown)}, b"GIF89a"))
    assert page.text.count(EVIL) > 25
    assert page.every("href") == [f"#{EVIL}"]


def evil_panel(panel):
    """The same with `EVIL` as every text of it."""
    words = {one.name: getattr(panel, one.name) for one in fields(panel)}
    words = {name: EVIL for name, one in words.items() if isinstance(one, str)}
    words = {name: one for name, one in words.items() if not name.endswith("scale")}
    if isinstance(panel, Table):
        words |= {"columns": [EVIL, EVIL], "rows": [[EVIL, EVIL]]}
    return replace(panel, **words)


@pytest.mark.slow
def test_the_json_has_every_verdict_and_what_could_not_be_made_is_inconclusive(findings, tmp_path):
    write_report(findings, tmp_path)
    told = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [(one["name"], one["verdict"]) for one in told["analyses"]] == [
        ("fine", "pass"),
        ("broken", "inconclusive"),
    ]
    assert told["analyses"][0]["share"] == {"value": 0.5, "interval_95": [0.25, 0.75]}
    assert told["analyses"][1]["why"] == "no bank: it was packed without"
    assert (told["prompt"], told["seeds"], told["asked_for"]) == ("a two <b>", [4, 7], "two")


@pytest.mark.slow
def test_the_animation_has_a_frame_a_step_and_they_differ(findings, tmp_path):
    write_report(findings, tmp_path)
    with Image.open(tmp_path / "analysis_generation.gif") as gif:
        assert gif.n_frames == 20
        seen = set()
        for i in range(gif.n_frames):
            gif.seek(i)
            seen.add(gif.convert("RGB").tobytes())
        assert len(seen) > 15
        assert gif.info["loop"] == 0


@pytest.mark.slow
def test_curves_of_the_animation_grow_from_frame_to_frame():
    target = planted_target("a two", [0])
    drawn = frames(target, record(target))
    blue = [sum(n for n, c in one.getcolors(2**20) if c == (31, 119, 180)) for one in drawn]
    assert blue[-1] > blue[len(blue) // 2] > blue[1]


def test_signs_have_colours():
    x = torch.tensor([[[1.0, 0.0, -0.5]]])
    pixels = signed(x, 1.0)
    assert [pixels.getpixel((i, 0)) for i in range(3)] == [
        (255, 0, 0),
        (255, 255, 255),
        (128, 128, 255),
    ]


def test_analyses_are_chosen_by_name_in_their_own_order():
    assert chosen(None) == list(EXPLANATIONS)
    assert chosen(["trajectory", "trajectory"]) == ["trajectory"]
    with pytest.raises(UsageError, match="did you mean 'trajectory'"):
        chosen(["trajektory"])


def test_every_analysis_is_a_function_of_its_name():
    import ddpm_clip.explain

    for name, explain in EXPLANATIONS.items():
        assert callable(getattr(ddpm_clip.explain, name)), name
        assert explain.__module__.rpartition(".")[2] == name  # the file is named after it
        assert name in ddpm_clip.explain.__all__
