"""Every option of a command arrives in what the library is asked, at its value."""

from types import SimpleNamespace

import pytest

from ddpm_clip.cli.commands import evaluate, reproduce, train
from ddpm_clip.cli.painting_command import PaintingArguments
from ddpm_clip.cli.painting_options import painting_overrides
from ddpm_clip.errors import UsageError
from ddpm_clip.reproducing import Comparison
from tests.tiny_run import tiny_run


class Reached(UsageError):
    """Ends a command where the library would begin to work."""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"n": 3}, {"n": 3}),
        ({"seed": 9}, {"seed": 9}),
        ({"steps": 7}, {"steps": 7}),
        ({"sampler": "heun"}, {"sampler": "heun"}),
        ({"bridge": "shift"}, {"bridge": "shift"}),
        ({"negative": "a rose"}, {"negative": "a rose"}),
        ({"guidance": "1,2.5"}, {"guidance": (1, 2.5)}),
        ({"w": "0,1"}, {"w": (0, 1)}),
    ],
    ids=lambda given: next(iter(given)),
)
def test_an_option_of_painting_is_overridden_and_no_other(given, found):
    overrides = PaintingArguments(**given).overrides()
    assert {name: value for name, value in overrides.items() if value is not None} == found


def test_the_random_seed_that_is_printed_is_the_one_that_is_used(capsys):
    first, other = (painting_overrides(seed=-1)["seed"] for _ in range(2))
    said = capsys.readouterr().err
    assert f"seed: {first}  (random)" in said
    assert f"seed: {other}  (random)" in said
    assert first != other
    assert min(first, other) >= 0


@pytest.fixture
def asked(monkeypatch, cli, tmp_path):
    """`asked("evaluate", …)`: the request that an evaluation would be made from."""
    requests = []

    def stop(model, device, request):
        requests.append((model, device, request))
        raise Reached("reached")

    monkeypatch.setattr(evaluate, "_evaluate", stop)

    def run(*words):
        assert "reached" in cli("evaluate", "digits", "--out", tmp_path / "out", *words).err
        return requests.pop()

    return run


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--seed", 5), {"seed": 5}),
        (("--steps", 7), {"seed": 0, "steps": 7}),
        (("--guidance", "3"), {"seed": 0, "guidance": (3,)}),
        (("--sampler", "ddim"), {"seed": 0, "sampler": "ddim"}),
        (("--bridge", "knn"), {"seed": 0, "bridge": "knn"}),
    ],
    ids=str,
)
def test_an_option_of_sampling_reaches_the_evaluation(asked, words, found):
    model, device, request = asked(*words)
    settings = {name: value for name, value in request.settings.items() if value is not None}
    assert (model, device, settings) == ("digits", "auto", found)


def test_the_other_options_reach_the_evaluation(asked, tmp_path):
    assert asked("--minutes", 3)[2].minutes == 3
    words = ("-n", 2, "--against", "x", "--clip", "y", "--judge", tmp_path)
    _, device, request = asked(*words, "--prompts", tmp_path / "p", "--device", "cpu")
    assert device == "cpu"
    assert (request.n, request.minutes, request.against, request.clip) == (2, None, "x", "y")
    assert (request.judge, request.prompts) == (tmp_path, tmp_path / "p")


@pytest.fixture
def started(monkeypatch, cli):
    """`started("train", …)`: what a training would be started with."""
    found = []

    def start(folder, config, *given, **named):
        names = ("init", "embeddings", "overwrite", "skip_extraction", "stop_after", "as_json")
        found.append((config, dict(zip(names, given, strict=False)) | named))
        raise Reached("reached")

    monkeypatch.setattr(train, "_start", start)

    def run(*words):
        ended = cli(*words)
        assert "reached" in ended.err, ended.err
        return found.pop()

    return run


def test_options_of_training_reach_the_config_and_the_start(started, tmp_path):
    words = ("train", "mnist", "--out", tmp_path / "run", "--steps", 7, "--set", "training.lr=0.5")
    config, given = started(*words, "--stop-after", 3, "--init", "flowers", "--no-animation")
    assert (config.data.source, config.training.steps, config.training.lr) == ("mnist", 7, 0.5)
    assert config.training.animation is False
    assert (given["stop_after"], given["init"]) == (3, "flowers")
    assert (given["overwrite"], given["skip_extraction"]) == (False, False)
    config, given = started(*words, "--overwrite", "--skip-clip-extraction")
    assert config.training.animation is True
    assert (given["overwrite"], given["skip_extraction"]) == (True, True)


@pytest.mark.slow
def test_resume_takes_the_runs_own_config_and_what_is_changed(started, tmp_path):
    run = tiny_run(tmp_path / "run")
    config, given = started("resume", run.folder)
    assert config == run.config
    words = ("--set", "training.lr=0.25", "--steps", 9, "--stop-after", 2, "--no-animation")
    config, given = started("resume", run.folder, *words)
    assert (config.training.lr, config.training.steps, given["stop_after"]) == (0.25, 9, 2)
    assert config.training.animation is False
    assert config.model == run.config.model


@pytest.mark.parametrize(
    ("comparison", "code"),
    [
        (Comparison(((8, 8), (8, 8)), 64, 0, 0, None), 0),
        (Comparison(((8, 8), (8, 8)), 64, 1, 1, 70.0), 1),
        (Comparison(((8, 8), (4, 4)), 16, 16, 255, 0.0), 1),
    ],
    ids=["equal", "by one level", "another size"],
)
def test_reproduce_ends_with_1_for_the_smallest_difference(monkeypatch, cli, comparison, code):
    recipe = SimpleNamespace(file="a.png")
    found = SimpleNamespace(recipe=recipe, comparison=comparison, equal=comparison.equal, notes=[])
    monkeypatch.setattr(reproduce, "watched", lambda work, told: found)
    assert cli("reproduce", "a.png").code == code
