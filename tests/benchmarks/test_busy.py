"""The busy machine: clean arms in turns, seconds of the process itself, and honest marks."""

import argparse
import importlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from ddpm_clip.utils.cpu_threads import SPINNING

HOME = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def busy(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module("busy")


@pytest.fixture
def found(busy):
    """Two rounds: ours takes 1 % more time alone, and twice as long beside two processes."""

    def several(*seconds, others=0.02):
        return [busy.Measured(one, 2 * one, others) for one in seconds]

    return {
        "generate": {
            "alone": {busy.DEFAULT: several(9, 11, 19, 21), busy.OURS: several(10, 10.2, 20, 20.4)},
            "beside 2 busy processes": {
                busy.DEFAULT: several(60, 130),
                busy.OURS: several(20, 40, others=0.06),
            },
        }
    }


def test_no_arm_inherits_what_others_decided(busy):
    inherited = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1", "KMP_BLOCKTIME": "1",
                 "MKL_NUM_THREADS": "1", "DDPM_CLIP_THREADS": "1", "PATH": "/bin"}  # fmt: skip
    each = busy.arms([0, 10_000])
    assert each[busy.DEFAULT].environment(inherited) == {"PATH": "/bin"}
    assert each[busy.OURS].environment(inherited) == {"PATH": "/bin"}
    assert each["spin count 10,000"].environment(inherited)["GOMP_SPINCOUNT"] == "10000"


@pytest.mark.slow
def test_each_arm_waits_as_its_name_says(busy):
    """The variables in force where the command begins, in a process of each arm."""
    options = argparse.Namespace(pictures=1, steps=1, analyses="all")
    ask = "import os, json; print(json.dumps(os.environ.get('GOMP_SPINCOUNT')))"
    seen = {}
    for name, arm in busy.arms([7]).items():
        code = busy.commands(arm, options, Path("."))[busy.GENERATE][2]
        begin = code.partition("; from")[0]
        done = subprocess.run(
            [sys.executable, "-c", f"{begin}; import ddpm_clip; {ask}"],
            env=arm.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        seen[name] = json.loads(done.stdout)
    assert seen == {busy.DEFAULT: None, busy.OURS: SPINNING["GOMP_SPINCOUNT"], "spin count 7": "7"}


def test_arms_take_turns(busy):
    assert busy.turns("ab", 0, 0) == ["a", "b", "b", "a"]
    assert busy.turns("ab", 1, 0) == ["b", "a", "a", "b"]
    assert busy.turns("ab", 0, 2) == ["a", "b"]
    assert busy.turns("ab", 1, 2) == ["b", "a"]


def test_a_ratio_is_to_the_idle_machine_of_the_same_round(busy, found):
    compared = busy.ratios(found, 2)["generate"]
    alone, beside = compared["alone"], compared["beside 2 busy processes"]
    assert alone[busy.DEFAULT].median == 1.0
    assert alone[busy.OURS].median == pytest.approx(1.01)
    assert (beside[busy.DEFAULT].low, beside[busy.DEFAULT].high) == (6.0, 6.5)
    assert beside[busy.OURS].median == 2.0
    facts = busy.as_facts(found, busy.ratios(found, 2))["generate"]["alone"][busy.OURS]
    assert facts["cpu_seconds"] == 30.2
    assert facts["relative"]["median"] == 1.01


def test_claims_can_fail(busy, found):
    held = busy.claims(busy.ratios(found, 2))
    assert [one["holds"] for one in held] == [True, True]
    places = found["generate"]
    places["alone"][busy.OURS] = [
        busy.Measured(1.04 * one.seconds, 1, 0) for one in places["alone"][busy.DEFAULT]
    ]
    places["beside 2 busy processes"][busy.OURS] = [busy.Measured(46, 1, 0)] * 2
    failed = busy.claims(busy.ratios(found, 2))
    assert [one["holds"] for one in failed] == [False, False]


def test_a_machine_that_was_not_idle_is_marked(busy, found):
    assert busy.others(found)["idle"]
    assert busy.others(found)["at_most"] == 0.06
    found["generate"]["alone"][busy.OURS] = [busy.Measured(10, 20, 0.9)] * 4
    assert not busy.others(found)["idle"]


def test_it_refuses_to_start_beside_others(busy, monkeypatch):
    load = importlib.import_module("ddpm_clip.cli.machine_load")
    monkeypatch.setattr(sys, "argv", ["busy.py"])
    found = load.OtherProcesses(1.5, (("python", 1.4),))
    monkeypatch.setattr(busy, "other_processes", lambda seconds: found)
    monkeypatch.setattr(busy, "rounds", lambda *_: pytest.fail("it measured"))
    with pytest.raises(SystemExit, match=r"use 1\.50 CPUs \(python 1\.4\): nothing was measured"):
        busy.main()


@pytest.mark.skipif(not Path("/proc/stat").is_file(), reason="there is no /proc")
def test_neighbours_and_the_process_itself_are_no_others(busy, monkeypatch):
    spent = iter([(100.0, 10.0, 1.0), (104.0, 12.0, 2.5)])
    monkeypatch.setattr(busy, "_spent", lambda pids: next(spent))
    clock = iter([0.0, 2.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    found = busy.measure([sys.executable, "-c", "print(0.25)"], dict(os.environ), [], told=True)
    assert (found.seconds, found.cpu, found.others) == (0.25, 1.5, 0.25)


@pytest.mark.slow
def test_from_measurements_to_the_page(busy, monkeypatch, tmp_path, capsys):
    """Everything but the work itself, which is as short as a process can be."""

    def commands(arm, options, folder):
        return {work: [sys.executable, "-c", "print(0.5)"] for work in busy.WORKS}

    out = tmp_path / "busy.json"
    words = ["--smoke", "--even-if-busy", "--counts", "500", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["busy.py", *words])
    monkeypatch.setattr(busy, "commands", commands)
    busy.main()
    facts = json.loads(out.read_text(encoding="utf-8"))
    assert facts["measured"].keys() == set(busy.WORKS)
    for places in facts["measured"].values():
        assert next(iter(places)) == "alone"
        for each in places.values():
            assert each.keys() == {busy.DEFAULT, busy.OURS, "spin count 500"}
    alone = facts["measured"][busy.STEPS]["alone"][busy.OURS]
    assert (alone["seconds"], alone["rounds"]) == (0.5, 2)
    assert len(facts["claims"]) == 6
    monkeypatch.syspath_prepend(str(HOME.parent / "scripts"))
    page = runpy.run_path(str(HOME.parent / "scripts" / "write_performance_page.py"))
    body = page["body"](tmp_path)
    assert "| training step, alone | 0.50 (0.50 to 0.50) |" in body
    assert "1.00x (1.00 to 1.00)" in body
    assert "written" in capsys.readouterr().out


def test_neighbours_end_with_the_block(busy):
    with busy.neighbours(2) as pids:
        assert all(Path(f"/proc/{pid}").exists() for pid in pids) or not Path("/proc").exists()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
