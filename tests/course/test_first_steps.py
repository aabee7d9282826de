"""What a student meets first: what to type next, which file counts, and messages that help."""

from pathlib import Path

import pytest

from ddpm_clip.course.exercises import exercise
from ddpm_clip.course.notebooks import Cell
from ddpm_clip.course.student.progress import ExerciseProgress, Progress
from ddpm_clip.course.student.running import grade_cells
from tests.student_folder import started

STUB = "def q(x_0, t, eps, alpha, sigma):\n    return ...  # your code\n"


@pytest.fixture
def there(tmp_path, monkeypatch, cli):
    """A student's folder, which `start` has made, as the current one."""
    return started(tmp_path, monkeypatch, cli)


def test_after_an_exercise_has_passed_all_its_hints_are_shown(there, cli):
    progress = Progress.load(there)
    progress.exercises["2.2"] = ExerciseProgress(attempts=1, passed="2026-11-30T00:00:00+00:00")
    progress.hint_shown("2.1", 1)  # saves
    told = cli("course", "hint", "2.2").out.strip().splitlines()
    assert (told[0], len(told)) == ("all hints:", 4)
    assert cli("course", "hint", "02.2").code == 0, "as lessons are named"


def test_start_says_what_to_type_next_and_list_shows_one_lesson(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "jupytext", None)
    assert "cd ddpm-clip-course, then python 00_demo.py" in cli("course", "start").err
    out = cli("course", "list", "2").out
    assert [line.split()[0] for line in out.splitlines()] == ["02", "2.1", "2.2", "2.3", "2.4"]


def test_nothing_is_judged_where_nothing_was_handed_in(there, cli):
    assert "judging" not in cli("course", "check", "submission").err


@pytest.mark.slow
def test_a_name_that_an_earlier_cell_assigns_is_told_where_it_belongs(tmp_path):
    cells = [
        Cell("code", "turn = 6.28"),
        Cell("code", "def neighbour_cosine(n):\n    return turn / n", ("exercise-0.1",)),
    ]
    hint = grade_cells(exercise("0.1"), cells, tmp_path).first_failed.hint
    assert "only imports, functions and classes" in hint
    assert "give turn its value in the cell of the answer" in hint


@pytest.mark.slow
def test_a_failure_says_which_other_answer_it_calls(there, cli):
    path = Path("02_diffusion.py")
    text = path.read_text(encoding="utf-8")
    text = text.replace("def levels(betas):\n    return ...", "def levels(betas):\n    return 1, 2")
    answer = "def q(x_0, t, eps, alpha, sigma):\n    return levels(alpha)[0] * x_0\n"
    text = text.replace(STUB, answer)
    path.write_text(text, encoding="utf-8")
    told = cli("course", "check", "2.2").out
    assert "It calls levels, your answer to 2.1, which does not pass yet." in told
