"""The gap of a model, by its own bank or by pairs, and its picture."""

import pytest
import torch
from PIL import Image

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.plot import draw_gap
from ddpm_clip.evaluation.gap.study import study_model, study_pairs
from ddpm_clip.utils.generators import finish


@pytest.fixture
def model(tiny_tti, monkeypatch):
    """The tiny model with a prompt bank, a bank of pictures, and no prior."""
    generator = torch.Generator().manual_seed(0)
    clip, prompts = tiny_tti.model.embedder, ["a bar", "a beam", "a ring", "a light bar"]
    fitted = Conditioner.fit(
        torch.randn(300, 8, generator=generator), clip.embed_texts(prompts), prompts=prompts
    )
    monkeypatch.setattr(tiny_tti.model, "conditioner", fitted)
    return tiny_tti.model


def test_a_model_is_measured_by_its_own_prompts_and_bank(model):
    study = study_model(model)
    assert (study.report.images, study.report.texts) == (300, 4)
    gap = model.conditioner.mean_image - model.conditioner.mean_text
    assert study.report.distance == pytest.approx(gap.norm().item(), abs=1e-3)
    assert study.report.paired_cosine is None
    assert list(study.bridges) == ["identity", "shift", "noise", "knn", "resample"]
    assert study.bridges["shift"].centred_cosine is None
    assert study.bridges["shift"].nearest_ratio > 0


def test_by_pairs_all_figures_are_there_and_the_prior_takes_part(model):
    images, texts = torch.randn(2, 80, 8, generator=torch.Generator().manual_seed(1))
    model.conditioner.prior = Prior.fit(texts, images)
    study = study_model(model, (images, texts))
    assert "prior" in study.bridges
    assert all(value is not None for value in study.bridges["prior"].as_dict().values())
    assert study.report.share is not None


def test_pairs_of_another_embedder_are_refused(model):
    with pytest.raises(DataError, match="of size 9 for a model that needs size 8"):
        study_model(model, (torch.randn(80, 9), torch.randn(80, 9)))


def test_a_model_without_its_bank_says_how_it_can_be_measured(model):
    model.conditioner.bank = model.conditioner.bank[:0]
    with pytest.raises(DataError, match="too few pictures and prompts") as refused:
        study_model(model)
    assert "--pairs" in refused.value.fix
    pairs = torch.randn(2, 80, 8)
    assert study_model(model, tuple(pairs)).bridges == {}


@pytest.mark.slow
def test_a_study_is_drawn(model, tmp_path):
    images, texts = torch.randn(2, 100, 8, generator=torch.Generator().manual_seed(1))
    drawn = [
        draw_gap(study, tmp_path / "new" / f"{study.name}.png")
        for study in (study_model(model), finish(study_pairs("pairs", images, texts, splits=1)))
    ]
    heights = []
    for path in drawn:
        with Image.open(path) as picture:
            heights.append(picture.size[1])
    assert heights[0] < heights[1]  # two rows of panels, and three with pairs
