"""What else keeps the machine busy is what /proc says, and nothing where there is none."""

import json
import subprocess
import sys
import time

import pytest

from ddpm_clip.cli import machine_load as module
from ddpm_clip.cli.machine_load import busy_seconds, cpu_seconds, machine_load, other_processes

TICK = 100


@pytest.fixture
def proc(tmp_path, monkeypatch):
    """A /proc that a test writes."""
    monkeypatch.setattr(module, "PROC", tmp_path)
    monkeypatch.setattr("os.sysconf", lambda name: TICK, raising=False)
    return tmp_path


def write(proc, stat, **processes):
    """`stat`: jiffies of the first line; processes: name=(pid, jiffies)."""
    (proc / "stat").write_text(f"cpu  {' '.join(map(str, stat))} 0 0\ncpu0 1 2 3\n")
    for name, (pid, jiffies) in processes.items():
        (proc / str(pid)).mkdir(exist_ok=True)
        fields = ["R", *["0"] * 10, str(jiffies), "0", *["0"] * 30]
        (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


def test_waiting_for_disks_is_not_busy_and_what_other_machines_took_is(proc):
    write(proc, (100, 20, 30, 9000, 8000, 4, 5, 41))
    assert busy_seconds(proc) == 2.0


def test_other_processes_are_those_that_used_the_cpu_meanwhile(proc, monkeypatch):
    write(proc, (0,) * 8, idler=(10, 500), **{"a (b) c": (11, 0), "gone": (12, 0)})

    def sleep(seconds):
        write(proc, (300, 0, 0, 0, 0, 0, 0, 0), idler=(10, 501), **{"a (b) c": (11, 150)})
        (proc / "12" / "stat").unlink()

    clock = iter([100.0, 102.0])
    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    monkeypatch.setattr("time.process_time", lambda: 0.0)
    found = other_processes(2.0)
    assert found.cpus == 1.5
    assert found.busiest == (("a (b) c", 0.75),)


@pytest.mark.slow
def test_nothing_is_said_where_nothing_is_known(proc, monkeypatch, cli):
    monkeypatch.delattr("os.getloadavg", raising=False)
    assert other_processes(0.0) is None
    assert machine_load(0.0) == {}
    assert "load" not in json.loads(cli("doctor", "--json").out)
    assert "\nload:" not in cli("doctor").out


def test_a_process_that_is_gone_has_no_seconds(proc):
    assert cpu_seconds(4_000_000, proc) is None
    write(proc, (0,) * 8, python=(7, 250))
    assert cpu_seconds(7, proc) == 2.5


@pytest.mark.slow
@pytest.mark.skipif(not module.PROC.joinpath("stat").is_file(), reason="there is no /proc")
def test_a_busy_process_is_seen(cli):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as spinning:
        try:
            time.sleep(0.3)
            before, used = time.monotonic(), cpu_seconds(spinning.pid)
            found = other_processes(1.0)
            used = (cpu_seconds(spinning.pid) - used) / (time.monotonic() - before)
            assert found.cpus >= used - 0.1
            facts = json.loads(cli("doctor", "--json").out)["load"]
            assert facts.keys() == {"mean_last_minute", "cpus_used_by_others", "busiest"}
        finally:
            spinning.kill()
    assert used > 0.05
