"""Explanations are plain data, and every kind of panel can be drawn."""

import json
import math

import pytest
import torch
from PIL import Image

from ddpm_clip.errors import CannotCreate, UsageError
from ddpm_clip.explain.panels.drawing import draw
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Strip, Table
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.utils.plots.curves import Line

PANELS = (
    Strip("strip", torch.zeros(2, 12, 1, 28, 28), ("a", "b"), [str(i) for i in range(12)]),
    Strip("colour", torch.zeros(1, 3, 3, 8, 8), note="a note"),
    Curve("curve", [Line("a", [0.01, 1, 10], [1, 2, 3], [0, 1, 2], [2, 3, 4]),
                    Line("", [1, 2], [1, 1], style="guide")], "x", "y", xscale="log", reverse=True),
    Bars("bars", ["one", "two"], [0.5, -0.2], [0.4, -0.3], [0.6, -0.1], "share"),
    Bars("bare bars", ["one"], [0.5]),
    Heatmap("numbers", torch.tensor([[1.0, math.nan], [-2.0, 0.5]]), ("a", "b"), ("c", "d"),
            "effect", "start", "width", diverging=True),
    Heatmap("a picture", torch.rand(28, 28)),
    Table("table", ["name", "value"], [["six", 0.123456], ["a", 3], ["none", math.nan]]),
)  # fmt: skip


def explanation(**changes):
    fields = {
        "name": "x",
        "title": "X",
        "caption": "what it shows",
        "panels": PANELS,
        "test": "what was asked",
        "verdict": "pass",
        "numbers": {"n": 3},
    }
    return Explanation(**(fields | changes))


@pytest.mark.slow
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_kind_of_panel_becomes_a_picture_with_something_on_it(panel):
    image = draw(panel)
    assert image.width > 60
    assert len(image.convert("RGB").getcolors(2**20)) > 2


def test_numbers_become_plain_json_and_what_is_no_number_becomes_nothing():
    one = explanation(
        numbers={"t": torch.tensor([1.0, math.inf]), "pair": (1, 2.0), "deep": {"a": math.nan}}
    )
    told = json.loads(json.dumps(one.timed(1.234).as_dict(), allow_nan=False))
    assert (told["t"], told["pair"], told["deep"]) == ([1.0, None], [1, 2.0], {"a": None})
    assert (told["name"], told["verdict"], told["seconds"]) == ("x", "pass", 1.23)


@pytest.mark.parametrize(
    "changes", [{"verdict": "maybe"}, {"panels": ()}, {"numbers": {"verdict": 1}}]
)
def test_what_is_no_explanation_is_refused(changes):
    with pytest.raises(UsageError):
        explanation(**changes)


@pytest.mark.slow
def test_an_explanation_is_saved_as_pictures_and_json(tmp_path):
    written = explanation().save(tmp_path / "new")
    assert [path.name for path in written] == [*(f"x-{i}.png" for i in range(1, 9)), "x.json"]
    with Image.open(written[0]) as image:
        assert image.width > 300
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreate):
        explanation().save(tmp_path / "file")


@pytest.mark.slow
def test_the_sheet_holds_all_panels():
    sheet = explanation().image()
    assert sheet.height > sum(draw(panel).height for panel in PANELS)
