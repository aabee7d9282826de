"""Graders are tested by answers: wrong ones fail by the right finding, right ones pass."""

import inspect
import json
from collections import Counter

import pytest
import torch
from collected import RIGHT, WRONG, collect_all

from ddpm_clip.course.answers import ANSWERS, source
from ddpm_clip.course.exercises import EXERCISES, QUIZZES, exercise
from ddpm_clip.course.exercises.given.blocks import KEY, unnamed_blocks
from ddpm_clip.course.grading import Finding, Grade, grade
from ddpm_clip.course.grading.comparing import shown_apart
from ddpm_clip.course.grading.judging import _recognised
from ddpm_clip.errors import UsageError

collect_all()

HEAVY = {"5.2"}
"""Exercises whose grader opens a shipped model."""


def marked(pairs):
    """Parameters; those whose grader is heavy are left to the whole suite."""
    return [
        pytest.param(one, marks=pytest.mark.slow if key in HEAVY else (), id=str(one))
        for key, one in pairs
    ]


@pytest.mark.parametrize("one", marked((one.exercise, one) for one in WRONG))
def test_a_wrong_answer_fails_by_the_finding_that_it_should(one):
    found = grade(EXERCISES[one.exercise], one.answer)
    assert not found.passed
    assert found.written
    assert found.first_failed.name == one.finding, str(found)
    assert found.first_failed.expected
    assert found.first_failed.got, "a message says what came"


@pytest.mark.parametrize("one", marked((one.exercise, one) for one in RIGHT))
def test_another_right_answer_passes(one):
    found = grade(EXERCISES[one.exercise], one.answer)
    assert found.passed, str(found)


@pytest.mark.parametrize("id", marked((id, id) for id in EXERCISES))
def test_the_reference_passes_and_the_stub_is_not_written(id):
    asked = EXERCISES[id]
    assert grade(asked, ANSWERS[id]).passed, str(grade(asked, ANSWERS[id]))
    names = {}
    exec(asked.stub, names)
    found = grade(asked, names[asked.name])
    assert (found.verdict, found.written) == ("not written yet", False)


def test_there_are_as_many_as_promised():
    assert len(EXERCISES) >= 35
    assert ANSWERS.keys() == EXERCISES.keys()
    wrong_ones = Counter(one.exercise for one in WRONG)
    right_ones = Counter(one.exercise for one in RIGHT)
    assert {id for id in EXERCISES if wrong_ones[id] < 4 or right_ones[id] < 2} == set()
    assert sum(wrong_ones.values()) >= 140
    assert sum(right_ones.values()) >= 70


@pytest.mark.slow
def test_every_known_mistake_is_made_by_a_wrong_answer_or_caught_before():
    """A mistake that no wrong answer makes is a message that nobody has seen."""
    made = {(one.exercise, one.finding) for one in WRONG}
    for id, asked in EXERCISES.items():
        for mistake in asked.mistakes:
            first = grade(asked, mistake.does).first_failed
            assert first is not None, f"{id} {mistake.name} passes"
            assert (id, first.name) in made, f"{id} {mistake.name} is found as {first.name!r}"


@pytest.mark.parametrize("id", EXERCISES)
def test_a_known_mistake_is_not_seen_in_the_reference(id):
    asked = EXERCISES[id]
    for mistake in asked.mistakes:
        assert _recognised(asked, mistake, ANSWERS[id]).passed, mistake.name


@pytest.mark.parametrize("id", EXERCISES)
def test_an_exercise_is_complete_and_its_hints_give_no_line_away(id):
    asked = EXERCISES[id]
    assert len(asked.hints) == 3
    assert asked.question.endswith((".", "?"))
    assert asked.explanation
    body = [line.strip() for line in source(id).splitlines()]
    lines = [line for line in body if len(line) > 8 and not line.startswith(('"""', "def "))]
    told = [*asked.hints, *(mistake.says for mistake in asked.mistakes)]
    assert [line for line in lines for text in told if line in text] == []


@pytest.mark.parametrize("quiz", QUIZZES.values(), ids=lambda quiz: quiz.id)
def test_each_option_of_a_quiz_has_its_own_explanation(quiz):
    assert quiz.right in quiz.options
    assert quiz.because.keys() == quiz.options.keys()
    assert len(set(quiz.because.values())) == len(quiz.options)
    assert [letter for letter in quiz.options if quiz.answered(letter).passed] == [quiz.right]
    assert not quiz.answered("z").passed


def not_implemented(n):
    raise NotImplementedError("later")


def documented(n):
    """Return a number, one day."""


def ellipsis_returned(n):
    return ...


@pytest.mark.parametrize("stub", [not_implemented, documented, ellipsis_returned])
def test_a_stub_in_any_form_is_no_attempt(stub):
    found = grade(exercise("0.1"), stub)
    assert found.verdict == "not written yet"


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (7, "callable"),
        (lambda: 1.0, "parameters"),
        (lambda n, m: 1.0, "parameters"),
        (lambda n: 1 / 0, "exception"),
        (lambda n: print(end=""), "returns a value"),
        (lambda n: float("nan"), "finite"),
    ],
)
def test_what_is_always_tried_first(answer, finding):
    assert grade(exercise("0.1"), answer).first_failed.name == finding


def test_an_exception_is_told_with_the_line_of_the_student():
    def crashes(x_0, t, eps, alpha, sigma):
        return alpha[t] @ x_0[0, 0, :3]  # my own line

    first = grade(exercise("2.2"), crashes).first_failed
    assert first.name == "exception"
    assert "RuntimeError" in first.got
    assert "alpha[t] @ x_0[0, 0, :3]  # my own line" in first.got


def test_grading_leaves_the_random_state_as_it_was():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    grade(exercise("4.1"), lambda b, drop, generator: torch.rand(b, 1))
    assert torch.equal(torch.rand(3), expected)


def test_a_grade_says_what_was_expected_and_what_came():
    told = str(grade(exercise("2.4"), lambda x_0, betas, noises: x_0 + noises.sum(0)))
    assert "2.4: not yet" in told
    assert "expected: variance 1 after 60 steps" in told
    assert "variance grows to" in told


def test_a_grade_survives_json():
    found = Grade("2.1", (Finding("a", True), Finding("b", False, "1", "2", "look")))
    assert Grade.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert found.verdict == "not yet"


def test_a_wrong_id_names_those_of_its_lesson():
    with pytest.raises(UsageError, match=r"2\.9") as raised:
        exercise("2.9")
    assert "2.1, 2.2, 2.3, 2.4" in raised.value.why


def test_the_tasks_of_the_assessment_are_asked_on_other_numbers():
    for task, lesson in {"6.1": "2.1", "6.2": "2.2", "6.3": "2.3", "6.7": "4.2"}.items():
        mine, theirs = EXERCISES[task], EXERCISES[lesson]
        cases = [asked.cases(asked.seed) for asked in (mine, theirs)]
        tensors = [
            [x for case in one for x in case if isinstance(x, torch.Tensor)] for one in cases
        ]
        assert any(not torch.equal(a, b) for a, b in zip(*tensors, strict=True)), task


def test_the_unnamed_blocks_say_nothing_of_their_names():
    for letter, block in unnamed_blocks().items():
        assert KEY[letter].split()[0] not in repr(block).lower()


@pytest.mark.parametrize("id", marked((id, id) for id in EXERCISES))
def test_what_came_never_reads_like_what_was_expected(id):
    for mistake in EXERCISES[id].mistakes:
        found = grade(EXERCISES[id], mistake.does).first_failed
        assert found.expected.split(" for ")[0] != found.got


@pytest.mark.parametrize(
    ("right", "got", "told"),
    [
        (
            torch.zeros(2, 3, 4),
            torch.zeros(2, 3, 4).index_fill(1, torch.tensor(2), 0.25),
            ("at [0, 2, 0] 0", "at [0, 2, 0] 0.25"),
        ),
        ([1.0] * 9, [1.0] * 8 + [1.00001], ("at [8] 1", "at [8] 1.00001")),
        ([1] * 9, [1] * 8, ("of shape (9,)", "of shape (8,)")),
    ],
)
def test_numbers_beyond_those_that_are_shown_are_named(right, got, told):
    for text, end in zip(shown_apart(right, got), told, strict=True):
        assert text.endswith(f", {end}")


def test_what_cannot_be_told_apart_by_place_is_shown_as_it_is():
    assert shown_apart("a", "b") == ("'a'", "'b'")
    assert shown_apart(None, None) == ("None", "None")


@pytest.mark.parametrize("id", ["1.1", "2.1", "7.2"])
@pytest.mark.parametrize(
    "got", [1, (1, 2), [1.0], torch.ones(3), (torch.ones(2), 1), torch.ones(3).numpy(), None]
)
def test_a_value_of_another_kind_is_a_finding_and_no_exception(id, got):
    def answer(*arguments):
        return got

    one = EXERCISES[id]
    answer.__signature__ = inspect.signature(ANSWERS[id])
    found = grade(one, answer)
    assert found.first_failed.name != "callable"
    assert not found.passed
