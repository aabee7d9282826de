"""How far a stage is: said in lines where there is no terminal, and closed when interrupted."""

import signal

import pytest

from ddpm_clip.cli import console, progress
from ddpm_clip.cli.interrupt import GracefulShutdown, Interrupted
from ddpm_clip.cli.progress import ProgressBars, follow
from ddpm_clip.types import Progress


def stage(closed):
    try:
        for done in range(1, 4):
            yield Progress("scan", done, 3, "1 unusable")
    finally:
        closed.append(True)
    return "result"


def test_a_stage_hands_over_its_result_and_says_nothing_when_it_is_quick(capsys):
    with ProgressBars() as bars:
        assert follow(stage([]), bars) == "result"
    assert capsys.readouterr().err == ""


def test_without_a_terminal_there_is_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SILENCE", -1.0)
    with ProgressBars() as bars:
        follow(stage([]), bars)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("scan 1/3  1 unusable")
    assert "left" in lines[1]
    assert "left" not in lines[2]


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    with ProgressBars() as bars:
        follow(stage([]), bars)
    assert "3/3" in capsys.readouterr().err


def test_an_interrupted_stage_is_closed_first():
    shutdown, closed = GracefulShutdown(), []
    work = stage(closed)
    next(work)
    shutdown.asked = signal.SIGINT
    with ProgressBars() as bars, pytest.raises(Interrupted):
        follow(work, bars, shutdown)
    assert closed == [True]
