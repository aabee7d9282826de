"""The page of results and the table of bridges say what the JSON holds, and what is not there."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = {
    "date": "2026-01-02T03:04:05",
    "cpu": "a cpu",
    "commit": "abcdef0123",
    "torch": "2",
    "command": "python benchmarks/x.py --n 5",
}
CARD = {"seed": 2077, "figures": {"accuracy": {"digit": 0.996}}}
COUNT = {"n": 2000, "success": 1970, "share": 0.985, "interval_95": [0.957, 0.995], "read": 1980}
CLAIM = {"claim": "the asked digit", "needed": 0.99, "measured": 0.985, "holds": False}
PAIR = {"n": 2000, "difference": 0.25, "interval_95": [0.2, 0.3]}
BRIDGE = {
    "total": COUNT,
    "minus_identity": PAIR,
    "minus_identity_other_prompts": [0.1, 0.4],
    "gap_closed": {"share": 0.9, "interval_95": [0.8, 1.0]},
}
AUDIT = {
    "verdict": "clear",
    "duplicates": {"n": 1, "heldout": 2},
    "closer_to_train": {"decided": 1999, "share": 0.51, "interval_95": [0.48, 0.54]},
}
READ = {"accepted": COUNT, "digits": {}}
RESULTS = {
    "digits_from_words": {
        "claims": [CLAIM], "model_fingerprint": "fff", "judge": CARD,
        "words": {"total": COUNT, "values": {"digit: six": COUNT},
                  "second_judge": {"judge": CARD | {"seed": 4711}, "total": COUNT}},
        "agreement": {"same": {"total": COUNT}, "right": {"total": COUNT}},
        "gate": {"n": 20, "times": {"n": 20, "share": 0.95, "interval_95": [0.76, 0.99]}},
    },
    "bridges": {
        "model_fingerprint": "fff", "steps": 20, "pictures": 2000,
        "image embeddings (ceiling)": {"total": COUNT},
        "gaps": {"planted gap": {
            "best": "knn", "bridges": {"identity": BRIDGE | {"gap_closed": None}, "knn": BRIDGE},
            "report": {"model": {"distance": 0.85}, "chosen_bridge": "knn",
                       "pairs": {"share": 0.6, "centred_cosine": 0.31}}}},
    },
    "three_tasks": {
        "classes": {"total": COUNT, "values": {"digit: six": COUNT}}, "not_measured": [],
        "unconditional": {
            "read": READ, "real_read": READ, "copies": {"pixels": AUDIT},
            "against_heldout": {"frechet": {"painted": 1.25, "real": 1.0, "n": 2000}},
            "told_apart": {"painted": {"accuracy": 0.61, "n": 2000}, "real": {"accuracy": 0.5}}},
    },
    "without_words": {
        "not_measured": [],
        "digits, drawn, guidance 2": {
            "accepted": COUNT, "real_accepted": COUNT, "copies": {"pixels": AUDIT},
            "against_unseen": {name: {"painted": 0.9, "real": 0.91}
                               for name in ("frechet", "precision", "recall")},
            "told_apart": {"painted": {"accuracy": 0.61, "n": 2000}, "real": {"accuracy": 0.5}}}},
    "clip_guidance": {"ways": {"guided": {"total": COUNT}}},
    "photos": {
        "judge": CARD, "not_measured": ["unseen_phrasings"], "real": {"total": COUNT},
        "made": MADE | {"uncommitted_changes": True},
        "beside_real": {"coverage": {"painted": 0.96, "real": 0.975, "n": 368}},
        "words": {"total": COUNT, "values": {"label: roses": COUNT}}, "copies": AUDIT,
        "bridges_and_ceiling": {"knn": {"total": COUNT}}},
    "beside_real": {
        "digits": {"bridge": "prior", "figures": {"copies": [
            {"name": "copies (pixels; clear)", "value": 0.0, "unit": "%", "n": 1000,
             "interval_95": [0.0, 0.004], "real": 0.001},
            {"name": "probability of as many by chance", "value": 0.5, "n": 1000}],
            "diversity": [{"name": "ratio to real pictures", "value": 0.8321, "n": 1000}]}},
        "variety of digits by bridge": {
            "real": {"mean_distance": 17.5, "n": 10000},
            "prior": {"mean_distance": 14.54, "ratio": 0.83, "n": 1000}}},
    "clips": {"clips": {"digits, conditions": {
        "zero_shot": 0.992, "interval_95": [0.99, 0.994], "classes": 10, "retrieval": 0.988,
        "n": 10000, "gap": 0.656, "paired_cosine": 0.531, "unpaired_cosine": 0.033,
        "image_dimensions": 12.16, "text_dimensions": 13.4, "dim": 64}}},
    "promise": {
        "judge": CARD, "real": {"total": COUNT}, "zero_shot": {"a photo of {x}": COUNT},
        "dealt": {"pictures": {"clip": 7500, "denoiser": 7501, "judge": 12000, "test": 3000},
                  "equal_pictures_in_two_parts": 4},
        "words": {"total": COUNT, "values": {"label: airplane": COUNT}},
        "growth": {"15": {"steps": 1449, "success": COUNT, "beside_real": {
            "frechet": {"painted": 30.0, "real": 2.0, "n": 500},
            "kid": {"painted": 0.5, "real": 0.01, "n": 500},
            "recall": {"painted": 0.4, "real": 0.9, "n": 500}}}},
        "training": {"meaning": "minutes on two cores", "parameters": 7.25e6,
                     "spent": {"seconds": 6000, "cpu_seconds": 5400}},
        "bridges": {"chosen": "prior", "table": {
            "identity": COUNT | {"minus_identity": PAIR},
            "prior": COUNT | {"minus_identity": PAIR}}},
        "beside_real": {"kid": {"painted": 0.25, "real": 0.01, "n": 1000}}, "copies": AUDIT},
    "emoji": {"painted": COUNT, "real": COUNT | {"share": 0.5}, "verdict": "measurable"},
    "noise_levels": {
        "levels": [1.0, 80.0], "n": 1417, "trained_steps": 400,
        "mean_picture": 0.277, "linear_in_condition": 0.155,
        "arms": {"low": {"p_mean": -0.8, "p_std": 1.3, "with_condition": [0.04, 0.24],
                         "without_condition": [0.05, 0.3]},
                 "high": {"p_mean": 0, "p_std": 1.6, "with_condition": [0.05, 0.18],
                          "without_condition": [0.06, 0.28]}}},
}  # fmt: skip


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return lambda name: runpy.run_path(str(ROOT / "scripts" / f"{name}.py"))


@pytest.fixture
def results(tmp_path):
    for name, facts in RESULTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"made": MADE} | facts))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "mark", "body"),
    [
        ("write_results_page", "MARK", "body"),
        ("fill_bridges", "MARK", "body"),
        ("fill_bridges", "SECOND", "emphasis"),
    ],
)
def test_a_page_is_what_its_script_writes(script, name, mark, body):
    found = script(name)
    page = found["PAGE"].read_text(encoding="utf-8")
    wanted = found["fill"].__globals__["filled"](page, found[mark], found[body]())
    assert page == wanted, f"run: python scripts/{name}.py"


def test_figures_claims_and_yardsticks_are_told(script, results):
    body = script("write_results_page")["body"](results)
    for part in (
        "| the asked digit | 98.5% | ≥ 99.0% | **no** | `x.py` |",
        "| in four phrasings | 98.5% | 95.7% to 99.5% | 2,000 |",
        "else (seed 4711) | 98.5%",
        "| in phrasings absent from the captions | not measured yet |",
        "fifty pictures right) | 95.0% | 76.0% to 99.0% | 20 |",
        "judge (seed 2077) on real",
        "| planted gap | 98.5% | `knn` 98.5% | +25.0% (+20.0% to +30.0%) | 90% | 2,000 |",
        "| by class | 98.5%",
        "| Fréchet distance (own features; no FID) | 1.25 | 1 | 2,000 |",
        "| accuracy of a classifier of painted vs held-out pictures | 61.0% | 50.0% |",
        "| pixels | 51.0% | 48.0% to 54.0% | 1,999 | 1 | 2 | clear |",
        "| guided | 98.5% |",
        "| requested in words | 98.5% | 95.7% to 99.5% | 2,000 | 99.0% |",
        "| roses | 98.5%",
        "| requested in phrasings absent from the captions | not measured yet |",
        "| `knn` | 98.5%",
        "| real noto drawings | 50.0%",
        "7,501 others without for the denoiser",
        "pictures in two of these parts: 4.",
        "| real test pictures, named by the CLIP as “a photo of …” | 98.5% |",
        "| painted, airplane | 98.5% |",
        "| 15 minutes, 1,449 steps | 98.5% |",
        "| 2,000 | 15.0 | 0.5 (0.01) | 0.40 (0.90) |",
        "Minutes on two cores. It took 100 minutes and 90 of a core; 7.2 million weights.",
        "| `prior`, chosen by `auto` | 98.5% |",
        "| 95.7% to 99.5% | 2,000 | +25.0% (+20.0% to +30.0%) |",
        "| `identity` | 98.5% | 95.7% to 99.5% | 2,000 |  |",
        "| kernel distance (MMD²) | 0.25 | 0.01 | 1,000 |",
        "embeddings of drawings | not measured",
        "Verdict: measurable.",
        "| copies (pixels; clear) | 0.0% | 0.0% to 0.4% | 0.1% | 1,000 |",
        "| `digits`, bridge `prior` | ours |",
        "| variety: ratio to real pictures | 0.832 |  |  | 1,000 |",
        "| `prior` | 14.5 | 83% | 1,000 |",
        "| real | 17.5 |  | 10,000 |",
        "| digits, conditions | 99.2% | 99.0% to 99.4% | 10 | 98.8% | 10,000 |",
        "| digits, conditions | 0.66 | 0.53 | 0.03 | 12.2 | 13.4 | 64 |",
        "| coverage | 0.96 | 0.975 | 368 |",
        "commit abcdef0, **measured with uncommitted code**, a cpu.",
        "| 80 | 0.2400 | 0.1800 | 0.3000 | 0.2800 |",
        "to pixels 0.1550",
        "| p_mean 0, p_std 1.6, conditioned",
        "weights `fff`, 2026-01-02, commit abcdef0, a cpu.",
    ):
        assert part in body


def test_what_was_not_measured_is_named_and_nothing_is_told_of_it(script, tmp_path):
    found = script("write_results_page")
    body = found["body"](tmp_path)
    assert "No target was measured yet." in body
    for name, section in found["SECTIONS"].items():
        why = section.absent or "Not measured yet:"
        assert f"## {section.title}\n\n{why} `python benchmarks/" in body, name
    assert "%" not in body


def test_every_program_that_the_page_names_is_there_or_said_not_to_be(script):
    found = script("write_results_page")
    for name, section in found["SECTIONS"].items():
        program = (section.program or f"{name}.py").split()[0]
        assert (ROOT / "benchmarks" / program).is_file(), program


def test_the_table_of_bridges_tells_differences_and_shares(script, results, tmp_path):
    body = script("fill_bridges")["body"](results)
    assert "distance of the means of 0.85, 60% of the squared distance" in body
    row = "+25.0% | +20.0% to +30.0% | +10.0% to +40.0% | 90% (80% to 100%) |"
    assert f"| `knn` | 98.5% | 95.7% to 99.5% | {row}" in body
    assert "| `identity` | 98.5% | 95.7% to 99.5% |  |  |  |  |" in body
    assert script("fill_bridges")["body"](tmp_path / "nowhere").startswith("Not measured yet")
