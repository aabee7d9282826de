"""Threads wait briefly unless the user decided otherwise; their number is what was asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ddpm_clip.utils import cpu_threads
from ddpm_clip.utils.cpu_threads import (
    DECIDED,
    SPINNING,
    command_threads,
    config_threads,
    limit_spinning,
    openmp_library,
    share_threads,
    threads,
    threads_from,
    waiting,
)

DECIDERS = sorted({name for names in DECIDED.values() for name in names})
WITHOUT = {
    k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_", "MKL_"))
}


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(cpu_threads, "_set_here", set())
    for name in (*DECIDERS, *cpu_threads.COUNTED):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_both_kinds_of_openmp_are_told_to_spin_briefly():
    environ = {"HOME": "/"}
    limit_spinning(environ, loaded=())
    assert environ == {"HOME": "/"} | SPINNING


@pytest.mark.parametrize("name", DECIDERS)
def test_what_a_user_decided_is_left_as_it_is(name):
    environ = {name: "7"}
    limit_spinning(environ, loaded=())
    assert environ.pop(name) == "7"
    assert environ.keys() == {one for one, by in DECIDED.items() if name not in by}


def test_an_empty_variable_decides_nothing():
    environ = {"OMP_WAIT_POLICY": ""}
    limit_spinning(environ, loaded=())
    assert environ["GOMP_SPINCOUNT"] == SPINNING["GOMP_SPINCOUNT"]


def test_where_torch_is_loaded_nothing_is_changed():
    environ = {}
    limit_spinning(environ, loaded={"torch": torch})
    assert environ == {}
    assert waiting(environ) == {"OpenMP's default": "(torch was loaded before ddpm_clip)"}


def test_who_decided_is_told(monkeypatch):
    monkeypatch.setattr(cpu_threads, "openmp_library", lambda: "libgomp")
    environ = {}
    limit_spinning(environ, loaded=())
    assert waiting(environ) == {
        "GOMP_SPINCOUNT": f"{SPINNING['GOMP_SPINCOUNT']} (set by ddpm_clip)"
    }
    monkeypatch.setattr(cpu_threads, "_set_here", set())
    environ = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "5"}
    limit_spinning(environ, loaded=())
    assert waiting(environ) == {"OMP_WAIT_POLICY": "PASSIVE (set by the environment)"}
    monkeypatch.setattr(cpu_threads, "openmp_library", lambda: None)
    assert waiting(environ).keys() == {"OMP_WAIT_POLICY", "KMP_BLOCKTIME"}


def test_the_openmp_in_this_process_is_named_where_the_system_tells(tmp_path):
    maps = tmp_path / "maps"
    for file, name in (
        ("/torch/lib/libgomp.so.1", "libgomp"),
        ("/torch.libs/libgomp-a34b3233.so.1.0.0", "libgomp"),
        ("/opt/conda/lib/libiomp5.so", "libiomp5"),
        ("/usr/lib/libc.so.6", None),
    ):
        maps.write_text(f"7f00-7f01 r-xp 0000 fe:00 53 {file}\n")
        assert openmp_library(str(maps)) == name
    assert openmp_library(str(tmp_path / "nowhere")) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_is_the_one_that_spins():
    torch.ones(4).sum()
    assert openmp_library() in cpu_threads.LIBRARIES


def test_the_page_names_the_values_that_are_set():
    page = Path(__file__).parents[2] / "docs" / "scaling.md"
    text = page.read_text(encoding="utf-8")
    assert all(f"`{name}={value}`" in text for name, value in SPINNING.items())


def started(first: str, **variables: str) -> dict[str, str]:
    """The variables that a fresh process and its child have after an import."""
    ask = "import json, os; print(json.dumps(dict(os.environ)))"
    code = f"import {first}, subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=WITHOUT | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {k: v for k, v in json.loads(done.stdout).items() if k in DECIDERS}


@pytest.mark.slow
def test_importing_the_package_sets_it_for_children_too():
    assert started("ddpm_clip") == SPINNING
    assert started("ddpm_clip", OMP_WAIT_POLICY="ACTIVE") == {"OMP_WAIT_POLICY": "ACTIVE"}


@pytest.mark.slow
def test_after_torch_nothing_is_set():
    assert started("torch, ddpm_clip.cli.main") == {}


@pytest.mark.slow
@pytest.mark.skipif(openmp_library() != "libgomp", reason="asks GNU's OpenMP")
def test_the_loaded_openmp_obeys():
    """OMP_DISPLAY_ENV makes the library itself say what it read."""
    code = "import ddpm_clip; from ddpm_clip import DDPM"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=WITHOUT | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"GOMP_SPINCOUNT = '{SPINNING['GOMP_SPINCOUNT']}'" in done.stderr


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), threads(before + 1):
        _ = 1 / 0
    assert torch.get_num_threads() == before


def test_the_number_of_a_command_holds_for_children_and_ends_with_it(monkeypatch):
    before = torch.get_num_threads()
    for earlier in (None, "5"):
        if earlier:
            monkeypatch.setenv("OMP_NUM_THREADS", earlier)
        with command_threads(before + 2):
            assert torch.get_num_threads() == before + 2
            assert os.environ["OMP_NUM_THREADS"] == str(before + 2)
            assert threads_from() == "the command"
        assert torch.get_num_threads() == before
        assert os.environ.get("OMP_NUM_THREADS") == earlier
        assert threads_from() == ("OMP_NUM_THREADS" if earlier else "PyTorch")


def test_no_number_changes_nothing():
    before = torch.get_num_threads()
    with command_threads(None):
        assert torch.get_num_threads() == before
        assert "OMP_NUM_THREADS" not in os.environ


def test_a_command_goes_before_a_config():
    config_threads(None)
    before = torch.get_num_threads()
    config_threads(before + 1)
    assert torch.get_num_threads() == before + 1
    with command_threads(before + 2):
        config_threads(before + 3)
        assert torch.get_num_threads() == before + 2


@pytest.mark.parametrize(("processes", "each"), [(2, 4), (3, 2), (16, 1)])
def test_processes_of_one_machine_share_its_threads(processes, each):
    torch.set_num_threads(8)
    share_threads(processes, {})
    assert torch.get_num_threads() == each


def test_a_number_that_somebody_set_is_not_shared():
    torch.set_num_threads(8)
    share_threads(2, {"OMP_NUM_THREADS": "8"})
    assert torch.get_num_threads() == 8
    with command_threads(6):
        share_threads(2, {})
        assert torch.get_num_threads() == 6
