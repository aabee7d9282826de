"""`--threads` on every command that computes: what is asked for is in force while it runs."""

import json
import os
import re

import pytest
import torch
import typer

from ddpm_clip.cli.main import COMMANDS, OWN_THREADS, app
from ddpm_clip.cli.threads_option import VARIABLE, with_threads
from ddpm_clip.config.limits import WHOLE

NAMES = [command.__name__.replace("_", "-") for command in COMMANDS]
WITHOUT = [command.__name__.replace("_", "-") for command in OWN_THREADS]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_computes_has_it(name):
    found = typer.main.get_command(app).commands[name]
    options = {word: one for one in found.params for word in one.opts}
    assert ("--threads" in options) == (name not in WITHOUT)
    if "--threads" in options:
        assert options["--threads"].envvar == VARIABLE


def test_those_without_are_known():
    known = ["course", "import-legacy", "models", "pack", "reproduce", "scan", "show"]
    assert sorted(WITHOUT) == known


def test_help_shows_it_with_its_variable(cli):
    told = " ".join(cli("generate", "--help").out.split())
    assert re.search(r"--threads INTEGER CPU threads; .+\[env var: DDPM_CLIP_THREADS\]", told)


def test_it_is_in_force_while_a_command_runs_and_only_then(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before, seen = torch.get_num_threads(), []

    @with_threads
    def compute(what: str, loud: bool = False) -> None:
        seen.append((what, loud, torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")))

    compute(what="a", loud=True, threads=before + 1)
    compute(what="b", loud=False)
    assert seen == [("a", True, before + 1, str(before + 1)), ("b", False, before, None)]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("words", [["--threads", "2"], []])
def test_option_and_variable_reach_the_command(cli, monkeypatch, words):
    monkeypatch.setenv(VARIABLE, "3")
    monkeypatch.setattr("ddpm_clip.cli.machine_load.machine_load", dict)
    facts = json.loads(cli("doctor", "--json", *words).out)
    assert facts["threads"] == (2 if words else 3)
    assert facts["threads_chosen_by"] == "the command"


@pytest.mark.parametrize("asked", ["0", "-1", str(WHOLE["threads"].high + 1), "2.5", "two"])
def test_what_is_no_number_of_threads_is_refused_before_anything_is_done(cli, monkeypatch, asked):
    for words in (["--threads", asked], []):
        monkeypatch.setenv(VARIABLE, asked)
        ended = cli("generate", "rose", "--model", "nowhere", *words)
        assert ended.code == 2
        assert f"threads = {asked!r}" in ended.err or f"threads = {asked} " in ended.err


def test_an_empty_variable_is_none(cli, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    before = torch.get_num_threads()
    monkeypatch.setattr("ddpm_clip.cli.machine_load.machine_load", dict)
    assert json.loads(cli("doctor", "--json").out)["threads"] == before


@pytest.mark.slow
def test_a_training_takes_the_number_of_the_command_not_that_of_its_config(cli, tiny, tmp_path):
    """The run records what was in force."""
    words = ["-q", "train", "--config", tiny, "--set", "training.threads=1", "--no-animation"]
    seen = {}
    for name, more in (("config", []), ("command", ["--threads", "2"])):
        out = tmp_path / name
        assert cli(*words, "--out", out, *more).code == 0
        (state,) = sorted(out.glob("checkpoints/*/state.json"))[-1:]
        seen[name] = json.loads(state.read_text())["threads"]
    assert seen == {"config": 1, "command": 2}
