"""`/api`: models, jobs, their events, pictures."""

import io
import json

import pytest
from PIL import Image
from tiny_student import tiny_student

from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.editing import EDITS
from ddpm_clip.errors import UsageError
from ddpm_clip.server.service.models import Models


def submit(client, **fields):
    answer = client.post("/api/jobs", json={"kind": "paint", "model": "tiny"} | fields)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def events(client, id, since=0):
    """The (name, data) of the events of a job, to its end."""
    told = client.get(f"/api/jobs/{id}/events", headers={"Last-Event-ID": str(since)})
    assert told.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in told.text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


def test_a_job_tells_how_it_goes_and_leaves_pictures(client):
    id = submit(client, prompt="left", n=2, seed=7, preview=1)
    told = events(client, id)
    assert [name for _, name, _ in told if name != "step"] == ["queued", "started", "done"]
    assert [number for number, _, _ in told] == sorted(number for number, _, _ in told)
    job = client.get(f"/api/jobs/{id}").json()
    assert (job["state"], job["step"], job["steps"]) == ("done", 3, 3)
    pictures = job["result"]["pictures"]
    assert [one["seed"] for one in pictures] == [7, 8]
    for one in pictures:
        png = client.get(one["url"])
        assert png.headers["content-type"] == "image/png"
        image = Image.open(io.BytesIO(png.content))
        assert (image.size, json.loads(image.info["ddpm_clip"])["prompt"]) == ((8, 8), "left")


def test_samples_need_no_words_and_the_embeddings_of_the_pictures(client):
    id = submit(client, kind="sample", model="clip", n=2, seed=7)
    assert [name for _, name, _ in events(client, id) if name != "step"][-1] == "done"
    pictures = client.get(f"/api/jobs/{id}").json()["result"]["pictures"]
    assert [(one["seed"], one["parameters"]["mode"]) for one in pictures] == [
        (7, "sample"),
        (8, "sample"),
    ]
    _, name, told = events(client, submit(client, kind="sample"))[-1]
    assert name == "failed"
    assert "embeddings" in json.dumps(told)
    refused = client.post("/api/jobs", json={"kind": "sample", "model": "tiny", "prompt": "left"})
    assert refused.status_code == 400


def test_the_list_of_models(client):
    told = client.get("/api/models").json()
    tiny, clip = told["models"]
    assert told["default"] == tiny["id"] == "tiny"
    assert (tiny["image_size"], tiny["steps_max"], tiny["loaded"]) == ([8, 8], 50, True)
    assert (clip["guidance_min"], clip["guidance_max"], clip["few_call"]) == (-2, 31, False)
    assert "shift" in clip["bridges"]
    assert clip["teacher"] is None
    assert clip["edits"] == list(EDITS)


def test_a_method_that_a_path_does_not_take_is_answered_with_all_that_it_takes(client):
    answer = client.options(f"/api/jobs/{'0' * 32}")
    assert answer.status_code == 405
    assert answer.headers.get_list("allow") == ["DELETE, GET"]


@pytest.mark.parametrize("name", ["digits", "digits-fast"])
def test_every_sampler_that_is_offered_is_taken_and_no_other(name):
    models = Models([name])
    facts = models.facts(name)
    assert facts["sampler_default"] in facts["samplers"]
    for sampler in SAMPLERS:
        if sampler in facts["samplers"]:
            models.settings(name, sampler=sampler)
        else:
            with pytest.raises(UsageError, match="sampler"):
                models.settings(name, sampler=sampler)


@pytest.mark.slow
def test_a_few_call_model_names_who_can_do_the_edits_that_it_cannot(tmp_path, monkeypatch):
    student = tiny_student(tmp_path)
    monkeypatch.chdir(tmp_path)
    told = Models([str(student), "teacher"]).facts("student")
    assert (told["few_call"], told["teacher"]) == (True, "teacher")
    assert told["edits"] == ["vary", "interpolate", "blend", "point", "sample"]
    assert Models([str(student)]).facts("student")["teacher"] is None
