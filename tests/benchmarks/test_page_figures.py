"""The programs that measure figures of the pages: each finds a known answer, and does not find it
where it is not."""

import importlib
import json
from pathlib import Path

import pytest
import torch

HOME = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(HOME))
    return importlib.import_module


@pytest.mark.slow
def test_more_rounds_agree_more_often(program):
    agreeing = program("inpainting_rounds").agreeing
    shares = [sum(agreeing("dpmpp_2m", rounds, 400, 0)) / 400 for rounds in (1, 5)]
    assert 0.7 < shares[0] < 0.93
    assert shares[1] > 0.98


def test_the_denoiser_is_the_exact_one(program):
    from exact import Mixture, predict

    from ddpm_clip.diffusion.schedules import SCHEDULES

    module, schedule = program("inpainting_rounds"), SCHEDULES["cosine"](1000)
    means = torch.tensor([[[[0.7, 0.7]]], [[[-0.7, -0.7]]]]).double()
    mixture = predict(Mixture(means, torch.tensor([0.5, 0.5]).double(), 0.1), schedule)
    x = torch.randn(50, 1, 1, 2, generator=torch.Generator().manual_seed(0)).double()
    for t in (20.0, 300.0, 800.0):
        torch.testing.assert_close(
            module.exact(schedule)(x, t).x_0, mixture(x, t).x_0, rtol=1e-6, atol=1e-6
        )


@pytest.mark.slow
def test_the_cost_of_a_child_is_measured(program):
    module = program("decoding")
    data = module.encoded("PNG", 32, 32)
    assert module.here(data)().size == (32, 32)
    assert len(module.milliseconds(module.here(data), 2, lambda: 1.0, 3)) == 3
    assert module.milliseconds(lambda: None, 5, iter(range(10)).__next__, 2) == [200.0, 200.0]
    module.PICTURES = {"PNG": ("PNG", 32, 32, 20)}
    row = module.measured(2)["PNG"]
    assert 0 < row["here"]["milliseconds"] < row["in a child"]["milliseconds"]


@pytest.mark.slow
def test_what_the_analyses_find_is_kept_with_their_sentences(program, tmp_path, monkeypatch):
    module = program("explained")
    out = tmp_path / "explained.json"
    words = ("--analyses", "stepwise", "--seeds", "2", "--out", str(out))
    monkeypatch.setattr("sys.argv", ["explained.py", *words])
    module.main()
    facts = json.loads(out.read_text(encoding="utf-8"))
    assert set(facts["analyses"]) == {"stepwise"}
    assert facts["analyses"]["stepwise"]["prompt"] == "a six"
    assert "control prompt" in facts["analyses"]["stepwise"]["test"]
    assert (facts["quick"], facts["seeds"], facts["skipped"]) == (True, 2, {})


def test_what_needs_a_longer_prompt_gets_one(program, monkeypatch):
    module = program("explained")
    monkeypatch.setattr(module, "target_of", lambda tti, prompt, seeds: prompt)
    monkeypatch.setattr(module, "explain_all", lambda target, names, quick: (target, names))
    monkeypatch.setattr(module, "finished", lambda work, name: work)
    found = module.explained(None, ["stepwise", "words"], True, 8)
    assert found == {
        "a six": ("a six", ["stepwise"]),
        "a photo of the digit six": ("a photo of the digit six", ["words"]),
    }
