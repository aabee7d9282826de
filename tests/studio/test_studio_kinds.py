"""Every kind of job of the studio, on the shipped model of digits."""

import io
import json

import pytest
import torch
from PIL import Image

from ddpm_clip.errors import DataError
from ddpm_clip.explain.panels.kinds import Bars, Strip, Table
from ddpm_clip.explain.report import run_all
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.types import Progress

pytestmark = pytest.mark.slow  # they paint


def test_a_painted_picture_is_kept_if_the_request_says_so(client, painted, finished):
    kept = client.get(f"/api/gallery/{painted['gallery']}.png")
    assert kept.content == client.get(painted["url"]).content
    other = finished("paint", model="tiny", prompt="left", steps=1)
    assert "gallery" not in other["result"]["pictures"][0]


def test_from_a_point_of_the_map_and_along_a_path(finished):
    fields = {"model": "digits", "steps": 2, "seed": 1}
    (one,) = finished("paint", condition={"at": [1.5, -2]}, **fields)["result"]["pictures"]
    assert one["parameters"]["at"] == [1.5, -2]
    row = finished("morph", path=[[1.5, -2], [-2, 0]], n=3, **fields)["result"]["pictures"]
    assert [picture["parameters"]["at"][0] for picture in row] == [1.5, -0.25, -2]
    assert {picture["seed"] for picture in row} == {1}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("vary", {"strength": 0.5}),
        ("img2img", {"prompt": "a nine", "strength": 0.5}),
        ("blend", {"ideas": [{"prompt": "a nine"}, {"picture": "…", "weight": 0.5}]}),
        ("interpolate", {"from": {"picture": "…"}, "to": {"prompt": "a one"}, "n": 2}),
    ],
)
def test_edits_of_a_picture_of_the_gallery(finished, painted, kind, fields):
    text = json.dumps(fields).replace("\\u2026", painted["gallery"])
    fields = json.loads(text)
    if kind in ("vary", "img2img"):
        fields["picture"] = painted["gallery"]
    job = finished(kind, model="digits", steps=2, preview=1, **fields)
    assert job["state"] == "done", job
    assert {one["parameters"]["mode"] for one in job["result"]["pictures"]} == {kind}


def test_inpainting_with_a_mask_that_was_uploaded(client, finished, painted):
    mask = Image.new("L", (28, 28), 0)
    mask.paste(255, (0, 0, 28, 14))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    uploaded = client.post(
        "/api/pictures", content=buffer.getvalue(), headers={"Content-Type": "image/png"}
    ).json()
    job = finished(
        "inpaint",
        model="digits",
        picture=painted["id"],
        mask=uploaded["id"],
        prompt="a nine",
        steps=2,
        rounds=1,
    )
    (one,) = job["result"]["pictures"]
    before, after = (
        Image.open(io.BytesIO(client.get(url).content)).convert("L").crop((0, 14, 28, 28))
        for url in (painted["url"], one["url"])
    )
    assert before.tobytes() == after.tobytes()  # the kept half


def test_a_trace_is_the_walk_of_the_very_picture(finished, painted):
    result = finished("trace", model="digits", picture=painted["id"])["result"]
    assert result["equal"]
    assert (result["width"], result["height"], len(result["steps"])) == (28, 28, 4)
    ratios = [step["sigma_over_alpha"] for step in result["steps"]]
    assert ratios == sorted(ratios, reverse=True)
    for step in result["steps"]:
        assert step["x_t"].startswith("data:image/png;base64,")
    assert any("words" in step and step["words_scale"] > 0 for step in result["steps"])


def test_a_picture_is_painted_again_to_the_pixel(finished, painted):
    result = finished("reproduce", model="digits", picture=painted["gallery"])["result"]
    assert (result["equal"], result["differing"], result["largest"]) == (True, 0, 0)
    assert result["picture"]["seed"] == 3


def test_painted_by_another_model_it_is_refused_without_a_path(finished, painted):
    error = finished("reproduce", model="tiny", picture=painted["id"])["error"]
    assert error["message"].startswith("the picture was not painted by this")
    assert "/" not in error["message"] + error["hint"]


def test_a_stranger_s_picture_cannot_be_traced(client):
    picture = Image.new("RGB", (8, 8))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    id = client.post(
        "/api/pictures", content=buffer.getvalue(), headers={"Content-Type": "image/png"}
    ).json()["id"]
    answer = client.post("/api/jobs", json={"kind": "trace", "picture": id})
    assert answer.status_code == 400
    assert "does not say how" in answer.json()["error"]["message"]


def test_what_a_model_cannot_say_it_says_with_a_reason(finished, painted):
    """`tiny` embeds labels, not pictures."""
    told = finished("nearest", model="tiny", picture=painted["id"])["result"]["unavailable"]
    assert told["what"]
    assert told.keys() == {"what", "why", "fix"}


def shown(target, *, quick=False):
    """An analysis with a panel of every kind."""
    yield Progress("walk", 1, 2)
    panels = (
        Strip("A strip", torch.zeros(1, 2, 1, 8, 8)),
        Bars("Bars", ["six"], [1.0]),
        Table("A table", ["name"], [["<six>"]]),
    )
    yield from ()
    return Explanation("shown", "Shown", "what it asks", panels, "what came", "pass")


def refused(target, *, quick=False):
    """An analysis that this model cannot answer."""
    yield from ()
    raise DataError("no bank", "it was packed without", "pack it again")


def test_each_analysis_is_told_as_soon_as_it_is_made(client, painted, monkeypatch):
    monkeypatch.setattr(run_all, "EXPLANATIONS", {"shown": shown, "refused": refused})
    fields = {"kind": "explain", "model": "digits", "picture": painted["id"]}
    id = client.post("/api/jobs", json=fields).json()["id"]
    blocks = client.get(f"/api/jobs/{id}/events").text.split("\n\n")
    told = [block.split("data: ", 1)[1] for block in blocks if "event: part" in block]
    fine, skipped = map(json.loads, told)
    assert (fine["name"], fine["verdict"], fine["sentence"]) == ("shown", "pass", "what came")
    assert [panel["kind"] for panel in fine["panels"]] == ["strip", "bars", "table"]
    for panel in fine["panels"]:
        image = Image.open(io.BytesIO(client.get(panel["url"]).content))
        assert (panel["width"], panel["height"]) == image.size
    assert fine["panels"][2]["rows"] == [["<six>"]]
    assert skipped["skipped"] == "no bank: it was packed without (pack it again)"
    result = client.get(f"/api/jobs/{id}").json()["result"]
    assert (result["prompt"], result["seeds"][0]) == ("a six", 3)
    assert [one["name"] for one in result["analyses"]] == ["shown", "refused"]


@pytest.mark.parametrize(
    ("kind", "fields", "status"),
    [
        ("vary", {"picture": "0" * 32}, 404),
        ("vary", {"picture": "../etc"}, 400),
        ("vary", {}, 400),
        ("blend", {"ideas": [{"weight": 1}]}, 400),
        ("morph", {"path": [[0, 0], [1e9, 0]]}, 400),
        ("paint", {"prompt": "left", "condition": {"at": [0, 0]}}, 400),
        ("paint", {"condition": {"at": [0]}}, 400),
        ("explain", {"prompt": "left", "analyses": ["magic"]}, 400),
        ("explain", {}, 400),
        ("scan", {"source": "f" * 32}, 404),
    ],
)
def test_requests_that_cannot_be_run_are_refused_at_once(client, kind, fields, status):
    answer = client.post("/api/jobs", json={"kind": kind, "model": "tiny"} | fields)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
