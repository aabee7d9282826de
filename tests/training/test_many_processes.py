"""Two processes under torchrun train what one trains, and only the first of them writes."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from test_loop import config, prepared, trained
from two_processes import SETTINGS, STEPS, settings

from ddpm_clip.cli import training_steps, training_view
from ddpm_clip.cli.interrupt import GracefulShutdown
from ddpm_clip.cli.progress import ProgressBars
from ddpm_clip.errors import MissingInput, NonFiniteError, UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training import process_group as process_groups
from ddpm_clip.training.process_group import ALONE, ProcessGroup, join, launched
from ddpm_clip.training.steps.state import start_state
from ddpm_clip.training.steps.validation import errors

TINY = """
data: {source: "drawn-flowers:40", image_size: 16}
model: {down_chs: [16, 32], blocks: 1, t_embed_dim: 16, attention: 0}
embedder: {name: labels}
training: {steps: 100000, batch_size: 8, warmup: 1, checkpoint_every: 2, sample_every: 4,
           heldout_every: 2, dtype: float32, animation: false, device: cpu}
generation: {steps: 2, n: 1, grid_guidance: [1.0], prompts: [rose]}
"""
LIMIT = 400


def torchrun(*words):
    """Two processes on this machine; the fixed address spares looking up the host's name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--master-addr",
        "127.0.0.1",
        "--master-port",
        port,
        *words,
    ]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
    )


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def launches(tmp_path_factory):
    """Three launches at the same time: the library's numbers, a stop by a signal, a bad rate."""
    home = tmp_path_factory.mktemp("many")
    (home / "tiny.yaml").write_text(TINY)
    trained(home / "one, then two", settings("plain"), prepared(flip=True), stop=9)
    command = ("-m", "ddpm_clip.cli.main", "train", "--config", home / "tiny.yaml", "--json")
    bad = ("--set", "training.lr=1e30", "--set", "training.warmup=0")
    library = torchrun(Path(__file__).with_name("two_processes.py"), home)
    stopped = torchrun(*command, "--out", home / "stopped")
    diverged = torchrun(*command, "--out", home / "diverged", *bad)
    try:
        first = stopped.stdout.readline()
        while '"step": 5' not in (line := stopped.stdout.readline()):
            assert line, stopped.stderr.read()  # it has ended
            first += line
        stopped.send_signal(signal.SIGTERM)
        first += line
        found = {}
        for name, process in (("stopped", stopped), ("diverged", diverged), ("library", library)):
            out, err = process.communicate(timeout=LIMIT)
            found[name] = Ended(process.returncode, (first if name == "stopped" else "") + out, err)
    finally:
        for process in (library, stopped, diverged):
            process.kill()
    return home, found


@pytest.fixture(scope="module")
def home(launches):
    """The folder of the library's launch, which must have gone well."""
    folder, ended = launches
    assert ended["library"].code == 0, ended["library"].err
    return folder


@pytest.fixture(scope="module")
def told(home):
    """What each process said of itself."""
    return [json.loads((home / f"rank-{rank}.json").read_text()) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The same trainings in this process."""
    folder = tmp_path_factory.mktemp("alone")
    data = prepared(flip=True)
    return {name: trained(folder / name, settings(name), data) for name in SETTINGS}


NO_GRADIENT = 1e-8
"""Below it a bias's gradient is rounding alone; those of these networks with one lie above 1e-5."""


def free(run):
    """name -> where a bias (n,) has no gradient, since the next norm or softmax takes it away.

    Adam divides by the gradient's size, so it moves these by the learning rate in directions that
    rounding chose; the network does not depend on them.
    """
    model = start_state(run, prepared().conditioner.width, torch.device("cpu")).model
    named = sorted(model.named_parameters(), key=lambda pair: pair[1].ndim < 2)  # as the optimiser
    moments = run.load().tensors["optimizer"]
    sizes = {name: moments[f"{i}.exp_avg_sq"].sqrt() for i, (name, _) in enumerate(named)}
    return {name: size < NO_GRADIENT for name, size in sizes.items() if name.endswith(".bias")}


def furthest(mine, yours, unmoved):
    """The largest difference of two groups of tensors, and whose it is."""
    apart = {name: (value - yours[name]).abs() for name, value in mine.items()}
    for name, where in unmoved.items():
        apart[name].masked_fill_(where, 0)
    return max((value.max().item(), name) for name, value in apart.items())


def assert_equal_trainings(one, other):
    """Every loss within 1e-4, every weight with a gradient within 1e-5, averaged ones as well."""
    for kind in ("loss", "heldout_loss"):
        mine, yours = ([row[kind] for row in run.history()] for run in (one, other))
        assert [value is None for value in mine] == [value is None for value in yours]
        assert len(mine) == STEPS
        pairs = [(a, b) for a, b in zip(mine, yours, strict=True) if a is not None]
        assert max(abs(a - b) for a, b in pairs) < 1e-4
    unmoved = free(one)
    for group in ("model", "ema"):
        mine, yours = one.load().tensors[group], other.load().tensors[group]
        assert mine.keys() == yours.keys()
        assert furthest(mine, yours, unmoved)[0] < 1e-5


@pytest.mark.slow
def test_there_are_two_processes(told):
    assert [(one["size"], one["rank"]) for one in told] == [(2, 0), (2, 1)]
    assert told[0]["name"] == "2 processes (gloo)"


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_two_processes_train_what_one_trains(home, alone, name):
    assert_equal_trainings(alone[name], Run.open(home / "two" / name))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_every_process_yields_the_same_steps_with_the_loss_of_the_whole_batch(told, home, name):
    assert told[0][name] == told[1][name]
    written = Run.open(home / "two" / name).history()
    assert [row["loss"] for row in written] == [loss for _, loss, _ in told[0][name]]


@pytest.mark.slow
def test_a_run_of_two_processes_goes_on_in_one(home, alone):
    folder = home / "two, then one"
    assert Run.open(folder).checkpoint_steps()[-1] == 9
    run = trained(folder, settings("plain"), prepared(flip=True))
    assert_equal_trainings(alone["plain"], run)


@pytest.mark.slow
def test_a_run_of_one_process_goes_on_in_two(home, alone, told):
    assert told[0]["one, then two"][0][0] == 10
    assert_equal_trainings(alone["plain"], Run.open(home / "one, then two"))


@pytest.mark.slow
def test_dropout_is_drawn_anew_in_each_process_and_still_one_loss_is_told(told, home, tmp_path):
    assert told[0]["dropout"] == told[1]["dropout"]
    alone = trained(tmp_path, config(dropout=0.5, steps=3), prepared(flip=True))
    assert alone.history()[0]["loss"] != told[0]["dropout"][0][1]


@pytest.mark.slow
def test_a_loss_that_is_no_number_in_one_process_stops_both_and_spoils_nothing(told, home):
    assert told[0]["spoilt"] == told[1]["spoilt"]
    assert told[0]["spoilt"]["exit_code"] == 70
    run, width = Run.open(home / "spoilt"), prepared().conditioner.width
    checkpoint = run.load()
    assert checkpoint.step == 6, "six steps were skipped, and the seventh gave up"
    begun = start_state(run, width, torch.device("cpu")).model.state_dict()
    assert checkpoint.tensors["model"].keys() == begun.keys()
    assert [k for k, v in begun.items() if not torch.equal(v, checkpoint.tensors["model"][k])] == []


@pytest.mark.slow
def test_fewer_pictures_a_step_than_processes_are_refused(told):
    for one in told:
        assert one["too small"] == {
            "what": "2 processes have only 1 pictures per step",
            "exit_code": 2,
        }


@pytest.mark.slow
def test_other_pictures_in_one_process_are_noticed(told):
    assert told[0]["other pictures"] is None
    assert (
        told[1]["other pictures"]
        == "process 1 does not have the same pictures here as the first process"
    )


@pytest.mark.slow
def test_a_signal_to_any_process_is_heard_by_all(told):
    assert told[0]["signals"] == told[1]["signals"] == [signal.SIGTERM, None]


# The command


@pytest.mark.slow
def test_a_stop_saves_once_says_it_once_and_one_process_goes_on(launches, cli):
    folder, ended = launches[0] / "stopped", launches[1]["stopped"]
    steps = [json.loads(line) for line in ended.out.splitlines()]
    seen = [line["step"] for line in steps if line["event"] == "step"]
    assert seen == list(range(1, len(seen) + 1))  # from one process, each step once
    assert ended.err.count("in 2 processes (gloo)") == 1
    assert ended.err.count("Interrupted at step") == 1
    run = Run.open(folder)
    assert run.checkpoint_steps()[-1] == seen[-1] == len(run.history())
    assert (folder / "samples" / "step-000004.png").is_file()
    assert cli("resume", folder, "--stop-after", 1).code == 0
    assert [row["step"] for row in run.history()] == [*seen, seen[-1] + 1]


@pytest.mark.slow
def test_a_diverged_training_leaves_with_the_documented_code_and_one_error(launches):
    ended = launches[1]["diverged"]
    said = ("error: the loss is", "error: the training has NaN or infinite values")
    assert sum(ended.err.count(one) for one in said) == 1
    assert "code: E-NONFINITE" in ended.err
    assert "exitcode  : 70" in ended.err
    assert ended.code != 0


# Without a launch


@pytest.mark.slow
def test_alone_nothing_is_exchanged_and_nothing_imported(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert join("cpu") is ALONE
    assert str(ALONE) == "1 process"
    assert ALONE.is_first
    assert ALONE.part(7) == slice(0, 7)
    assert ALONE.agreed(2) == 2
    assert ALONE.wait("anything") == 0
    ALONE.meet()
    ALONE.check_same("data", "these")
    with ALONE.leading("anything"):
        ALONE.close()
    code = (
        "import sys, ddpm_clip.cli.training_view; "
        "from ddpm_clip.training.process_group import *; "
        "join('cpu'); sys.exit('accelerate' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=LIMIT).returncode == 0


@pytest.mark.parametrize(("n", "size"), [(7, 2), (64, 5), (3, 3), (2, 4)])
def test_parts_cover_a_batch_once_and_are_even(n, size):
    parts = [range(n)[ProcessGroup(rank, size).part(n)] for rank in range(size)]
    assert [row for part in parts for row in part] == list(range(n))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_launch_is_read_from_the_environment():
    there = {"WORLD_SIZE": "4", "RANK": "3", "MASTER_ADDR": "a", "MASTER_PORT": "1"}
    assert launched(there) == (3, 4)
    assert launched({}) == launched({"WORLD_SIZE": "1", "RANK": "0"}) == (0, 1)
    with pytest.raises(UsageError, match="RANK is not set"):
        launched({"WORLD_SIZE": "2"})


def test_a_launcher_that_starts_one_process_instead_of_several_is_told_of():
    with pytest.warns(UserWarning, match="started one"):
        assert launched({"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "a"}) == (0, 1)


@pytest.mark.parametrize(
    ("variable", "device", "said"),
    [
        ("ACCELERATE_USE_FSDP", "cpu", "FSDP"),
        ("ACCELERATE_USE_DEEPSPEED", "cpu", "DeepSpeed"),
        (None, "mps", "cannot train on mps"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(monkeypatch, variable, device, said):
    monkeypatch.setattr(process_groups, "launched", lambda: (0, 2))
    if variable:
        monkeypatch.setenv(variable, "true")
    with pytest.raises(UsageError, match=said):
        join(device)


class Store(dict):
    """The launcher's store, in one process."""

    def set(self, key, value):
        self[key] = value.encode()

    def check(self, keys):
        return all(key in self for key in keys)

    def add(self, key, n):
        self[key] = self.get(key, 0) + n
        return self[key]


def test_the_others_leave_with_the_code_of_the_first_when_it_fails():
    store = Store()
    first, other = (ProcessGroup(rank, 2, None, store) for rank in (0, 1))
    with pytest.raises(MissingInput):
        training_view.by_the_first(first, "run", lambda: Run.open("nowhere"))
    with pytest.raises(SystemExit) as left:
        training_view.by_the_first(other, "run", lambda: pytest.fail("this is the first's work"))
    assert left.value.code == MissingInput.exit_code
    assert training_view.by_the_first(first, "data", lambda: "done") == "done"
    assert training_view.by_the_first(other, "data", lambda: "done again") is None


def test_waiting_asks_again_and_ends_at_last(monkeypatch):
    answers = iter([False, False, True])
    ProcessGroup()._until(lambda: next(answers), "it")
    monkeypatch.setattr(process_groups, "LONGEST_WAIT", 0.01)
    with pytest.raises(TimeoutError, match="for it"):
        ProcessGroup()._until(lambda: False, "it")


def test_the_first_process_alone_says_that_a_loss_is_no_number(monkeypatch, tmp_path):
    def diverged(*_, **__):
        raise NonFiniteError("the loss is nan")
        yield

    monkeypatch.setattr(training_steps, "train", diverged)
    run = Run.create(tmp_path, config())
    rest = (run, prepared(), training_steps.View(), GracefulShutdown(), ProgressBars())
    with pytest.raises(NonFiniteError):
        training_steps.follow_steps(*rest, ProcessGroup(0, 2))
    with pytest.raises(SystemExit) as left:
        training_steps.follow_steps(*rest, ProcessGroup(1, 2))
    assert left.value.code == 70


@pytest.mark.slow
def test_a_request_in_the_middle_of_the_agreement_is_not_lost(monkeypatch, tmp_path):
    """It was once, when the answer of the others was written over it."""
    patience = GracefulShutdown()

    class Meanwhile(ProcessGroup):
        def agreed(self, asked):
            patience.asked = patience.asked or signal.SIGTERM
            return asked

        def meet(self):
            pass

    data, run = prepared(), Run.create(tmp_path, config(steps=9))
    with run.writing():
        rest = (run, data, training_steps.View(), patience, ProgressBars())
        training_steps.follow_steps(*rest, Meanwhile())
    assert [row["step"] for row in run.history()] == [1, 2]


def test_an_echo_of_a_signal_is_no_second_request(monkeypatch):
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail("left at once"))
    with GracefulShutdown(echo=60.0) as patience:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert patience.asked == signal.SIGTERM


@pytest.mark.slow
def test_the_error_of_a_heldout_picture_does_not_depend_on_who_measures_it(tmp_path):
    from ddpm_clip.build import build_ddpm

    run, data = Run.create(tmp_path, config()), prepared()
    model = start_state(run, data.conditioner.width, torch.device("cpu")).model
    ddpm, heldout = build_ddpm(run.config.diffusion), data.heldout_set()
    whole, t = errors(model, ddpm, heldout, batch_size=2)
    for size in (2, 3, 4):
        parts = [
            errors(model, ddpm, heldout, batch_size=2, own=ProcessGroup(rank, size).part(3))
            for rank in range(size)
        ]
        assert torch.allclose(torch.cat([found for found, _ in parts]), whole, rtol=1e-5)
        assert torch.equal(torch.cat([rows for _, rows in parts]), t)
