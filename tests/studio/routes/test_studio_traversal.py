"""No name that a client can send leads to a file: five hundred and more, for each field."""

import itertools

import pytest

from ddpm_clip.errors import UsageError
from ddpm_clip.server.service.fields import checked_id
from ddpm_clip.studio.routes import page
from ddpm_clip.studio.sources.roots import Roots
from ddpm_clip.studio.sources.uploads import Uploads

UP = (
    "..",
    "../..",
    "..\\",
    "%2e%2e",
    "..%2f",
    "%252e%252e",
    "..%c0%af",
    "\uff0e\uff0e",
    "\u2025",
    "....//",
    "./..",
)
TO = (
    "etc/passwd",
    "index.jsonl",
    "index.html",
    "secret.png",
    "app.js",
    "con",
    "nul.png",
    "a\0.png",
)
BEFORE = ("", "/", "\\", "//", "file://", "C:\\", "\\\\host\\share\\", "~/", "0" * 32 + "/")
PAYLOADS = [f"{start}{up}/{to}" for start, up, to in itertools.product(BEFORE, UP, TO)]


@pytest.fixture
def home(tmp_path):
    """Something to find, wherever one looks."""
    for place in ("etc", "static", "uploads", "photos"):
        (tmp_path / place).mkdir()
        for name in ("index.html", "secret.png", "app.js", "index.jsonl", "passwd"):
            (tmp_path / place / name).write_text("secret")
    return tmp_path


def test_there_are_enough():
    assert len(set(PAYLOADS)) > 500


def test_no_id_is_a_path():
    for payload in PAYLOADS:
        with pytest.raises(UsageError):
            checked_id(payload, "picture")


def test_no_source_or_upload_is_a_path(home):
    roots, uploads = Roots([home / "photos"]), Uploads(home / "uploads")
    roots.listed()
    for payload in PAYLOADS:
        assert roots.place(payload) is None
        assert uploads.place(payload) is None


def test_a_file_of_the_page_is_one_of_its_names(home, monkeypatch):
    monkeypatch.setattr(page, "FOLDER", home / "static")
    page.names.cache_clear()
    names = page.names()
    page.names.cache_clear()
    assert names.keys() == {"index.html", "secret.png", "app.js"}
    assert [payload for payload in PAYLOADS if payload in names] == []
