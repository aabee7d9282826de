"""A conditioner goes into a folder and comes out as it was, with or without a prior."""

import json

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import BridgeOptions, Conditioner
from ddpm_clip.conditioning.files import (
    BRIDGE_NOTE,
    FACTS,
    load_conditioner,
    read_note,
    save_conditioner,
    tensors_of,
    write_note,
)
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.errors import StorageError
from tests.packed_before import before_priors


def conditioner(prior):
    images, texts = F.normalize(
        torch.randn(2, 40, 6, generator=torch.Generator().manual_seed(0)), dim=2
    )
    made = Conditioner.fit(images, texts, keys=[f"k{i}" for i in range(40)], prompts=["a"])
    made.prior = Prior.fit(texts, images) if prior else None
    return made


@pytest.mark.parametrize("prior", [False, True])
@pytest.mark.parametrize("bank", [False, True])
def test_what_is_saved_is_opened(tmp_path, prior, bank):
    saved = conditioner(prior)
    save_conditioner(tmp_path, saved, bank)
    opened = load_conditioner(tmp_path, BridgeOptions())
    assert (opened.prior is not None) == prior
    assert len(opened.bank_keys) == len(opened.bank) == (40 if bank else 0)
    known = tensors_of(saved, bank)
    assert tensors_of(opened).keys() == known.keys()
    assert all(torch.equal(tensor, known[name]) for name, tensor in tensors_of(opened).items())


def test_models_of_before_open_without_a_prior_or_a_note(tmp_path):
    from ddpm_clip.runs.pretrained import describe

    folder = before_priors("flowers", tmp_path)
    assert describe(folder)["bridge"] == {}
    assert "prior" not in load_conditioner(folder, BridgeOptions()).bridges


def test_a_note_is_read_back_and_a_damaged_one_is_named(tmp_path):
    assert read_note(tmp_path) == {}
    write_note(tmp_path, {"bridge": "knn", "reason": "for the test"})
    assert read_note(tmp_path)["bridge"] == "knn"
    (tmp_path / BRIDGE_NOTE).write_text('{"bri')
    with pytest.raises(StorageError, match=r"bridge\.json"):
        read_note(tmp_path)


@pytest.mark.parametrize("length", ["nan", "inf", 0, -1, 1e30, 10**400, None, [1]], ids=str)
def test_a_length_that_no_embedding_can_have_is_refused(tmp_path, length):
    save_conditioner(tmp_path, conditioner(prior=False))
    facts = json.loads((tmp_path / FACTS).read_text())
    (tmp_path / FACTS).write_text(json.dumps(facts | {"length": length}))
    with pytest.raises(StorageError, match="cannot read the conditioner"):
        load_conditioner(tmp_path, BridgeOptions())


def test_a_folder_without_a_conditioner_is_named(tmp_path):
    with pytest.raises(StorageError, match="cannot read the conditioner"):
        load_conditioner(tmp_path, BridgeOptions())
