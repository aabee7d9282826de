"""Packing: whose weights, what is left out, and how a run and its packed model know each other."""

import pytest
import torch

from ddpm_clip.build import bridge_options
from ddpm_clip.conditioning.files import load_conditioner
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import CARD, load, weights_of
from tests.tiny_run import CLASSES, random_state, tiny_run


@pytest.fixture
def run(tmp_path):
    """Two checkpoints; the first of them is the best."""
    run = tiny_run(tmp_path / "run", data={"source": str(tmp_path / "private")})
    later = random_state(run, seed=1)
    later.step = 2
    run.note_best(1)
    run.save(later.checkpoint())
    return run


@pytest.mark.slow
@pytest.mark.parametrize(("best", "step"), [(False, 2), (True, 1)])
def test_the_newest_weights_are_packed_or_the_best(run, tmp_path, best, step):
    packed = pack(run.folder, tmp_path / "packed", best=best)
    wanted = run.load(step).tensors["ema"]
    found = weights_of(packed)
    assert all(torch.equal(found[name], value.half().float()) for name, value in wanted.items())
    assert found.keys() == wanted.keys()
    assert load(packed, "cpu").step == step


@pytest.mark.parametrize("kept", [True, False])
def test_embeddings_of_the_pictures_are_packed_only_if_asked(run, tmp_path, kept):
    packed = pack(run.folder, tmp_path / "packed", bank=kept)
    conditioner = load_conditioner(packed, bridge_options(run.config.conditioning))
    assert len(conditioner.bank) == (len(CLASSES) if kept else 0)
    keys = [f"{name}/0.png" for name in CLASSES]
    assert conditioner.bank_keys == (keys if kept else [])
    named = any(b"left/0.png" in path.read_bytes() for path in packed.rglob("*.json"))
    assert named == kept


def test_a_packed_model_says_nothing_of_its_makers_folders(run, tmp_path):
    packed = pack(run.folder, tmp_path / "packed")
    assert str(tmp_path) not in (packed / CARD).read_text(encoding="utf-8")
    assert load(packed, "cpu").config.data.source == "private"


@pytest.mark.slow
def test_a_run_and_its_packed_model_have_one_fingerprint_and_another_run_another(run, tmp_path):
    packed = load(pack(run.folder, tmp_path / "packed"), "cpu")
    assert packed.fingerprint == load(run.folder, "cpu").fingerprint
    best = load(pack(run.folder, tmp_path / "best", best=True), "cpu")
    assert best.fingerprint != packed.fingerprint
