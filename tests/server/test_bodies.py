"""AP6: bodies that are too large, too slow, too deep, compressed, or no JSON."""

import gzip
import io
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from PIL import Image
from socket_server import serving

JSON = {"Content-Type": "application/json"}
MIB = 2**20


def refused(answer, status, code):
    assert answer.status_code == status, answer.text[:300]
    assert answer.json()["error"]["code"] == code
    assert len(answer.text) < 2000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'"text"',
        b"null",
        b'{"prompt": "left"} trailing',
        b'{"prompt": "half \\ud83d"}',
        b'{"half \\ud83d": 1}',
        b'{"prompt": "\xff\xfe"}',
        b"[" * 10**6,
        b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
        b'{"prompt": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"seed": ' + b"9" * 5000 + b"}",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("path", ["/api/jobs", "/v1/images/generations"])
def test_what_is_no_plain_json_object_is_400(client, path, body):
    refused(client.post(path, content=body, headers=JSON), 400, "E-USAGE")


@pytest.mark.slow
def test_a_body_of_more_than_a_mebibyte_is_413(client):
    long = json.dumps({"prompt": "x" * 20 * MIB}).encode()
    for path in ("/api/jobs", "/v1/images/generations", "/api/session"):
        refused(client.post(path, content=long, headers=JSON), 413, "E-BODY")

    def endless():
        yield b'{"prompt": "'
        for _ in range(100):
            yield b"x" * MIB

    refused(client.post("/api/jobs", content=endless(), headers=JSON), 413, "E-BODY")


@pytest.mark.slow
def test_a_prompt_of_just_under_a_mebibyte_is_too_long_a_prompt(client):
    answer = client.post("/api/jobs", json={"prompt": "x" * (MIB - 100)})
    refused(answer, 400, "E-USAGE")


def test_a_compressed_body_is_not_unpacked(client):
    bomb = gzip.compress(b'{"prompt": "' + b"x" * 10 * MIB + b'"}')
    answer = client.post("/api/jobs", content=bomb, headers=JSON | {"Content-Encoding": "gzip"})
    refused(answer, 415, "E-TYPE")


def test_a_picture_has_its_own_limit(client):
    answer = client.post(
        "/api/pictures", content=b"x" * (32 * MIB + 1), headers={"Content-Type": "image/png"}
    )
    refused(answer, 413, "E-BODY")


def png(image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
def test_an_upload_is_encoded_anew_under_a_random_name(client):
    data = png(Image.new("RGB", (9, 5), "red")) + b"<script>alert(1)</script>"
    answer = client.post("/api/pictures", content=data, headers={"Content-Type": "image/png"})
    assert answer.status_code == 201
    told = answer.json()
    assert (told["width"], told["height"]) == (9, 5)
    assert "parameters" not in told
    kept = client.get(told["url"])
    assert kept.headers["content-type"] == "image/png"
    assert b"script" not in kept.content
    assert Image.open(io.BytesIO(kept.content)).size == (9, 5)
    assert client.get(told["url"].removesuffix(".png")).json() == told


@pytest.mark.slow
def test_one_of_our_pictures_brings_back_what_made_it(client):
    job = client.post("/api/jobs", json={"prompt": "left", "seed": 3, "steps": 2}).json()
    assert "done" in client.get(f"/api/jobs/{job['id']}/events").text
    made = client.get(f"/api/jobs/{job['id']}").json()["result"]["pictures"][0]
    data = client.get(made["url"]).content
    told = client.post("/api/pictures", content=data, headers={"Content-Type": "image/png"}).json()
    assert told["parameters"] == made["parameters"]
    assert (told["seed"], told["prompt"]) == (3, "left")
    assert told["id"] != made["id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg onload=alert(1)>", b"<html>", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04"],
)
def test_what_is_no_picture_is_400(client, data):
    answer = client.post("/api/pictures", content=data, headers={"Content-Type": "image/svg+xml"})
    refused(answer, 400, "E-IMAGE")


FORM = "multipart/form-data; boundary=x"
NAMELESS = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"
TWICE = b"--x\r\nContent-Disposition: form-data; name=n\r\n\r\n1\r\n" * 2 + b"--x--\r\n"


@pytest.mark.parametrize(
    ("body", "type"),
    [(b"", FORM), (b"--x\r\n", "multipart/form-data"), (NAMELESS, FORM), (TWICE, FORM)],
)
@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/images/variations"])
def test_a_damaged_form_is_400(client, path, body, type):
    refused(client.post(path, content=body, headers={"Content-Type": type}), 400, "E-USAGE")


@pytest.mark.slow
def test_a_file_name_leads_nowhere(client):
    files = {"image": ("../../../etc/passwd\x00.png", b"no picture", "image/png")}
    answer = client.post("/v1/images/variations", files=files, data={"model": "clip"})
    refused(answer, 400, "E-IMAGE")
    assert "passwd" not in answer.text


@pytest.mark.slow
def test_slow_requests_are_cut_off(models):
    """Slow-loris: headers that never end, and a body that never ends."""
    with serving(models, read_seconds=0.5) as url:
        place = (urlsplit(url).hostname, urlsplit(url).port)
        began = time.monotonic()
        with socket.create_connection(place, 10) as heads, socket.create_connection(place) as body:
            heads.sendall(b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            body.sendall(
                b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b'Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"'
            )
            assert heads.recv(100) == b""
            assert body.recv(100).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < 10
