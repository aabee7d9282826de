"""The assessment: a good model passes; what must not pass fails, or is refused with a sentence."""

import json
import re
from dataclasses import replace

import pytest
import torch

from ddpm_clip.course.answers import ANSWERS
from ddpm_clip.course.assessment import (
    AsNoise,
    AssessmentResult,
    DigitTask,
    Submission,
    SubmissionCard,
    cosine_betas,
    judge_submission,
    submit,
)
from ddpm_clip.course.assessment import judging as judging_file
from ddpm_clip.course.assessment.judging import Reading
from ddpm_clip.course.assessment.refusing import refused_pictures, refused_weights
from ddpm_clip.course.assessment.task import prompts_and_digits
from ddpm_clip.course.exercises import exercise
from ddpm_clip.course.fitting import FitOptions, OwnParts, fit
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.diffusion.schedules import NoiseSchedule, cosine
from ddpm_clip.errors import DataError, MissingInput, StorageError
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.pretrained import weights_of
from ddpm_clip.utils.tensors import to_float

SMALL = {"channels": (16, 16), "timesteps": 50}
SHIPPED = {"channels": (64, 128, 192), "timesteps": 1000, "attention": 7}
QUICK = {"each": 2, "steps": 2}


def card(**values):
    return SubmissionCard(**{"data": "painted", "w": 1.0, "bridge": "shift", **SMALL, **values})


@pytest.fixture(scope="module")
def task():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_REAL", "0")
        return DigitTask.open(n=200, heldout=100)


@pytest.fixture(scope="module")
def width(task):
    return task.conditioner.width


def untrained(width, seed=0, **values):
    torch.manual_seed(seed)
    return card(**values).network(width)


def verdict_of(right_each, refusal="", submission=None):
    """A verdict with this many right pictures of six of each digit."""
    readings = [
        Reading(
            f"the digit {digit}",
            digit,
            digit if i < right else "nine",
            digit == "nine" and i >= right,
        )
        for digit, right in zip(DIGITS, right_each, strict=True)
        for i in range(6)
    ]
    submission = submission or Submission(card(), {"w": torch.zeros(1)})
    x = torch.zeros(60, 1, 28, 28)
    return AssessmentResult(submission, "painted", (1, 60), x, tuple(readings), refusal, 98, 100)


def test_sixty_prompts_ask_for_each_digit_in_four_phrasings():
    prompts, wanted = prompts_and_digits()
    assert len(prompts) == 60
    assert [wanted.count(digit) for digit in DIGITS] == [6] * 10
    assert set(prompts[:6]) == {"zero", "the digit zero", "a picture of a zero", "the number zero"}


@pytest.mark.parametrize(
    ("right_each", "passes"),
    [
        ([6] * 10, True),
        ([6] * 9 + [4], True),
        ([6] * 7 + [5] * 3, True),
        ([6] * 6 + [5] * 4, False),
        ([6] * 9 + [3], False),
    ],
)
def test_57_of_60_pass_with_no_digit_below_4(right_each, passes):
    found = verdict_of(right_each)
    assert found.right == sum(right_each)
    assert found.passed is passes
    assert ("not yet" in str(found)) is not passes


def test_a_verdict_tells_interval_weakest_digit_and_the_judges_own_error():
    found = verdict_of([6] * 9 + [3])
    assert found.weakest == "nine"
    text = str(found)
    assert "57 of 60 (95 % interval 0.86 to 0.98)" in text
    assert "weakest digit: nine, 3 of 6" in text
    assert "98 of 100 held-out pictures" in text
    assert found.as_dict()["by_digit"]["nine"] == 3
    json.dumps(found.as_dict())


def test_a_refused_submission_passes_with_no_count_whatever():
    found = verdict_of([6] * 10, refusal="copies")
    assert not found.passed
    assert "refused: copies" in str(found)


def test_a_distinction_needs_three_hundred_pictures():
    sixty = verdict_of([6] * 10)
    assert not sixty.distinction
    many = replace(sixty, readings=sixty.readings * 5)
    assert many.distinction
    assert "with distinction" in str(many)
    some_wrong = replace(many, readings=verdict_of([6] * 7 + [5] * 3).readings * 5)
    assert (some_wrong.passed, some_wrong.distinction) == (True, False)


def test_the_network_answers_with_the_noise_that_was_added():
    T = 40
    alpha, sigma = ANSWERS["6.1"](cosine_betas(T))
    x_0, eps = torch.randn(5, 1, 4, 4), torch.randn(5, 1, 4, 4)
    t = torch.tensor([0, 7, 20, 33, 39])
    a, s = (level.float()[t].view(-1, 1, 1, 1) for level in (alpha, sigma))

    class V:
        image_shape, c_embed_dim = (1, 4, 4), 1

        def __call__(self, x_t, t, c, c_mask):
            return a * eps - s * x_0

    found = AsNoise(V(), alpha, sigma)(a * x_0 + s * eps, t, None, None)
    assert torch.allclose(found, eps, atol=1e-5)


@pytest.mark.slow
def test_the_reference_answers_train_what_the_library_trains(task, width):
    """The stand-ins of `Lesson.own` are the truths of the exercises, and they have gradients."""
    weights = []
    for parts in (
        OwnParts(ANSWERS["6.6"], ANSWERS["6.5"]),
        OwnParts(exercise("6.6").truth, exercise("6.5").truth),
    ):
        inside = untrained(width)
        schedule = NoiseSchedule(*ANSWERS["6.1"](cosine_betas(50)))
        network = AsNoise(inside, schedule.alpha, schedule.sigma)
        steps = fit(
            network,
            DDPM(schedule),
            task.pictures.pixels[:20],
            task.conditions[:20],
            steps=2,
            options=FitOptions(batch=4),
            parts=parts,
        )
        assert all(step.loss > 0 for step in steps)
        weights.append(torch.cat([value.flatten() for value in inside.state_dict().values()]))
    assert torch.allclose(*weights, atol=1e-4)
    started = torch.cat([value.flatten() for value in untrained(width).state_dict().values()])
    assert not torch.allclose(weights[0], started, atol=1e-3)


@pytest.mark.slow
def test_a_submission_comes_back_as_it_was_and_its_seeds_follow_from_it(tmp_path, width):
    network = untrained(width)
    folder = submit(network, card(), tmp_path / "a")
    assert {path.name for path in folder.iterdir()} == {"weights.safetensors", "card.json"}
    first = Submission.open(folder)
    for name, value in first.network(width).state_dict().items():
        assert torch.equal(value, network.state_dict()[name].half().float())
    assert first.seeds(60) == Submission.open(folder).seeds(60)
    other_w = Submission.open(submit(network, card(w=1.5), tmp_path / "b"))
    other_weights = Submission.open(submit(untrained(width, seed=1), card(), tmp_path / "c"))
    assert len({one.seeds(1)[0] for one in (first, other_w, other_weights)}) == 3


def damaged(folder):
    (folder / "card.json").write_text("{", encoding="utf-8")


def too_large(folder):
    change(folder, channels=[4096, 4096])


def unknown_key(folder):
    change(folder, sampler="mine")


def other_shape(folder):
    change(folder, channels=[16, 32])


def no_weights(folder):
    (folder / "weights.safetensors").unlink()


def change(folder, **values):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        (damaged, StorageError, "cannot read the submission"),
        (too_large, DataError, "channels.0 cannot be used"),
        (unknown_key, DataError, "sampler cannot be used"),
        (other_shape, DataError, "do not fit the network"),
        (no_weights, MissingInput, "no submission"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path, task, width, damage, error, told):
    folder = submit(untrained(width), card(), tmp_path / "s")
    damage(folder)
    with pytest.raises(error, match=re.escape(told)):
        judge_submission(folder, task=task, **QUICK)


def test_weights_that_are_no_numbers_are_refused(tmp_path, task, width):
    network = untrained(width)
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="NaN"):
        judge_submission(submit(network, card(), tmp_path / "s"), task=task, **QUICK)


@pytest.mark.slow
def test_weights_that_were_never_trained_do_not_pass(tmp_path, task, width):
    found = judge_submission(submit(untrained(width), card(), tmp_path / "s"), task=task, **QUICK)
    assert not found.passed
    assert found.right < 10
    assert len(found.readings) == 20
    assert found.judge_right > 90


@pytest.mark.slow
def test_shipped_weights_are_refused_although_they_would_pass(tmp_path, task, width, monkeypatch):
    network = card(**SHIPPED).network(width)
    network.load_state_dict(weights_of("digits"))
    folder = submit(network, card(w=1.0, **SHIPPED), tmp_path / "s")
    refused = judge_submission(folder, task=task, **QUICK)
    assert (refused.passed, refused.readings) == (False, ())
    assert "the shipped model 'digits'" in str(refused)
    monkeypatch.setattr(judging_file, "refused_weights", lambda weights: "")
    found = judge_submission(folder, task=task, each=2, steps=10)
    assert found.right >= 19, "the painting and the reading themselves are sound"
    assert found.refusal == ""


@pytest.mark.slow
def test_shipped_weights_with_a_little_noise_are_refused_too(width):
    weights = weights_of("digits")
    noise = torch.Generator().manual_seed(1)
    moved = {
        name: value + 0.02 * value.std(correction=0) * torch.randn(value.shape, generator=noise)
        for name, value in weights.items()
    }
    assert "shipped" in refused_weights(moved)
    other = {name: torch.randn(value.shape, generator=noise) for name, value in weights.items()}
    assert refused_weights(other) == ""


def of_each_digit(pictures, each):
    """The first pictures of each digit."""
    rows = [
        [i for i, one in enumerate(pictures.facts) if one["digit"] == digit][:each]
        for digit in DIGITS
    ]
    return to_float(pictures.pixels[[i for row in rows for i in row]])


def test_copies_of_training_pictures_are_refused(task):
    wanted = prompts_and_digits(6)[1]
    found = refused_pictures(of_each_digit(task.pictures, 6), wanted, task)
    assert "60 of 60 pictures are copies" in found


def test_one_picture_over_and_over_is_refused(task):
    _, wanted = prompts_and_digits(6)
    constant = of_each_digit(task.pictures, 1).repeat_interleave(6, dim=0)
    assert "almost one picture" in refused_pictures(constant, wanted, task)


def test_new_pictures_of_many_hands_are_not_refused(task):
    _, wanted = prompts_and_digits(6)
    x = of_each_digit(task.heldout, 6)
    assert refused_pictures(x, wanted, task) == ""


def test_betas_give_the_schedule_of_the_judge():
    alpha, sigma = ANSWERS["6.1"](cosine_betas(250))
    assert torch.allclose(alpha, cosine(250).alpha, atol=1e-12)
    assert torch.allclose(sigma, cosine(250).sigma, atol=1e-12)


@pytest.mark.data
@pytest.mark.slow
def test_mnist_is_the_task_where_it_is_found(data_root, monkeypatch):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    monkeypatch.delenv("COURSE_SMOKE", raising=False)
    monkeypatch.delenv("COURSE_REAL", raising=False)
    real = DigitTask.open(n=40, heldout=20)
    assert (real.data, real.pictures.origin) == ("MNIST", "MNIST")
    monkeypatch.setenv("DDPM_CLIP_DATA", "/nowhere")
    assert DigitTask.open(n=40, heldout=20).data == "painted"
