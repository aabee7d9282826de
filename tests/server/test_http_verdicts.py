"""AP7: the table of docs/errors.md through HTTP: the same verdicts, in the same words."""

import json
import math

import pytest
from starlette.testclient import TestClient
from tiny_run import tiny_run
from verdict_table import CASES, WARNED, read

from ddpm_clip.errors import UsageError
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.limits import MOST_PICTURES, ServiceLimits
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.service import Service

FIELDS = {
    "`prompt`": "prompt",
    "`negative`": "negative",
    "`seed`": "seed",
    "`n`": "n",
    "`steps` of a model with T = 1000": "steps",
    "`guidance`": "guidance",
    "`size` of a model of 16 x 16": "size",
    "`sampler`": "sampler",
    "`bridge`": "bridge",
    "`unconditional`": "unconditional",
}
"""Lines of the table -> the field of a request."""

TRIED = [(FIELDS[asked], one, verdict) for asked, one, verdict in CASES if asked in FIELDS]


@pytest.fixture(scope="module")
def tti(tmp_path_factory):
    """A model of 16 x 16 pixels with T = 1000."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    run = tiny_run(folder, data={"image_size": 16}, diffusion={"timesteps": 1000})
    return TextToImage.from_pretrained(str(run.folder), "cpu")


@pytest.fixture(scope="module")
def waiting(tti):
    """A service that accepts and never computes: only verdicts matter here."""
    return Service(Models.of(tiny=tti), JOB_KINDS, ServiceLimits(queue=1000))


@pytest.fixture(scope="module")
def http(waiting):
    app = create_app(waiting)
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


def post(http, path, fields, **written):
    """Send a body with values exactly as they are written in the table."""
    body = json.dumps(fields)[:-1] + "".join(f', "{k}": {v}' for k, v in written.items()) + "}"
    return http.post(path, content=body, headers={"Content-Type": "application/json"})


def verdict_of(field, written, verdict):
    """A request has at most ten pictures and one scale; all else is as in the table."""
    value = read(written)
    many = field == "n" and verdict == "accepted" and value > MOST_PICTURES
    return "refused" if many or isinstance(value, list) else verdict


def test_the_table_covers_every_field_of_a_request():
    assert {field for field, _, _ in TRIED} == set(FIELDS.values())


@pytest.mark.parametrize(("field", "written", "verdict"), TRIED)
def test_the_verdict_over_http(http, waiting, tti, field, written, verdict):
    verdict, value = verdict_of(field, written, verdict), read(written)
    text = json.dumps(value) if isinstance(value, str) and len(value) > 1000 else written
    fields = {"model": "tiny"} | (
        {} if field in ("prompt", "unconditional") else {"prompt": "left"}
    )
    answer = post(http, "/api/jobs", fields, **{field: text})
    told = answer.json()
    if verdict == "refused":
        assert answer.status_code == 400, told
        error = told["error"]
        assert error["code"] == "E-USAGE"
        assert error["message"]
        assert len(answer.text) < 2000
        if "\\ud83d" not in written:  # half a character makes the whole body invalid
            assert error["param"] == field
            assert field in error["message"]
        return
    assert answer.status_code == 202, told
    job = waiting.job(told["id"])
    messages = [one.event.data["message"] for one in job.events() if one.event.name == "warning"]
    assert bool(messages) == (verdict in WARNED)
    arrived = getattr(job.member.request, field)
    assert arrived == value or verdict != "accepted" or value is None
    if field == "seed":
        assert 0 <= arrived < 2**32


@pytest.mark.parametrize("field", ["seed", "steps", "guidance", "size", "sampler", "bridge"])
def test_the_words_are_those_of_python(http, tti, field):
    tried = [one for name, one, verdict in TRIED if name == field and verdict == "refused"]
    for written in tried:
        value = read(written)
        if isinstance(value, list):
            continue
        with pytest.raises(UsageError) as refusal:
            tti.settings(**{field: value})
        error = refusal.value
        answer = post(http, "/api/jobs", {"prompt": "left"}, **{field: written}).json()["error"]
        if isinstance(value, str) or field not in ("size", "sampler", "bridge"):
            assert answer["message"] == f"{error.what}: {error.why}"
            assert answer["hint"] == error.fix


@pytest.mark.parametrize(
    ("written", "verdict"), [(one, verdict) for asked, one, verdict in CASES if asked == "`w`"]
)
def test_the_weight_of_the_images_api(http, written, verdict):
    if verdict == "refused":
        answer = post(http, "/v1/images/generations", {"prompt": "left"}, w=written)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "w"
    elif not isinstance(read(written), list):
        answer = post(http, "/v1/images/generations", {"prompt": "left", "model": "no"}, w=written)
        assert answer.status_code == 404  # the weight was fine, the model is not
        assert math.isfinite(read(written))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "left", "unconditional": True}, "unconditional"),
        ({"promt": "left"}, "promt"),
        ({"prompt": "left", "kind": "pain"}, None),
        ({"prompt": "left", "preview": -1}, "preview"),
        ({"prompt": "left", "replaces": "../x"}, "job"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["left"]}, "prompt"),
        ({"prompt": "left", "model": 7}, "model"),
        ({"prompt": "left", "negative": "right", "unconditional": None}, "unconditional"),
    ],
)
def test_what_the_table_has_not(http, fields, param):
    answer = http.post("/api/jobs", json=fields)
    assert answer.status_code == (404 if param == "model" else 400)
    assert answer.json()["error"]["param"] == param
