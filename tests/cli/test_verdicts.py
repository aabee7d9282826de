"""Every line of the table in docs/errors.md is tried: in Python and on the command line."""

import json
import math
import re
import warnings
from dataclasses import fields

import pytest
from verdict_table import CASES, TABLE, VERDICTS, WARNED, read
from verdicts import TRIALS, Workspace

from ddpm_clip.config.limits import NUMBERS, WHOLE
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.settings import Settings


def only_python(trial, value):
    """No such option; or a text of digits, which a command line cannot tell from a number."""
    digits = isinstance(value, str) and re.fullmatch("[0-9]+", value) and trial.number
    return trial.words is None or digits


@pytest.fixture(scope="module")
def workspace(tiny, run, tmp_path_factory):
    return Workspace(tiny, run, tmp_path_factory.mktemp("pictures"))


def test_the_table_is_whole():
    assert len(TABLE) > 60
    assert {verdict for _, _, verdict in TABLE} == VERDICTS
    assert all(values for _, values, _ in TABLE)
    assert {asked for asked, _, _ in TABLE} == TRIALS.keys(), "a line and its trial go together"


def test_every_setting_has_its_lines():
    asked = {re.match("`?([a-z_]+)", asked)[1] for asked, _, _ in TABLE}
    settings = {field.name for field in fields(Settings)} - {"clip_guide"}  # a model, by its name
    assert settings | WHOLE.keys() | NUMBERS.keys() <= asked


@pytest.mark.parametrize("name", [*WHOLE, *NUMBERS])
def test_the_ends_of_a_range_are_those_of_the_table(name):
    low, high, _ = (WHOLE | NUMBERS)[name]
    high = 1000 if name == "steps" else high  # the T of the model
    values = {"accepted": [], "refused": []}
    for asked, written, verdict in CASES:
        if asked.startswith(f"`{name}`") and "evaluate" not in asked and verdict in values:
            value = read(written)
            values[verdict] += value if isinstance(value, list) else [value]
    accepted = [one for one in values["accepted"] if one is not None]
    assert (min(accepted), max(accepted)) == (low, high)
    numbers = [
        one for one in values["refused"] if isinstance(one, (int, float)) and math.isfinite(one)
    ]
    assert any(one > high for one in numbers)
    assert any(one < low for one in numbers)


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "written", "verdict"), CASES)
def test_the_verdict_in_python(asked, written, verdict, workspace, tmp_path, monkeypatch):
    trial, value = TRIALS[asked], read(written)
    monkeypatch.chdir(tmp_path)
    trial.stop(monkeypatch)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if verdict == "refused":
            with pytest.raises(UsageError) as refusal:
                trial.python(workspace, value)
            error = refusal.value
            assert error.exit_code == 2
            assert trial.says in error.what
            assert error.why
            assert error.fix
            assert len(str(error)) < 2000
        else:
            trial.python(workspace, value)
    if verdict != "random":
        ours = [one for one in told if "outside what the pictures" not in str(one.message)]
        assert bool(ours) == (verdict in WARNED), [str(one.message) for one in told]
    if verdict == "accepted":
        trial.check_arrived(value)
    if verdict == "random":
        assert 0 <= trial.arrived["seed"] < 2**32
    if verdict == "refused":
        assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "written", "verdict"),
    [case for case in CASES if not only_python(TRIALS[case[0]], read(case[1]))],
)
def test_the_verdict_on_the_command_line(
    asked, written, verdict, workspace, cli, tmp_path, monkeypatch
):
    trial, value = TRIALS[asked], read(written)
    monkeypatch.chdir(tmp_path)
    trial.stop(monkeypatch)
    ended = cli(*trial.words(workspace, value, written))
    assert ended.code == (2 if verdict == "refused" else 0), ended.err
    if verdict == "refused":
        assert ended.out == ""
        said = dict(re.findall(r"^ *(error|why|fix|code): +(.+)", ended.err, re.M))
        assert said.keys() == {"error", "why", "fix", "code"}, ended.err
        assert trial.says in said["error"]
        assert said["code"] in ("E-USAGE", "E-CONFIG")
        assert not list(tmp_path.iterdir())
    else:
        assert "error:" not in ended.err
        assert ("warning:" in ended.err) == (verdict in WARNED)
    if verdict == "accepted":
        trial.check_arrived(value)
    if verdict == "random":
        assert f"seed: {trial.arrived['seed']}" in ended.err


@pytest.mark.slow
def test_the_same_words_everywhere(workspace, cli):
    for value in ("NaN", "31"):
        with pytest.raises(UsageError) as refusal:
            workspace.tti.settings(w=json.loads(value))
        ended = cli("generate", "rose", "--model", workspace.run, "--w", value)
        for part in (refusal.value.what, refusal.value.why, refusal.value.fix):
            assert part in ended.err
