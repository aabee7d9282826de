"""`studio`: refused before anything is opened, or answering at once and saving at the end."""

import builtins
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest


def test_without_the_extra_it_says_what_to_install(cli, monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *rest):
        if name == "fastapi":
            raise ImportError("no fastapi", name="fastapi")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.chdir(tmp_path)
    ended = cli("studio")
    assert (ended.code, ended.out) == (2, "")
    assert 'pip install "ddpm-clip[studio]"' in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--data", "none"), 66, "--data none"),
        (("nonsense",), 66, "no model 'nonsense'"),
        (("--port", "99999"), 2, "--port"),
    ],
)
def test_a_mistake_is_told_at_once(cli, words, code, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ended = cli("studio", "--no-browser", *words)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


@pytest.mark.slow
def test_it_answers_before_its_models_are_open_and_ends_with_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "ddpm_clip", "studio", "digits", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"DDPM_CLIP_KEY": ""},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
        began = time.monotonic()
        with urllib.request.urlopen(f"{address}/api/gallery", timeout=60) as answer:
            assert answer.status == 200
        assert time.monotonic() - began < 60
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said
    assert sorted(path.name for path in (tmp_path / "studio").iterdir()) == [
        "gallery",
        "runs",
        "uploads",
    ]
