"""`course`: start a folder, be graded, be helped, and get a report that says with how much help."""

import json
import os
import re
from pathlib import Path

import pytest

from ddpm_clip.course.catalogue import LESSONS
from ddpm_clip.course.notebooks import read_percent
from ddpm_clip.course.student.progress import FILE, Progress
from ddpm_clip.course.student.running import grade_cells, script_of
from tests.student_folder import started

pytestmark = pytest.mark.slow
NO_VIEW = """def q(x_0, t, eps, alpha, sigma):
    return alpha[t] * x_0 + sigma[t] * eps
"""
RIGHT = """def q(x_0, t, eps, alpha, sigma):
    shape = (-1, 1, 1, 1)
    return alpha[t].view(shape) * x_0 + sigma[t].view(shape) * eps
"""
STUB = re.compile(r"def q\(x_0, t, eps, alpha, sigma\):\n    return \.\.\.  # your code\n")


@pytest.fixture
def there(tmp_path, monkeypatch, cli):
    """A student's folder, which `start` has made, as the current one."""
    return started(tmp_path, monkeypatch, cli)


def write(answer, name="02_diffusion"):
    path = Path(f"{name}.py")
    text = path.read_text(encoding="utf-8")
    assert STUB.search(text)
    path.write_text(STUB.sub(lambda found: answer, text), encoding="utf-8")


def test_start_writes_each_lesson_twice_and_never_over_a_students_work(tmp_path, monkeypatch, cli):
    pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")
    monkeypatch.chdir(tmp_path)
    first = cli("course", "start", "--json")
    home = tmp_path / "ddpm-clip-course"
    written = [lesson.name for lesson in LESSONS.values() if lesson.is_written]
    names = {f"{name}{ending}" for name in written for ending in (".ipynb", ".py")}
    assert {Path(path).name for path in json.loads(first.out)["written"]} == names
    assert {path.name for path in home.iterdir()} == names | {FILE}
    mine = home / "02_diffusion.py"
    mine.write_text("# mine\n", encoding="utf-8")
    (home / "00_demo.ipynb").unlink()
    again = json.loads(cli("course", "start", "--json").out)
    assert mine.read_text(encoding="utf-8") == "# mine\n"
    assert [Path(path).name for path in again["written"]] == ["00_demo.ipynb"]
    assert len(again["kept"]) == len(names) - 1


def test_without_jupytext_scripts_are_written_and_the_way_to_notebooks_is_told(
    tmp_path, monkeypatch, cli
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "jupytext", None)
    ended = cli("course", "start", "--dir", "here")
    assert ended.code == 0
    assert {path.suffix for path in Path("here").glob("0*")} == {".py"}
    assert "only scripts were written: jupytext is not installed" in ended.err
    assert "ddpm-clip[course]" in ended.err


def test_check_explains_the_first_failure_and_passes_a_right_answer(there, cli):
    unwritten = cli("course", "check", "2.2")
    assert (unwritten.code, "2.2: not written yet" in unwritten.out) == (1, True)
    assert Progress.load(there).of("2.2").attempts == 0, "a stub is no attempt"
    write(NO_VIEW)
    wrong = cli("course", "check", "2.2")
    assert wrong.code == 1
    assert "failed: levels spread over the columns (no view)" in wrong.out
    assert "expected:" in wrong.out
    assert "0 of 1 passed" in wrong.err
    text = Path("02_diffusion.py").read_text(encoding="utf-8")
    Path("02_diffusion.py").write_text(text.replace(NO_VIEW, RIGHT), encoding="utf-8")
    right = cli("course", "check", "2.2", "--json")
    assert right.code == 0
    assert json.loads(right.out)["grades"][0]["verdict"] == "passed"
    own = Progress.load(there).of("2.2")
    assert (own.attempts, bool(own.passed)) == (2, True)


def test_a_notebook_that_was_changed_last_is_the_students_file(there, cli):
    pytest.importorskip("jupytext", reason="the extra `test` has what writes notebooks")
    cli("course", "start", "--dir", ".")
    path = Path("02_diffusion.ipynb")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    (cell,) = [c for c in notebook["cells"] if "exercise-2.2" in c["metadata"].get("tags", [])]
    cell["source"] = RIGHT.splitlines(keepends=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert cli("course", "check", "2.2").code == 0
    os.utime("02_diffusion.py", ns=(2**62, 2**62))
    looked_at = cli("course", "check", "2.2")
    assert looked_at.code == 0, "the script is newer, but nothing is written in it"
    assert "your answers in 02_diffusion.ipynb" in looked_at.err
    write(NO_VIEW)
    os.utime("02_diffusion.py", ns=(2**62, 2**62))
    newer = cli("course", "check", "2.2")
    assert newer.code == 1
    assert "your answers in 02_diffusion.py" in newer.err


def test_hints_come_one_by_one_and_are_counted(there, cli):
    told = [cli("course", "hint", "2.2").out for _ in range(4)]
    assert [text.split(":")[0] for text in told] == [f"hint {n} of 3" for n in (1, 2, 3, 3)]
    assert len(set(told)) == 3
    assert Progress.load(there).of("2.2").hints == 3


def test_the_answer_is_shown_after_an_attempt_or_when_given_up(there, cli):
    refused = cli("course", "answer", "2.2")
    assert refused.code == 2
    assert "--give-up" in refused.err
    shown = cli("course", "answer", "2.2", "--give-up")
    assert shown.code == 0
    assert "view(-1, 1, 1, 1)" in shown.out
    assert "line" in shown.out, "with an explanation"
    assert Progress.load(there).of("2.2").answer_seen


def test_list_shows_lessons_with_minutes_and_what_is_passed(there, cli):
    progress = Progress.load(there)
    progress.answer_shown("2.1")
    out = cli("course", "list").out
    assert re.search(r"^02 +Diffusion, about 3 min$", out, re.M)
    assert re.search(r"^ +2\.1 +open +Return alpha and sigma", out, re.M)
    facts = json.loads(cli("course", "list", "--json").out)
    assert [one["id"] for one in facts["exercises"] if one["lesson"] == "02"] == [
        f"2.{n}" for n in (1, 2, 3, 4)
    ]


def test_the_report_says_with_how_much_help_and_escapes_the_name(there, cli):
    cli("course", "hint", "2.2")
    cli("course", "answer", "2.3", "--give-up")
    ended = cli("course", "report", "--name", "Ada <b>")
    page = Path("certificate.html").read_text(encoding="utf-8")
    assert ended.out.strip() == "certificate.html"
    assert "Ada &lt;b&gt;" in page
    assert "unsigned" in page
    row = r'<th scope="row">{} [^<]*</th><td>not yet</td><td>0</td><td>{} of 3</td><td>{}</td>'
    assert re.search(row.format(r"2\.2", 1, "no"), page)
    assert re.search(row.format(r"2\.3", 0, "yes"), page)
    assert "nothing was handed in yet" in page
    assert re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", page) == [], "requests nothing"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["cheat"], 2, "choose from: start, list, check, hint, answer, report"),
        (["hint"], 2, "no exercise is named"),
        (["hint", "2.9"], 2, "2.1, 2.2, 2.3, 2.4"),
        (["check", "2.Q1"], 2, 'L.quiz("2.Q1", "a")'),
        (["check", "11"], 2, "no lesson '11'"),
        (["check", "submission"], 66, "no submission in"),
    ],
)
def test_what_cannot_be_meant_is_refused(there, cli, words, code, told):
    ended = cli("course", *words)
    assert ended.code == code
    assert told in ended.err


def test_a_folder_without_a_course_says_how_to_begin(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    ended = cli("course", "list")
    assert ended.code == 66
    assert "course start" in ended.err


def test_damaged_progress_is_told(there, cli):
    Path(FILE).write_text("[]", encoding="utf-8")
    ended = cli("course", "list")
    assert ended.code == 65
    assert "is damaged" in ended.err


def percent(answer, before=""):
    return read_percent(f'# %%\n{before}\n# %% tags=["exercise-0.1"]\n{answer}\n')


def exercise():
    from ddpm_clip.course.exercises import exercise

    return exercise("0.1")


def test_only_definitions_of_earlier_cells_are_run():
    before = (
        "import math\nprint(1 / 0)\ndef turn(n):\n    return 2 * math.pi / n\n%matplotlib inline"
    )
    cells = percent("n_words = 4\nL.check('0.1', 7)\ndef f(n):\n    return turn(n)", before)
    script = script_of(cells)
    assert "print" not in script
    assert "L.check" not in script
    names = {}
    exec(script, names)
    assert names["f"](4) == pytest.approx(1.5708, abs=1e-4)
    assert names["n_words"] == 4


@pytest.mark.parametrize(
    ("answer", "finding", "told"),
    [
        ("def neighbour_cosine(n):\n    return math.cos(", "syntax", "math.cos("),
        ("def other(n):\n    return 1.0", "written", "no such name"),
        ("import no_such_module\n", "runs", "no_such_module"),
        ("def neighbour_cosine(n):\n    while True: pass", "time", "none"),
        ("import os\nx = os._exit(3)", "runs", "ended with 3"),
        ("def neighbour_cosine(n):\n    return no_such_name", "exception", "return no_such_name"),
    ],
)
def test_what_goes_wrong_in_the_child_is_a_finding(tmp_path, answer, finding, told):
    seconds = 5.0 if finding == "time" else 60.0
    found = grade_cells(exercise(), percent(answer), tmp_path, seconds)
    assert found.first_failed.name == finding, str(found)
    assert told in found.first_failed.got


def test_a_file_without_the_cell_is_not_written_yet(tmp_path):
    found = grade_cells(exercise(), [], tmp_path)
    assert found.verdict == "not written yet"
    assert "exercise-0.1" in found.first_failed.expected


@pytest.fixture
def handed_in(there, monkeypatch):
    """A folder with a submission whose verdict is given: the digit nine is weak."""
    from ddpm_clip.course.student import folder as file

    Path("submission").mkdir()
    found = verdict(weak=3)
    monkeypatch.setattr(file, "judge_submission", lambda path: found)
    return found


def verdict(weak=6, refusal=""):
    """57 of 60 and more right pictures, of nine only this many."""
    import torch

    from ddpm_clip.course.assessment import AssessmentResult, Submission, SubmissionCard
    from ddpm_clip.course.assessment.judging import Reading
    from ddpm_clip.data.sources import DIGITS

    card = SubmissionCard(data="painted", w=2.0, bridge="knn", own=("6.1", "6.6"))
    readings = tuple(
        Reading(f"a <{digit}>", digit, "four" if digit == "nine" and i >= weak else digit, i == 5)
        if digit == "nine"
        else Reading(f"the digit {digit}", digit, digit, False)
        for digit in DIGITS
        for i in range(6)
    )
    x = torch.linspace(-1, 1, 60).view(60, 1, 1, 1).expand(60, 1, 28, 28)
    submission = Submission(card, {"weight": torch.ones(2)})
    return AssessmentResult(submission, "painted digits", (7, 66), x, readings, refusal, 297, 300)


def test_check_judges_what_was_handed_in(there, cli, handed_in):
    ended = cli("course", "check", "submission")
    assert ended.code == 1
    assert "submission: not yet: the judge reads 57 of 60" in ended.out
    facts = json.loads(cli("course", "check", "submission", "--json").out)["grades"]
    assert [one["weakest"] for one in facts] == ["nine"]


def test_the_certificate_shows_all_sixty_pictures_and_what_the_judge_read(there, cli, handed_in):
    assert cli("course", "report").code == 0
    page = Path("certificate.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/png;base64,') == 60
    assert page.count('class="success"') == 57
    assert page.count("<b>✗</b>") + page.count("<b>?</b>") == 3
    assert "0.86 to 0.98" in page
    assert "nine, 3 of 6" in page
    assert "6.1, 6.6" in page
    assert "297 of 300 held-out pictures" in page
    assert "a &lt;nine&gt;" in page
    assert "not passed yet" in page
    assert re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*\"", page) == [], "requests nothing"


def test_the_certificate_says_why_a_submission_was_refused(there, cli, monkeypatch, handed_in):
    from dataclasses import replace

    from ddpm_clip.course.student import folder as file

    refused = replace(handed_in, refusal="these are shipped weights", readings=())
    refused = replace(refused, pictures=handed_in.pictures[:0])
    monkeypatch.setattr(file, "judge_submission", lambda path: refused)
    assert cli("course", "report").code == 0
    page = Path("certificate.html").read_text(encoding="utf-8")
    assert "refused: these are shipped weights" in page
    assert "<img" not in page
