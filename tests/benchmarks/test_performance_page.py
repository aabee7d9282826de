"""The page of performance says what the JSON holds, and nothing that it does not hold."""

import importlib
import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = {
    "command": "python benchmarks/x.py",
    "date": "2026-01-02T03:04:05",
    "cpu": "a cpu",
    "cpu_can": ["avx2"],
    "threads": 2,
    "dtype": "float32",
    "torch": "2",
}
CLAIM = {
    "claim": "cold start",
    "measured": 7.0,
    "needed": 6.0,
    "holds": False,
    "unit": "s",
    "at_most": True,
}
SECONDS = {"seconds": 1.5, "rounds": 5, "seconds_range": [1.4, 1.6]}
SHARE = {"n": 200, "share": 0.985, "interval_95": [0.957, 0.995]}
RATIO = {"median": 5.5, "low": 5.0, "high": 6.0}
POINT = {
    "size": 32,
    "batch": 64,
    "width": 1.0,
    "pictures": 1000,
    "per_second": 150.0,
    "megabytes": 512,
    "parameters": 3_000_000,
}
CURVE = {
    "parameters": 3_000_000,
    "whole": True,
    "points": [{"minutes": 5.0, "steps": 9, "n": 400, "success": 392, "share": 0.98}],
}
RESULTS = {
    "startup": {"claims": [CLAIM], "starts": {"generate": SECONDS}},
    "embedding": {"claims": [CLAIM | {"claim": "another", "measured": None}]},
    "train_step": {
        "size": 32, "config": "digits",
        "arms": {"ours": SECONDS | {"parameters": 3, "batch": 128, "per_second": 99.5}},
        "ratios": {"peer, default": {"equal_parameters": RATIO, "as_it_is": RATIO}},
        "settings_of_the_peers": {"peer": {"parameters": 3, "compiled": {"reason": "no compiler"}},
                                  "other": {"absent": "not installed"}},
    },
    "sampling": {
        "pictures": 64, "steps": 20, "sampler": "dpmpp_2m", "guidance": 2.0,
        "ancestral_steps": 1000, "walks": {"default walk": SECONDS},
        "success": {"default walk": SHARE}, "times_as_fast": RATIO,
        "paired": {"n": 320, "difference": 0.003, "interval_95": [-0.01, 0.02], "mcnemar_p": 1.0},
        "samplers": {"ddim": {"5": SHARE, "20": SHARE}},
    },
    "roofline": {
        "dtype": "float32", "batch": 128, "gflop": 100.0, "gigabytes": 2.0,
        "ceilings": {"convolution_gflops": 130.0, "matrix_product_gflops": {"float32": 140.0},
                     "memory_gb_per_second": 20.0},
        "step": SECONDS | {"per_second": 85.0}, "convolutions_alone": SECONDS,
        "gflops_reached": 66.7, "share_of_ceiling": 0.513,
        "groups": {"convolutions": {"calls": 54, "gflop": 99.0, "gigabytes": 1.0, "share": 0.7,
                                    "least_share": 0.5}},
        "single_convolutions": [{"name": "convolution", "flops_per_byte": 20.0, "gflops": 90.0}],
    },
    "busy": {
        "cpus": 2, "reference": "waiting", "machine": {"cpus_used_by_others": 0.42, "idle": False},
        "work": {"pictures": 24, "steps": 8, "analyses": "trajectory,commitment"},
        "measured": {"generate": {"alone": {
            "waiting": SECONDS | {"cpu_seconds": 2.5, "relative": RATIO}}}},
    },
    "cost_growth": {"start": POINT, "growth": {"size": [POINT], "width": [POINT], "batch": []}},
    "time_to_quality": {
        "n": 10, "curves": {"ours": {"0": CURVE}},
        "arms": {"ours": {"parameters": 3, "seeds": 1, "minutes_to": {"95.0%": 5.0, "97.5%": None},
                          "last_minutes": 5.0, "last_share": 0.98,
                          "last_interval_95": [0.96, 0.99]}},
    },
}  # fmt: skip


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return runpy.run_path(str(ROOT / "scripts" / "write_performance_page.py"))


@pytest.fixture
def results(tmp_path):
    for name, facts in RESULTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"made": MADE} | facts))
    return tmp_path


def test_the_page_is_what_its_script_writes(script):
    page = script["PAGE"].read_text(encoding="utf-8")
    assert page == script["filled"](page, script["MARK"], script["body"]()), (
        "run: python scripts/write_performance_page.py"
    )


def test_every_plot_on_the_page_is_there(script):
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        if path.stem in importlib.import_module("performance_plots").PLOTS:
            assert (script["IMAGES"] / f"{path.stem}.png").is_file()


def test_figures_claims_and_reasons_are_told(script, results):
    body = script["body"](results)
    for part in (
        "| cold start | 7 s | ≤ 6 s | **no** | `x.py` |",
        "| another | never |",
        "| ours | 3 | 128 | as trained | 99.5 |",
        "5.50x (5.00 to 6.00)",
        "compiled: no compiler",
        "skipped: not installed",
        "51% of the convolution ceiling",
        "| convolutions | 54 | 99.00 | 1.000 | 70.0% | 50.0% |",
        "is 5.5 times as fast",
        "differs by +0.3%",
        "| `ddim` | 98.5% | 98.5% |",
        "| generate | 1.50 | 1.40 to 1.60 |",
        "| generate, alone | 1.50 (1.40 to 1.60) | 2.5 | 5.50x (5.00 to 6.00) |",
        "0.42 of 2 CPUs. **The machine was not idle: measure again.**",
        "makes trajectory and commitment from the shell",
        "| 32 px | 3,000,000 | 150.0 | 512 |",
        "| ours | 3 | 1 | 5.0 | never | 5 | 98.0% |",
        "a cpu (avx2), 2 threads, float32",
    ):
        assert part in body


def test_nothing_is_said_of_what_was_not_measured(script, tmp_path):
    assert script["body"](tmp_path) == ""
    (tmp_path / "startup.json").write_text(json.dumps({"made": MADE} | RESULTS["startup"]))
    body = script["body"](tmp_path)
    assert "Cold start" in body
    assert "Sampling" not in body


@pytest.mark.slow
def test_every_result_with_a_plot_is_drawn(script, results, tmp_path):
    drawn = script["draw"](results, tmp_path / "images")
    assert {path.stem for path in drawn} == set(RESULTS) - {"startup", "embedding", "busy"}
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in drawn)
