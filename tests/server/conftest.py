"""A server of a tiny model: in this process, and behind a real socket."""

import threading
from collections.abc import Iterator

import pytest
from socket_server import serving
from starlette.testclient import TestClient
from tiny_clip_tti import clip_tti
from tiny_run import tiny_run

from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.service import Service


@pytest.fixture(scope="session")
def tiny_tti(tmp_path_factory) -> TextToImage:
    """A model of 8 x 8 pixels with two classes, untrained."""
    run = tiny_run(tmp_path_factory.mktemp("runs") / "tiny")
    return TextToImage.from_pretrained(str(run.folder), "cpu")


@pytest.fixture(scope="session")
def models(tiny_tti) -> Models:
    """This model, and one with a CLIP, which can embed pictures."""
    return Models.of(tiny=tiny_tti, clip=clip_tti())


@pytest.fixture(scope="session")
def service(models) -> Iterator[Service]:
    """A running service of these models."""
    with Service(models, JOB_KINDS) as running:
        yield running


@pytest.fixture(scope="session")
def client(service) -> TestClient:
    """A client on this machine, without a browser's headers."""
    app = create_app(service, ServerOptions())
    return TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture(scope="session")
def url(models) -> Iterator[str]:
    """The URL of a real server of these models, without a key."""
    with serving(models) as where:
        yield where


class SlowSteps:
    """Makes every sampling step wait for permission; for tests of what happens meanwhile."""

    def __init__(self) -> None:
        self.begun, self.go, self.steps = threading.Event(), threading.Event(), 0

    def __call__(self, steps):
        for step in steps:
            self.steps += 1
            self.begun.set()
            assert self.go.wait(120)
            yield step


@pytest.fixture
def slow(tiny_tti, monkeypatch) -> Iterator[SlowSteps]:
    """Painting stops at each step until `go` is set; always let go at the end."""
    held = SlowSteps()
    watched_by = type(tiny_tti).watched_by
    monkeypatch.setattr(
        type(tiny_tti),
        "watched_by",
        lambda self, watch: watched_by(self, lambda steps: watch(held(steps))),
    )
    yield held
    held.go.set()
