"""A model that was packed without a prior gets one from the pictures that its config names."""

import json
import runpy
from pathlib import Path

import pytest

from ddpm_clip.runs.pretrained import load
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
