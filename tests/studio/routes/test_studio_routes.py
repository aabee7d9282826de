"""The studio over HTTP: its page, its gallery, its map, its pictures to train on."""

import io
import zipfile
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from PIL import Image
from starlette.testclient import TestClient

from ddpm_clip.studio.routes import page
from ddpm_clip.studio.routes.table import ROUTES

JSON = {"Content-Type": "application/json"}


def test_every_route_is_declared(client):
    contexts = iter_route_contexts(client.app.routes)
    paths = {one.path for one in contexts if getattr(one, "methods", None)}
    assert paths == set(client.app.state.access.routes)
    assert set(ROUTES) < paths


@pytest.mark.slow
def test_a_stranger_without_a_session_gets_the_page_and_nothing_else(client):
    browser = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
    stranger = TestClient(client.app, base_url="http://127.0.0.1:8000")
    for path, access in ROUTES.items():
        if access == "authenticated":
            path = path.replace("{id}", "0" * 32).replace("{row}", "0").replace("{step}", "1")
            assert stranger.get(path, headers=browser).status_code in (401, 405), path


def test_the_page_comes_with_its_types_and_a_session(client):
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "HttpOnly" in answer.headers["set-cookie"]
    again = client.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.fixture
def files(tmp_path, monkeypatch):
    folder = tmp_path / "static"
    (folder / "core").mkdir(parents=True)
    for name in ("index.html", "core/app.js", "style.css", "icon.svg", "notes.py", "x.unknown"):
        (folder / name).write_text(name)
    (tmp_path / "secret.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    monkeypatch.setattr(page, "FOLDER", folder)
    page.names.cache_clear()
    yield folder
    page.names.cache_clear()


def test_files_have_their_types(client, files):
    types = {"core/app.js": "text/javascript", "style.css": "text/css", "icon.svg": "image/svg+xml"}
    for name, kind in types.items():
        answer = client.get(f"/static/{name}")
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "core",
        "core/",
        "../secret.js",
        "..%2fsecret.js",
        "%2e%2e/secret.js",
        "/etc/passwd",
        "core/../../secret.js",
        "link.js",
        "notes.py",
        "x.unknown",
        "core%5capp.js",
        "a%00.js",
    ],
)
def test_there_is_no_way_to_another_file(client, files, path):
    answer = client.get("/static/" + path)
    assert answer.status_code in (400, 404)
    assert "secret" not in answer.text


@pytest.mark.slow
def test_the_gallery_over_http(client, painted):
    id = painted["gallery"]
    told = client.get("/api/gallery", params={"query": "SIX digits", "limit": 500}).json()
    one = next(one for one in told["pictures"] if one["id"] == id)
    assert (one["prompt"], one["seed"], one["model"], one["width"]) == ("a six", 3, "digits", 28)
    assert told["total"] == len(told["pictures"])
    png = client.get(one["url"])
    assert png.headers["cache-control"].endswith("immutable")
    assert client.post(f"/api/gallery/{id}", json={"favourite": True}).json()["favourite"]
    marked = client.get("/api/gallery", params={"favourite": True}).json()["pictures"]
    assert [one["id"] for one in marked] == [id]
    archive = client.post("/api/gallery/zip", json={"ids": [id]})
    assert len(zipfile.ZipFile(io.BytesIO(archive.content)).namelist()) == 1
    kept = client.post("/api/gallery", json={"ids": [painted["id"]]}).json()
    assert kept["kept"] == 1
    gone = client.request("DELETE", "/api/gallery", json={"ids": kept["ids"]}).json()
    assert gone == {"deleted": 1}
    assert client.get(f"/api/gallery/{kept['ids'][0]}.png").status_code == 404


@pytest.mark.parametrize("id", ["../../etc/passwd", "x", "0" * 31, "0" * 33, "%00", "index.jsonl"])
def test_a_name_of_the_gallery_is_an_id_and_nothing_else(client, id):
    for path in (f"/api/gallery/{id}.png", f"/api/gallery/{id}"):
        assert client.get(path).status_code in (400, 404)


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": ["x"]}, {"ids": "0" * 32}, {"id": 1}])
def test_requests_of_another_form_are_refused(client, body):
    for method, path in (("DELETE", "/api/gallery"), ("POST", "/api/gallery/zip")):
        assert client.request(method, path, json=body).status_code == 400


@pytest.mark.slow
def test_map_and_advice_over_http(client):
    told = client.get("/api/map", params={"model": "digits"}).json()
    assert told["pictures"][0].keys() >= {"x", "y", "label"}
    place = client.get("/api/map/place", params={"model": "digits", "prompt": "zero"}).json()
    assert place["text"]
    assert client.get("/api/map", params={"model": "tiny"}).json()["unavailable"]["why"]
    asked = client.get("/api/ask", params={"model": "tiny", "prompt": "left"}).json()
    assert "every class is covered" in asked["unavailable"]["why"]
    assert client.get("/api/ask", params={"model": "none", "prompt": "x"}).status_code == 404
    assert client.get("/api/ask", params={"model": "digits", "prompt": " "}).status_code == 400
    assert client.get("/api/map/pictures/99999999.png").status_code == 404


def test_sources_name_no_path(client, data):
    told = client.get("/api/sources").json()["sources"]
    assert {"photos", "photos/dark", "photos/light", "drawn flowers"} <= {
        one["name"] for one in told
    }
    assert str(data.parent) not in str(told)


@pytest.mark.slow
def test_an_uploaded_zip_can_be_looked_through(client, finished):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for i in range(3):
            picture = io.BytesIO()
            Image.new("RGB", (40, 40), (i * 80, 0, 0)).save(picture, "PNG")
            archive.writestr(f"<b>{i}.png", picture.getvalue())
    zip = {"Content-Type": "application/zip"}
    answer = client.post("/api/uploads", content=buffer.getvalue(), headers=zip)
    assert (answer.status_code, answer.json()["pictures"]) == (201, 3)
    id = answer.json()["id"]
    report = finished("scan", source=id)["result"]
    assert (report["pictures"], report["usable"]) == (3, 3)
    assert report["findings"][0]["level"] == "ok"
    assert "<b>" not in str(report)
    assert client.post("/api/uploads", content=b"no zip", headers=zip).status_code == 400
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/api/uploads", content=b"", headers=form).status_code == 415
    assert client.delete(f"/api/uploads/{id}").status_code == 204
    assert client.post("/api/scan", json={"source": id}).status_code == 404


@pytest.mark.slow
def test_a_scan_names_no_folder_of_this_machine(client, data, finished):
    ids = {one["name"]: one["id"] for one in client.get("/api/sources").json()["sources"]}
    report = finished("scan", source=ids["photos"])["result"]
    assert report["classes"] == {"dark": 3, "light": 3}
    assert str(data.parent) not in str(report)


@pytest.mark.slow
def test_trainings_over_http(client, studio):
    told = client.get("/api/runs").json()
    assert told["runs"] == []
    assert {"default", "photos"} <= {one["name"] for one in told["presets"]}
    source = client.get("/api/sources").json()["sources"][-1]["id"]
    own = {"source": source}
    bad = [{"source": "0" * 32}, {"source": "/etc"}, own | {"minutes": 1, "steps": 1}]
    for fields in (*bad, own | {"preset": "../x"}, own | {"out": "x"}):
        assert client.post("/api/runs", json=fields).status_code in (400, 404), fields
    for path in ("stop", "resume", "open"):
        assert client.post(f"/api/runs/{'0' * 32}/{path}", json={}).status_code == 404
    assert client.get(f"/api/runs/{'0' * 32}/events").status_code == 404
    assert list(Path(studio.trainings.root).iterdir()) == []
