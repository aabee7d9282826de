"""The program that checks a GPU: tried on the CPU, and with trainings that fail."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ddpm_clip.config.resolve import preset_names
from ddpm_clip.errors import UsageError

HOME = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(HOME))
import gpu_check  # noqa: E402
from gpu_check import ABSENT, FAILED, NOT_RUN, PASSED, Check  # noqa: E402

CPU = torch.device("cpu")
FOUND = {"loss": 1.0, "skipped": 0, "pictures_per_second": 10.0}


def checks(work, modes=tuple(gpu_check.MODES), presets=("smoke",), device=CPU):
    found = gpu_check.preset_checks(presets, modes, device, 2, 4, work)
    return {one.name.removeprefix("train: "): one for one in found}


def works(preset, mode, device, steps, batch):
    return FOUND


@pytest.mark.slow
def test_on_the_cpu_the_same_checks_run_and_the_result_says_that_it_is_no_gpu(tmp_path):
    out = tmp_path / "found.json"
    words = ["--device", "cpu", "--presets", "smoke", "--steps", "4", "--batch", "4", "--no-tests"]
    words += ["--modes", "on_device", "float32", "float16", "tf32", "--out", str(out)]
    run = subprocess.run(
        [sys.executable, HOME / "gpu_check.py", *words], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(out.read_text())
    by_name = {one["name"].rpartition(", ")[2]: one for one in found["checks"]}
    assert found["is_gpu"] is False
    assert [by_name[name]["status"] for name in ("float32", "float16", "on_device")] == [PASSED] * 3
    assert by_name["tf32"]["status"] == ABSENT
    assert by_name["device tests"]["status"] == NOT_RUN
    assert by_name["on_device"]["figures"]["loss"] == by_name["float32"]["figures"]["loss"]
    assert by_name["float16"]["figures"]["loss"] != by_name["float32"]["figures"]["loss"]
    assert found["counts"] == {PASSED: 3, FAILED: 0, ABSENT: 1, NOT_RUN: 1}


def test_without_a_gpu_it_says_so_and_exits_with_2(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gpu_check, "pick_device", lambda: CPU)
    with pytest.raises(UsageError, match="no GPU"):
        gpu_check.chosen_device("auto")
    out = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--out", str(out)])
    assert gpu_check.main() == 2
    assert "there is no GPU here" in capsys.readouterr().err
    assert not out.exists()


def test_every_preset_is_trained_in_every_mode():
    found = checks(works, presets=preset_names())
    assert len(found) == len(preset_names()) * len(gpu_check.MODES)
    assert {one.status for name, one in found.items() if "tf32" not in name} <= {PASSED, ABSENT}


def test_a_mode_that_raises_or_learns_something_else_fails_and_the_others_go_on():
    def work(preset, mode, device, steps, batch):
        if mode == "bfloat16":
            raise RuntimeError("no kernel")
        return FOUND | {"loss": {"float16": 1.3, "on_device": 1.004}.get(mode, 1.0)}

    found = checks(work)
    assert found["smoke, bfloat16"].status == FAILED
    assert "no kernel" in found["smoke, bfloat16"].why
    assert found["smoke, float16"].status == FAILED
    assert "30.0%" in found["smoke, float16"].why
    assert found["smoke, on_device"].status == PASSED


def test_steps_that_are_skipped_fail_the_reference_and_nothing_is_claimed_without_it():
    def work(preset, mode, device, steps, batch):
        return FOUND | {"skipped": 1 if mode == "float32" else 0}

    found = checks(work)
    assert found["smoke, float32"].status == FAILED
    assert found["smoke, bfloat16"].status == NOT_RUN


def test_after_a_lost_device_nothing_more_is_tried(monkeypatch):
    tried = []

    def work(preset, mode, device, steps, batch):
        tried.append(mode)
        raise RuntimeError("illegal memory access")

    monkeypatch.setattr(gpu_check, "is_lost", lambda device: True)
    found = checks(work, presets=("smoke", "small"))
    assert tried == ["float32"]
    assert [one.status for one in found.values()][1:] == [NOT_RUN] * (2 * len(gpu_check.MODES) - 1)


REPORT = """<testsuites><testsuite>
<testcase name="a" time="1.5"/>
<testcase name="b" time="0.1"><failure message="E assert 1 == 2">trace</failure></testcase>
<testcase name="c" time="0"><skipped message="no bfloat16"/></testcase>
</testsuite></testsuites>"""


def test_a_report_of_tests_tells_passed_failed_and_absent(tmp_path):
    path = tmp_path / "report.xml"
    path.write_text(REPORT)
    assert gpu_check.read_report(path) == [
        Check("test: a", PASSED, 1.5),
        Check("test: b", FAILED, 0.1, "E assert 1 == 2"),
        Check("test: c", ABSENT, 0.0, "no bfloat16"),
    ]
