"""What a lesson calls: figures, tables, claims, checks and quizzes."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from ddpm_clip.course import lesson
from ddpm_clip.course.answers import ANSWERS
from ddpm_clip.course.catalogue import lesson_file
from ddpm_clip.course.session import ClaimFailed, Lesson
from ddpm_clip.course.student.progress import Progress
from ddpm_clip.errors import UsageError
from ddpm_clip.utils.plots.curves import Line, Plot


@pytest.fixture
def L(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lesson(lesson_file("02"), smoke=False, out=Path("figures/02"))


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Lesson(lesson_file("02"), smoke=True, out=Path("figures/02"))


def test_opening_sets_threads_and_size(monkeypatch, capsys):
    threads = []
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    monkeypatch.setenv("COURSE_SMOKE", "1")
    assert lesson("2").pick("full", "small") == "small"
    monkeypatch.delenv("COURSE_SMOKE")
    assert lesson("02").pick("full", "small") == "full"
    assert threads == [1, 2]
    assert "about 150 s" in capsys.readouterr().out


@pytest.mark.slow
def test_figures_are_files_and_an_animation_is_a_gif(L, capsys):
    L.show("grid", torch.zeros(4, 1, 8, 8), columns=2)
    L.show("one", Image.new("RGB", (8, 8)))
    L.show("moving", [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")])
    L.plot("lines", Plot("a title", lines=[Line("a", [1, 2], [3, 4])]))
    names = {path.name for path in Path("figures/02").iterdir()}
    assert names == {"grid.png", "one.png", "moving.gif", "lines.png"}
    assert "figure: figures/02/grid.png" in capsys.readouterr().out.replace("\\", "/")


def test_a_table_lines_up(L, capsys):
    L.table([{"name": "a", "n": 1.23456}, {"name": "longer", "n": 2}])
    assert capsys.readouterr().out.splitlines() == ["name    n", "a       1.23", "longer  2"]


@pytest.mark.parametrize("kind", ["exact", "must"])
def test_a_claim_that_does_not_hold_ends_the_lesson(L, kind):
    with pytest.raises(ClaimFailed, match=r"claim 2\.x does not hold: a is b") as raised:
        L.claim("2.x", "a is b", False, {"a": 1.5}, kind=kind)
    assert "a 1.5" in raised.value.why
    recorded = json.loads(Path("figures/02/claims.json").read_text())["claims"]
    assert [one["holds"] for one in recorded] == [False], "what failed is recorded all the same"


def test_a_told_claim_is_told_and_nothing_else(L, capsys):
    L.claim("2.x", "a is b", False, {"a": 1}, kind="told")
    assert L.claims[-1].holds is False
    assert "(told) does not hold" in capsys.readouterr().out


def test_in_the_smallest_size_only_exact_claims_are_judged(small, capsys):
    small.claim("2.x", "a is b", False, {"a": 1})
    assert small.claims[-1].holds is None
    assert "not judged in this size" in capsys.readouterr().out
    with pytest.raises(ClaimFailed):
        small.claim("2.y", "a is b", False, {"a": 1}, kind="exact")
    with pytest.raises(UsageError, match="unknown kind"):
        small.claim("2.z", "a is b", True, {}, kind="sure")


def test_check_never_raises_and_notes_an_attempt_in_a_students_folder(L, capsys):
    L.check("2.1", lambda betas: 1 / 0)
    assert not L.grades["2.1"].passed
    assert "ZeroDivisionError" in capsys.readouterr().out
    Progress.start(Path())
    L.check("2.1", lambda betas: betas)
    L.check("2.1", lambda betas: ...)
    assert Progress.load(Path()).of("2.1").attempts == 1, "a stub is none"
    L.check("2.1", ANSWERS["2.1"])
    assert L.grades["2.1"].passed
    assert Progress.load(Path()).of("2.1").passed


def test_in_the_smallest_size_no_attempt_is_noted(small):
    Progress.start(Path())
    small.check("2.1", lambda betas: betas)
    assert Progress.load(Path()).of("2.1").attempts == 0


def test_what_has_passed_stays_passed_and_help_after_it_is_free(L):
    progress = Progress.start(Path())
    L.check("2.1", ANSWERS["2.1"])
    L.check("2.1", lambda betas: betas)
    progress = Progress.load(Path())
    progress.hint_shown("2.1", 3)
    progress.answer_shown("2.1")
    own = Progress.load(Path()).of("2.1")
    assert (own.attempts, own.hints, own.answer_seen, bool(own.passed)) == (1, 0, False, True)


def test_hint_and_quiz_are_printed(L, capsys):
    L.hint("2.1", 2)
    assert capsys.readouterr().out.startswith("hint 2 of 3: ")
    L.quiz("2.Q2")
    assert "b) sqrt(alpha-bar) x_0, and 1 - alpha-bar." in capsys.readouterr().out
    L.quiz("2.Q2", "b")
    assert capsys.readouterr().out.startswith("right: ")
    L.quiz("2.Q2", "c")
    out = capsys.readouterr().out
    assert out.startswith("not quite: ")
    assert "standard deviation, not the variance" in out


def test_a_students_function_is_used_once_it_has_passed(L, capsys):
    def wrong(betas):
        return betas, betas

    L.check("2.1", wrong)
    stand_in = L.own("2.1", wrong)
    assert "2.1: the library's function is used" in capsys.readouterr().out
    betas = torch.full((3,), 0.1)
    alpha, _ = ANSWERS["2.1"](betas)
    assert torch.allclose(stand_in(betas)[0].float(), alpha)
    assert L.passed == ()
    L.check("2.1", ANSWERS["2.1"])
    assert L.own("2.1", ANSWERS["2.1"]) is ANSWERS["2.1"]
    assert L.passed == ("2.1",)
