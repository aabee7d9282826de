"""The manners that all commands share: help, versions, errors, streams."""

import json
import os
import subprocess
import sys

import pytest
import torch

import ddpm_clip
from ddpm_clip.cli import console
from ddpm_clip.cli.main import COMMANDS
from ddpm_clip.errors import Busy, DataError

NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]
HEAVY = ("torch", "transformers", "PIL", "numpy", "matplotlib", "jinja2")


@pytest.mark.slow
def test_help_loads_nothing_heavy_and_answers_at_once():
    code = (
        "import sys; from ddpm_clip.cli.main import main; main(['train', '--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    began = _seconds_of_children()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert _seconds_of_children() - began < 0.5


def _seconds_of_children() -> float:
    """Of computing: a busy machine makes the clock on the wall a bad evaluator."""
    spent = os.times()
    return spent.children_user + spent.children_system


def test_help_names_every_command(cli):
    ended = cli("--help")
    assert ended.code == 0
    assert all(f"  {name} " in ended.out for name in NAMES)


def test_no_words_at_all_print_the_help(cli):
    assert cli().out == cli("--help").out


@pytest.mark.parametrize("name", NAMES)
def test_the_help_of_a_command_begins_with_a_worked_example(cli, name):
    ended = cli(name, "--help")
    assert ended.code == 0
    lines = [line.strip() for line in ended.out.splitlines() if line.strip()]
    assert lines[2].startswith(f"ddpm-clip {name}")


def test_the_version_is_the_packages(cli):
    assert cli("--version").out == f"ddpm-clip {ddpm_clip.__version__}\n"


@pytest.mark.parametrize("words", [("trian",), ("train", "--stepps", "3"), ("generate", "-n", "x")])
def test_a_command_line_that_cannot_be_read_exits_2(cli, words):
    ended = cli(*words)
    assert ended.code == 2
    assert ended.err.startswith("error: ")
    assert "code: E-USAGE" in ended.err


def test_a_mistyped_command_is_answered_with_the_nearest(cli):
    assert "'train'" in cli("trian").err


def test_an_error_has_four_lines_on_stderr_and_nothing_on_stdout(cli):
    ended = cli("show", "nowhere")
    assert ended.code == 66
    assert ended.out == ""
    starts = [line.split(":")[0].strip() for line in ended.err.splitlines()]
    assert starts == ["error", "why", "fix", "code"]


@pytest.fixture
def broken(monkeypatch):
    """Makes `models` fail with what the test says."""

    def fail_with(error):
        def fail():
            raise error

        monkeypatch.setattr("ddpm_clip.weights.shipped_names", fail)

    return fail_with


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("spoilt"), 65),
        (Busy("held"), 75),
        (RuntimeError("oh"), 70),
        (OSError(28, "No space left on device", "x.png"), 74),
        (PermissionError(13, "no", "x"), 77),
        (KeyboardInterrupt(), 130),
        (SystemExit(3), 3),
    ],
)
def test_every_failure_has_its_exit_code(cli, broken, error, code):
    broken(error)
    assert cli("models").code == code


def test_a_surprise_is_one_line_and_has_its_traceback_with_debug(cli, broken):
    broken(RuntimeError("oh\nno"))
    assert cli("models").err.splitlines()[0] == "error: RuntimeError: oh"
    for words in (("--debug", "models"), ("models", "--debug")):
        assert "Traceback" in cli(*words).err
    assert "Traceback" not in cli("models").err


def test_control_characters_never_reach_the_terminal(cli):
    ended = cli("show", "no\x1b[31mwhere")
    assert "\x1b" not in ended.err
    assert "\\x1b[31mwhere" in ended.err


def test_a_long_path_is_never_wrapped(cli):
    path = "x" * 200
    assert path in cli("show", path).err.splitlines()[0]


def test_results_go_to_stdout_as_they_are(capsys):
    console.result("x " * 300)
    assert capsys.readouterr().out == "x " * 300 + "\n"


def test_quiet_takes_remarks_away_but_not_errors(cli):
    assert cli("models").err
    assert cli("models", "-q").err == ""
    assert "error" in cli("-q", "show", "nowhere").err


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m ddpm_clip.cli.main train --print-config | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.slow
def test_doctor_says_what_this_machine_is(cli):
    facts = json.loads(cli("doctor", "--json").out)
    assert facts["ddpm_clip"] == ddpm_clip.__version__
    assert facts["packages"]["torch"] != "missing"
    assert facts["writable_temp"] is True
    assert facts["threads"] == torch.get_num_threads()
    assert facts["threads_chosen_by"]
    assert facts["waiting"]
    said = cli("doctor").out
    assert "device" in said
    assert "threads chosen by: " in said
