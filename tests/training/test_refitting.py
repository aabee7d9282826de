"""A model that was packed without a prior gets one from the pictures that its config names."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.errors import DataError
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.prepare.refitting import take_words
from tests.packed_before import before_priors

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "refit_bridge.py"


@pytest.mark.slow
def test_it_is_fitted_on_captions_and_its_bridge_is_chosen_and_kept(tmp_path):
    folder = before_priors("flowers", tmp_path)
    path = folder / "config.json"
    facts = json.loads(path.read_text())
    facts["config"]["data"]["draw"] = 600
    facts["config"]["conditioning"]["bridge"] = "shift"
    path.write_text(json.dumps(facts))
    note = runpy.run_path(str(SCRIPT))["refitted"](load(folder, "cpu"), "auto")
    opened = load(folder, "cpu")
    assert note["prior"]["pairs"] == "captions"
    assert opened.conditioner.prior.n == note["prior"]["n"] > 500
    assert opened.conditioner.options.bridge == note["bridge"]
    assert "60 held-out captions" in note["reason"]


def trained_further(tower):
    clip = MiniClip.load(load("digits", "cpu").folder / "embedder")
    with torch.no_grad():
        next(getattr(clip, tower).parameters()).add_(0.1)
    clip.prompts = ["a six", "a seven", "the number 3"]
    return clip


@pytest.mark.slow
def test_other_words_bring_their_own_statistics():
    model, clip = load("digits", "cpu"), trained_further("text")
    take_words(model, clip)
    texts = clip.embed_texts(clip.prompts)
    assert model.embedder is clip
    assert model.conditioner.prompts == clip.prompts
    assert torch.allclose(model.conditioner.mean_text, texts.mean(0), atol=1e-6)
    spread = (texts - texts.mean(0)).square().sum(1).mean().sqrt().item()
    assert model.conditioner.radius_text == pytest.approx(spread)


@pytest.mark.slow
def test_words_of_a_clip_that_sees_otherwise_are_refused():
    with pytest.raises(DataError, match="does not see pictures as that of digits does"):
        take_words(load("digits", "cpu"), trained_further("image"))
