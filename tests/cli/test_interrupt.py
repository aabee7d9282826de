"""Ctrl-C and SIGTERM: the first is a request, the second an order, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys

import pytest

from ddpm_clip.cli import training_steps, training_view
from ddpm_clip.cli.interrupt import (
    GracefulShutdown,
    Interrupted,
    continue_hint,
    signals_unwind,
    with_hint,
)
from ddpm_clip.generation.picture_folder import PictureFolder
from ddpm_clip.generation.text_to_image import TextToImage

COMMAND = (sys.executable, "-m", "ddpm_clip.cli.main")


@pytest.fixture
def ask_at_step_two(monkeypatch):
    """Sends this process a signal while the second step is being shown."""

    def prepare(signum):
        smoothed = training_steps._smoothed

        def steps_with_a_signal(steps):
            for at, loss in smoothed(steps):
                if at.step == 2:
                    os.kill(os.getpid(), signum)
                yield at, loss

        monkeypatch.setattr(training_steps, "_smoothed", steps_with_a_signal)

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


@pytest.fixture
def ask_after_a_batch(monkeypatch):
    """Sends this process a signal when the first batch is on disk; batches have two pictures."""

    def prepare(signum):
        keep, sent = PictureFolder.keep, []

        def keep_and_ask(self, batch):
            needed = keep(self, batch)
            if not sent:
                sent.append(signum)
                os.kill(os.getpid(), signum)
            return needed

        monkeypatch.setattr(PictureFolder, "keep", keep_and_ask)

    settings = TextToImage.settings
    monkeypatch.setattr(
        TextToImage, "settings", lambda tti, **how: settings(tti, **{"batch": 2, **how})
    )
    return prepare


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("out", [(), ("--out", "here")])
@pytest.mark.parametrize(
    "words", [("generate", "rose", "-n", 6), ("interpolate", "rose", "tulip", "--frames", 6)]
)
def test_a_stopped_painting_keeps_what_is_finished_and_the_same_command_goes_on(
    cli, run, tmp_path, monkeypatch, ask_after_a_batch, signum, code, out, words
):
    monkeypatch.chdir(tmp_path)
    whole = cli(*words, "--model", run, "--out", "whole")
    assert whole.code == 0, whole.err
    ask_after_a_batch(signum)
    ended = cli(*words, "--model", run, *out)
    assert ended.code == code
    folder = tmp_path / (out[1] if out else "outputs/latest")
    last = ended.err.splitlines()[-1]
    assert last.startswith("Interrupted. 2 of 6 pictures are in ")
    assert last.endswith("Run the command again to paint the others.")
    assert len(list(folder.glob("*.png"))) == 2
    again = cli(*words, "--model", run, *out)
    assert again.code == 0, again.err
    assert "2 of 6 pictures were there already" in again.err
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "whole").iterdir()
    }
    assert len(again.out.splitlines()) == 6
    assert out or len(list((tmp_path / "outputs").iterdir())) == 2  # one folder and its link


@pytest.mark.slow
def test_a_painting_stopped_before_its_first_batch_leaves_nothing(cli, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    walk = TextToImage._walk

    def walk_and_ask(*given):
        os.kill(os.getpid(), signal.SIGINT)
        return walk(*given)

    monkeypatch.setattr(TextToImage, "_walk", walk_and_ask)
    ended = cli("generate", "rose", "--model", run)
    assert (ended.code, ended.err.splitlines()[-1]) == (130, "Interrupted. Nothing was written.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_stopped_painting_with_a_random_seed_names_it(
    cli, run, tmp_path, monkeypatch, ask_after_a_batch
):
    monkeypatch.chdir(tmp_path)
    ask_after_a_batch(signal.SIGINT)
    ended = cli("generate", "rose", "-n", 6, "--model", run, "--seed", -1)
    seed = ended.err.split("seed: ")[1].split()[0]
    assert f"Run the command again with --seed {seed} to paint" in ended.err
    cli("generate", "rose", "-n", 6, "--model", run, "--seed", seed)
    assert len(list((tmp_path / "outputs" / "latest").glob("*.png"))) == 7
