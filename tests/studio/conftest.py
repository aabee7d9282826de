"""A studio with a tiny model, in this process."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tiny_run import tiny_run

from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.service import Service
from ddpm_clip.studio.app import add_studio
from ddpm_clip.studio.studio import Studio


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A folder of pictures with two classes, a link out of it, and a hidden folder."""
    root = tmp_path_factory.mktemp("data") / "photos"
    for name, shade in (("dark", 40), ("light", 200)):
        (root / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (12, 10), (shade, i, 0)).save(root / name / f"{i}.png")
    (root / ".hidden").mkdir()
    (root / "away").symlink_to(root.parent)
    return root


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> TextToImage:
    """An untrained model of 8 x 8 pixels, with a bank of pictures."""
    run = tiny_run(tmp_path_factory.mktemp("models") / "tiny")
    return TextToImage.from_pretrained(str(run.folder))


@pytest.fixture(scope="session")
def digits() -> TextToImage:
    return TextToImage.from_pretrained("digits", "cpu")


@pytest.fixture(scope="session")
def studio(tmp_path_factory, data) -> Studio:
    return Studio.opened(tmp_path_factory.mktemp("home"), [data])


@pytest.fixture(scope="session")
def service(studio, tiny, digits) -> Iterator[Service]:
    with Service(Models.of(tiny=tiny, digits=digits), studio.kinds) as running:
        yield running


@pytest.fixture(scope="session")
def client(service, studio) -> TestClient:
    app = create_app(service)
    add_studio(app, studio)
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def finished(client):
    """`finished("paint", prompt="left")` runs a job to its end and returns what is told of it."""

    def run(kind, **fields):
        answer = client.post("/api/jobs", json={"kind": kind} | fields)
        assert answer.status_code == 202, answer.text
        id = answer.json()["id"]
        client.get(f"/api/jobs/{id}/events")  # to its end
        return client.get(f"/api/jobs/{id}").json()

    return run


@pytest.fixture(scope="session")
def painted(finished):
    """A picture that `digits` painted, kept in the gallery."""
    job = finished("paint", model="digits", prompt="a six", seed=3, steps=4, keep=True)
    return job["result"]["pictures"][0]


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
