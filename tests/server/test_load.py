"""AP3 to AP5, AP8 and AP9 behind a real socket, with few clients; `make soak` has many."""

import asyncio
import base64
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest
from PIL import Image
from socket_server import serving
from starlette.testclient import TestClient

from ddpm_clip.errors import NonFiniteError
from ddpm_clip.generation import text_to_image
from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.http.checks.room import Room
from ddpm_clip.server.http.openai import routes
from ddpm_clip.server.http.options import ServerOptions
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.models import Models
from ddpm_clip.server.service.service import Service

pytestmark = pytest.mark.slow

PATH = "/v1/images/generations"
COUNTED = 'ddpm_clip_jobs_total{{kind="paint",state="done"}} {}.0'


def pixels(answer) -> np.ndarray:
    data = base64.b64decode(answer.json()["data"][0]["b64_json"])
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def test_nobody_gets_the_picture_of_another(url, tiny_tti):
    """AP3: some clients leave, cancel or ask for nonsense; the others get what is theirs."""
    clients, each = 6, 5
    rng = random.Random(0)
    known = {
        (prompt, seed): np.asarray(tiny_tti(prompt, seed=seed)[0]).astype(int)
        for prompt in ("left", "right")
        for seed in range(8)
    }
    assert len({hashlib.sha256(one.tobytes()).hexdigest() for one in known.values()}) == len(known)
    seen = []

    async def client(http):
        for _ in range(each):
            prompt, seed = rng.choice(sorted(known))
            fate = rng.choice(["wait", "wait", "leave", "cancel", "invalid"])
            body = {"prompt": prompt, "seed": seed}
            if fate == "leave":
                with pytest.raises(httpx.TimeoutException):
                    await http.post(PATH, json=body, timeout=0.002)
            elif fate == "cancel":
                job = (await http.post("/api/jobs", json=body)).json()
                assert (await http.delete(f"/api/jobs/{job['id']}")).status_code == 204
            elif fate == "invalid":
                assert (await http.post(PATH, json=body | {"n": 99})).status_code == 400
            else:
                answer = await http.post(PATH, json=body)
                seen.append(np.abs(pixels(answer) - known[prompt, seed]).max())

    async def all_of_them():
        async with httpx.AsyncClient(base_url=url, timeout=300) as http:
            await asyncio.gather(*(client(http) for _ in range(clients)))

    asyncio.run(all_of_them())
    assert len(seen) > 5
    assert max(seen) <= 1  # painted together with others, a picture may differ by a rounding


@pytest.fixture
def checked(monkeypatch):
    """Every request whose fields were looked at."""
    check, seen = routes.validated, []
    monkeypatch.setattr(routes, "validated", lambda *words: (seen.append(words), check(*words))[1])
    return seen


def test_a_flood_is_refused_at_once_and_leaves_nothing_behind(models, slow, checked):
    """AP4: a full queue answers 429 with Retry-After, and /healthz answers meanwhile."""
    many, room = 40, 4
    limits = ServiceLimits(queue=room, batch=1)

    async def flood(url):
        async with httpx.AsyncClient(base_url=url, timeout=300) as http:
            first = asyncio.create_task(http.post(PATH, json={"prompt": "left"}))
            while not slow.begun.is_set():
                await asyncio.sleep(0.01)
            tasks = [
                asyncio.create_task(http.post(PATH, json={"prompt": "left", "seed": seed}))
                for seed in range(many)
            ]
            refused = []
            while len(refused) < many - room:
                refused = [task.result() for task in tasks if task.done()]
                assert (await http.get("/healthz")).status_code == 200
                await asyncio.sleep(0.01)
            assert (await http.get("/readyz")).status_code == 503
            slow.go.set()
            answers = await asyncio.gather(first, *tasks)
            assert (await http.get("/readyz")).status_code == 200
            while COUNTED.format(1 + room) not in (metrics := (await http.get("/metrics")).text):
                await asyncio.sleep(0.01)
        return answers, metrics

    with serving(models, limits) as url:
        answers, metrics = asyncio.run(flood(url))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(429)) == (1 + room, many - room)
    for answer in answers:
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["x-should-retry"] == "true"
            assert answer.json()["error"]["type"] == "rate_limit_error"
    assert len(checked) == 1 + room, "a refused request was worked on"
    assert "ddpm_clip_queue_jobs 0.0" in metrics


def test_a_full_queue_refuses_before_any_route():
    service = Service(Models(["digits"]), JOB_KINDS, ServiceLimits(queue=0))
    asked, answers = [], {}

    async def inner(scope, receive, send):
        asked.append(scope["path"])

    async def send(message):
        answers.setdefault(path, message.get("status"))

    for path in (PATH, "/v1/images/edits", "/api/jobs", "/healthz"):
        scope = {"type": "http", "method": "POST", "path": path, "headers": []}
        asyncio.run(Room(inner, service)(scope, None, send))
    assert answers == {PATH: 429, "/v1/images/edits": 429}
    assert asked == ["/api/jobs", "/healthz"]


def test_who_has_no_key_is_not_told_that_the_queue_is_full():
    service = Service(Models(["digits"]), JOB_KINDS, ServiceLimits(queue=0))
    app = create_app(service, ServerOptions(keys=("k" * 32,)))
    client = TestClient(app, base_url="http://127.0.0.1:8000")
    with_key = {"Authorization": f"Bearer {'k' * 32}"}
    assert client.post(PATH, json={"prompt": "six"}).status_code == 401
    assert client.post(PATH, json={"prompt": "six"}, headers=with_key).status_code == 429


def leave_early(url, body) -> None:
    """Send a request, and close the connection before the answer is complete."""
    with httpx.Client(base_url=url, timeout=1) as http, http.stream("POST", PATH, json=body) as got:
        got.read()


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_stops_the_painting_within_a_step(url, slow, stream):
    """AP5: the slot is free for the next."""
    with pytest.raises(httpx.TimeoutException):
        leave_early(url, {"prompt": "left", "steps": 50, "stream": stream})
    assert slow.steps == 1
    time.sleep(1)  # the server notices that the connection is closed
    slow.go.set()
    assert httpx.post(url + PATH, json={"prompt": "right", "steps": 2}, timeout=300).is_success
    assert slow.steps <= 1 + 1 + 2


def test_a_poisoned_request_fails_alone(url, monkeypatch):
    """AP8: NaN is an error, never a black picture."""
    painted_batch = text_to_image.painted_batch

    def poisoned(steps, batch, *rest):
        painted = yield from painted_batch(steps, batch, *rest)
        if any(request.prompt == "right" for request in batch):
            raise NonFiniteError("a picture has NaN or infinite values")
        return painted

    monkeypatch.setattr(text_to_image, "painted_batch", poisoned)

    async def both():
        async with httpx.AsyncClient(base_url=url, timeout=300) as http:
            asked = [http.post(PATH, json={"prompt": one}) for one in ("left", "right", "left")]
            return await asyncio.gather(*asked)

    first, second, third = asyncio.run(both())
    assert (first.status_code, third.status_code) == (200, 200)
    assert (second.status_code, second.json()["error"]["code"]) == (500, "non_finite_output")
    assert second.headers["x-should-retry"] == "false"
    with httpx.stream("POST", url + PATH, json={"prompt": "right", "stream": True}) as stream:
        told = "".join(stream.iter_text())
    assert "event: error" in told
    assert "non_finite_output" in told


class Serving:
    """`ddpm-clip serve` in a process of its own."""

    def __init__(self, *words):
        command = [
            sys.executable,
            "-m",
            "ddpm_clip",
            "serve",
            *words,
            "--port",
            "0",
            "--threads",
            "1",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ended(self) -> int:
        return self.process.wait(300)


@pytest.fixture
def http():
    with httpx.Client(timeout=300) as client:
        yield client


def ready(http, url) -> None:
    while http.get(f"{url}/readyz").status_code != 200:
        time.sleep(0.1)


def test_sigterm_finishes_what_was_accepted_and_a_second_one_stops_at_once(tiny_tti, http):
    """AP9: exit codes 0 and 143."""
    with Serving(str(tiny_tti.model.folder)) as server:
        ready(http, server.url)
        job = http.post(f"{server.url}/api/jobs", json={"prompt": "left", "steps": 50}).json()
        with http.stream("GET", f"{server.url}/api/jobs/{job['id']}/events") as told:
            lines = told.iter_lines()
            assert next(lines) == "id: 1"
            os.kill(server.process.pid, signal.SIGTERM)
            assert "event: done" in list(lines)
        assert server.ended() == 0
    with Serving("digits") as server:
        ready(http, server.url)
        fields = {"prompt": "a six", "steps": 1000, "n": 10}
        assert http.post(f"{server.url}/api/jobs", json=fields).status_code == 202
        os.kill(server.process.pid, signal.SIGTERM)
        while http.get(f"{server.url}/readyz").status_code == 200:
            time.sleep(0.01)
        answer = http.post(f"{server.url}/api/jobs", json=fields)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "E-BUSY")
        assert http.get(f"{server.url}/healthz").status_code == 200
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.ended() == 143
