"""Ctrl-C and SIGTERM: the first is a request, the second an order, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ddpm_clip.cli import training_view
from ddpm_clip.cli.interrupt import (
    GracefulShutdown,
    Interrupted,
    continue_hint,
    signals_unwind,
    with_hint,
)

COMMAND = (sys.executable, "-m", "ddpm_clip.cli.main")


@pytest.fixture
def ask_at_step_two(monkeypatch):
    """Sends this process a signal while the second step is being shown."""

    def prepare(signum):
        smoothed = training_view._smoothed

        def steps_with_a_signal(steps):
            for at, loss in smoothed(steps):
                if at.step == 2:
                    os.kill(os.getpid(), signum)
                yield at, loss

        monkeypatch.setattr(training_view, "_smoothed", steps_with_a_signal)

    return prepare


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_request_finishes_the_step_saves_and_says_how_to_go_on(
    cli, tiny, tmp_path, ask_at_step_two, signum, code
):
    ask_at_step_two(signum)
    folder = tmp_path / "run"
    ended = cli("train", "--config", tiny, "--out", folder)
    assert ended.code == code
    last = ended.err.splitlines()[-1]
    assert last == (
        f"Interrupted at step 2. Saved {folder}/checkpoints/step-000002. "
        f"Continue: ddpm-clip resume {folder}"
    )
    assert json.loads((folder / "history.jsonl").read_text().splitlines()[-1])["step"] == 2


@pytest.mark.slow
def test_a_second_request_leaves_at_once(tiny, tmp_path):
    folder = tmp_path / "run"
    words = ("train", "--config", str(tiny), "--out", str(folder), "--steps", "100000", "--json")
    process = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode in (130, 143)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["prepare", "write_outcome"])
def test_a_request_outside_the_steps_names_the_way_on_too(cli, tiny, tmp_path, monkeypatch, where):
    real, folder = getattr(training_view, where), tmp_path / "run"

    def asked(*given, **more):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(training_view, where, asked)
        ended = cli("train", "--config", tiny, "--out", folder)
    assert ended.code == 143
    assert ended.err.splitlines()[-1].endswith(f"Continue: ddpm-clip resume {folder}")
    assert cli("resume", folder).code == 0
    assert (folder / "loss.png").is_file()


def test_the_way_on_is_forgotten_when_it_is_over():
    with continue_hint("Continue: this"), continue_hint("Continue: that"):
        assert with_hint("Bye.", "Again.") == "Bye. Continue: that"
    assert with_hint("Bye.", "Again.") == "Bye. Again."
    assert with_hint("Bye.") == "Bye."


def test_patience_only_notes_the_first_request_and_gives_back_what_was_there():
    before = signal.getsignal(signal.SIGINT)
    with GracefulShutdown() as shutdown:
        os.kill(os.getpid(), signal.SIGINT)
        assert shutdown.asked == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before


def test_without_patience_a_signal_unwinds_with_its_code():
    with pytest.raises(Interrupted) as caught, signals_unwind():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.exit_code == 143


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with signals_unwind(), GracefulShutdown() as shutdown:
            os.kill(os.getpid(), signal.SIGINT)
        assert shutdown.asked is None
    finally:
        signal.signal(signal.SIGINT, before)
