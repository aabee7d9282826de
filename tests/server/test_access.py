"""SE3 to SE8: who may call, from where, and what no request can reach."""

import itertools
import re
import secrets

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ddpm_clip.errors import DdpmClipError, MissingInput, StorageError, UsageError
from ddpm_clip.server.http.access import AUTHENTICATED, COOKIE, PUBLIC
from ddpm_clip.server.http.app import create_app
from ddpm_clip.server.http.checks.headers import SECURITY
from ddpm_clip.server.http.errors import told
from ddpm_clip.server.http.options import ServerOptions, read_keys
from ddpm_clip.server.kinds import JOB_KINDS
from ddpm_clip.server.service.limits import ServiceLimits
from ddpm_clip.server.service.service import Service

KEY = "a-key-that-only-tests-know"
BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def waiting(models):
    """A service that accepts and never computes."""
    return Service(models, JOB_KINDS, ServiceLimits(queue=10_000))


def client_of(service, **options) -> TestClient:
    app = create_app(service, ServerOptions(**options))
    return TestClient(app, base_url=BASE, raise_server_exceptions=False)


@pytest.fixture
def http(waiting):
    return client_of(waiting)


@pytest.fixture
def keyed(waiting):
    return client_of(waiting, keys=(KEY, "another-key-of-a-client"))


def routes_of(app):
    """Every (path, method), those of included routers too."""
    from fastapi.routing import iter_route_contexts

    found = set()
    for context in iter_route_contexts(app.routes):
        for method in getattr(context, "methods", None) or ():
            found.add((context.path, method))
    return found


def test_every_route_is_declared(http):
    paths = {path for path, _ in routes_of(http.app)}
    assert paths == set(http.app.state.access.routes)
    assert {path for path, kind in http.app.state.access.routes.items() if kind == PUBLIC} == {
        "/healthz",
        "/api/session",
    }


def test_a_route_that_nobody_declared_needs_the_key(keyed):
    keyed.app.add_api_route("/forgotten", lambda: {})
    assert keyed.get("/forgotten").status_code == 401


@pytest.mark.slow
def test_every_route_but_the_public_ones_needs_the_key(keyed):
    for path, method in routes_of(keyed.app):
        answer = keyed.request(method, path.replace("{id}", "0" * 32))
        if keyed.app.state.access.routes[path] == AUTHENTICATED:
            assert answer.status_code == 401, path
            assert method == "HEAD" or answer.json()["error"]["code"] == "E-KEY"
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["", KEY, f"Basic {KEY}", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer \xff"],
)
def test_a_wrong_key_is_refused_and_never_repeated(keyed, header):
    answer = keyed.get("/api/models", headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert KEY not in answer.text
    assert KEY not in repr(keyed.app.state.options)


@pytest.mark.slow
def test_the_key_opens_and_owners_do_not_see_each_others_jobs(keyed):
    mine = {"Authorization": f"Bearer {KEY}"}
    theirs = {"Authorization": "Bearer another-key-of-a-client"}
    id = keyed.post("/api/jobs", json={"prompt": "left"}, headers=mine).json()["id"]
    assert keyed.get(f"/api/jobs/{id}", headers=mine).status_code == 200
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", "")):
        answer = keyed.request(method, f"/api/jobs/{id}{path}", headers=theirs)
        missing = keyed.request(method, f"/api/jobs/{'0' * 32}{path}", headers=theirs)
        assert (answer.status_code, answer.json()) == (404, missing.json())
    assert KEY not in keyed.get("/openapi.json", headers=mine).text
    assert KEY not in keyed.get("/metrics", headers=mine).text


@pytest.mark.slow
def test_a_page_exchanges_the_key_for_a_session(keyed):
    assert keyed.post("/api/session", json={"key": "wrong"}).status_code == 401
    answer = keyed.post("/api/session", json={"key": KEY}, headers=BROWSER)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert KEY not in cookie
    assert keyed.get("/v1/models", headers=BROWSER).status_code == 200
    keyed.cookies.clear()
    assert keyed.get("/v1/models", headers=BROWSER).status_code == 401


def test_without_keys_a_browser_needs_the_session_of_our_page(http):
    assert http.get("/v1/models").status_code == 200  # curl, a Python client
    answer = http.get("/v1/models", headers=BROWSER)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "E-SESSION")
    http.cookies.set(COOKIE, "guessed")
    assert http.get("/v1/models", headers=BROWSER).status_code == 401
    http.cookies.clear()
    http.cookies.set(COOKIE, http.app.state.access._local)
    assert http.get("/v1/models", headers=BROWSER).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "[::2]:8000", "", "localhost."],
)
def test_another_host_is_refused(http, host):
    answer = http.post("/api/jobs", json={"prompt": "left"}, headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "E-HOST")


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:9", "[::1]:8000", "mine.example"])
def test_our_own_names_are_answered(waiting, host):
    client = client_of(waiting, hosts=("mine.example",))
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Origin": "http://localhost:8000"},  # the same machine, another origin
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_origin_changes_nothing(http, waiting, headers):
    before = waiting.waiting
    for path, body in (("/api/jobs", {"prompt": "left"}), ("/v1/images/generations", {})):
        answer = http.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "E-ORIGIN")
        assert "access-control-allow-origin" not in answer.headers
    assert http.options("/api/jobs", headers=headers).status_code == 403
    assert waiting.waiting == before


@pytest.mark.parametrize(
    "type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None],
)
def test_a_form_of_a_stranger_changes_nothing(http, waiting, type):
    before = waiting.waiting
    headers = {} if type is None else {"Content-Type": type}
    answer = http.post("/api/jobs", content=b'{"prompt": "left"}', headers=headers)
    assert (answer.status_code, waiting.waiting) == (415, before)


def test_an_origin_that_is_trusted_may_call(waiting):
    client = client_of(waiting, origins=("https://trusted.example",))
    headers = {"Origin": "https://trusted.example", "Sec-Fetch-Site": "cross-site"}
    asked = headers | {"Access-Control-Request-Method": "POST"}
    assert client.options("/api/jobs", headers=asked).status_code == 200
    answer = client.get("/healthz", headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://trusted.example"
    assert client.get("/v1/models", headers=headers).status_code == 200
    assert client.get("/healthz", headers={"Origin": "null"}).status_code == 403


def test_no_websocket_is_opened(http):
    with pytest.raises(WebSocketDisconnect) as refusal, http.websocket_connect("/api/jobs"):
        pass
    assert refusal.value.code == 1008


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/api/pictures/x.png", "/openapi.json"])
def test_every_response_carries_the_security_headers(http, path):
    headers = http.get(path).headers
    assert {name: headers[name] for name in SECURITY} == SECURITY
    assert "default-src 'self'" in headers["content-security-policy"]
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])
    assert headers["server-timing"].startswith("total;dur=")
    assert "server" not in headers


def test_an_unforeseen_fault_says_nothing_of_this_machine(waiting, caplog):
    client = client_of(waiting)

    def broken():
        raise RuntimeError("/home/someone/secret.txt is broken")

    client.app.add_api_route("/healthz2", broken)
    answer = client.get("/healthz2")
    assert answer.status_code == 500
    assert "someone" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] in answer.json()["error"]["hint"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot read /home/someone/run/model.safetensors", "cannot read model.safetensors"),
        ("the weights in /srv/a b do not match", "the weights in a b do not match"),
        ("'/tmp/x/y.png' is damaged", "'y.png' is damaged"),
        (r"cannot read C:\Users\someone\x.png", "cannot read x.png"),
        ("choose 1/2 or a/b", "choose 1/2 or a/b"),
        ("see https://example.org/page", "see https://example.org/page"),
    ],
)
def test_paths_are_cut_to_their_last_part(text, shown):
    assert told(StorageError(text, text, text))["error"]["hint"] == shown


def test_no_request_can_name_a_path_or_a_url(http):
    schema = http.get("/openapi.json").json()
    names = set()

    def walk(node):
        if isinstance(node, dict):
            names.update(
                node.get("properties", {}) if isinstance(node.get("properties"), dict) else ()
            )
            for one in node.values():
                walk(one)
        elif isinstance(node, list):
            list(map(walk, node))

    for route in schema["paths"].values():
        for method in route.values():
            walk(method.get("requestBody", {}))
            assert all(one["name"] == "id" for one in method.get("parameters", ()))
    assert len(names) > 30
    assert not [one for one in names if re.search("url|uri|path|file|folder|dir|http", one)]


ROOTS = ("", "/", "\\", "C:\\", "//host/", "\\\\host\\", "file://", "./", "~/", "%2f", "%5c")
UPS = ("../", "..\\", "%2e%2e/", "%2e%2e%2f", "..%2f", "..%5c", "%252e%252e%252f", "....//", "..;/")
GOALS = (
    "etc/passwd",
    "Windows/win.ini",
    "con",
    "aux.png",
    "nul\x00.png",
    "weights\u0301",
    "digits",
)
PAYLOADS = [
    root + up * depth + goal
    for root, up, goal, depth in itertools.product(ROOTS, UPS, GOALS, (0, 1, 4))
]
FIELDS = ("model", "kind", "sampler", "bridge", "size", "replaces")


@pytest.mark.slow
def test_no_payload_leads_out_of_a_field_or_a_path(waiting, tmp_path, monkeypatch):
    """Every payload in every field; a file that is there answers like one that is not."""
    there = tmp_path / "there.png"
    there.write_bytes(b"secret")
    payloads = [*dict.fromkeys(PAYLOADS), str(there), f"{there}.missing"]
    assert len(payloads) >= 500
    before, kept = waiting.waiting, len(waiting.pictures)

    def opened(*args, **_):
        raise AssertionError(f"opened {args[0]}")

    monkeypatch.setattr("builtins.open", opened)
    for payload in payloads:
        for field in FIELDS:
            named = {"model": None, "replaces": None, "kind": "paint"}
            fields = {"prompt": "left", field: payload}
            taken = {name: fields.pop(name, default) for name, default in named.items()}
            with pytest.raises((UsageError, MissingInput)):
                waiting.submit(taken.pop("kind"), fields, **taken)
        for kind, field in (("vary", "picture"), ("inpaint", "picture"), ("inpaint", "mask")):
            fields = {"picture": "0" * 32, "mask": "0" * 32, "prompt": "left", field: payload}
            if kind == "vary":
                fields = {"picture": payload}
            with pytest.raises((UsageError, MissingInput)):
                waiting.submit(kind, fields)
        for look in (waiting.job, lambda id: waiting.pictures.get(id, "local")):
            with pytest.raises(UsageError, match="is not an id"):
                look(payload)
        with pytest.raises(MissingInput):
            waiting.models.checked(payload)
    assert (waiting.waiting, len(waiting.pictures)) == (before, kept)


@pytest.mark.slow
def test_paths_over_http_are_all_the_same_to_us(http):
    some = PAYLOADS[:: len(PAYLOADS) // 60]
    for payload in some:
        for path in ("/api/jobs/{}", "/api/pictures/{}.png", "/v1/models/{}"):
            raw = "".join(c if " " < c < "\x7f" and c not in "?#\\" else "%00" for c in payload)
            answer = http.get(path.format(raw))
            assert answer.status_code in (400, 404, 405), (path, payload)
            assert (
                "passwd" not in answer.text
                or path == "/v1/models/{}"
                or "is not an id" in answer.text
            )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "my-machine"])
def test_an_address_that_others_reach_needs_a_key(host):
    with pytest.raises(UsageError, match="without a key") as refusal:
        ServerOptions(host).check()
    assert "--key-file" in refusal.value.fix
    ServerOptions(host, keys=(KEY,)).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_loopback_needs_none(host):
    ServerOptions(host).check()


def test_the_command_refuses_to_serve_strangers(cli):
    ended = cli("serve", "digits", "--host", "0.0.0.0")
    assert ended.code == 2
    assert "--key-file" in ended.err


def test_keys_come_from_a_file_and_the_environment(tmp_path):
    file = tmp_path / "keys"
    first, second = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    file.write_text(f"# ours\n{first}\n\n")
    assert read_keys(file, second) == (second, first)
    for bad in ("short", "x" * 20 + "ü"):
        file.write_text(bad)
        with pytest.raises(UsageError) as refusal:
            read_keys(file, None)
        assert bad not in str(refusal.value)
    file.write_text("# none\n")
    with pytest.raises(UsageError, match="holds no key"):
        read_keys(file, None)
    with pytest.raises(DdpmClipError):
        read_keys(tmp_path / "missing", None)
