"""A gap of known size: it is where it was planted, and the model around it is as it was."""

import importlib
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip import TextToImage
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.measures import measure_gap

TEXTS = [f"text {i}" for i in range(60)]


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("planted_gap")


def cloud(n, seed, towards):
    """n unit rows (n, 16) around a direction, of unequal variance along the axes."""
    generator = torch.Generator().manual_seed(seed)
    middle = torch.zeros(16)
    middle[towards] = 0.7
    spread = 0.5 * 0.7 ** torch.arange(16)
    return F.normalize(middle + spread * torch.randn(n, 16, generator=generator), dim=1)


IMAGES, WORDS = cloud(400, 0, 0), cloud(60, 1, 3)
CONDITIONER = Conditioner.fit(IMAGES, WORDS, prompts=TEXTS)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_texts_are_moved_to_the_wanted_mean_and_stay_of_unit_length(planted, noise):
    mean = planted.place_of_gap(CONDITIONER, 0.85)
    moved = planted.move_to(mean, WORDS, TEXTS, noise)(WORDS, TEXTS)
    assert torch.allclose(moved.mean(0), mean, atol=2e-5)
    assert torch.allclose(moved.norm(dim=1), torch.ones(60))
    assert measure_gap(IMAGES, moved, paired=False).distance == pytest.approx(0.85, abs=1e-3)


def test_the_gap_is_turned_away_from_the_mean_picture_as_that_of_a_real_clip(planted):
    middle = CONDITIONER.mean_image
    gap = planted.place_of_gap(CONDITIONER, 0.85) - middle
    assert F.cosine_similarity(gap, middle, dim=0) == pytest.approx(-0.6, abs=1e-5)
    loud = planted.loudness(F.normalize(gap, dim=0)[None], CONDITIONER.covariance)
    assert loud.item() == pytest.approx(2.5, abs=0.3)


def test_loudness_of_an_axis_is_its_variance_over_the_mean_one(planted):
    covariance = torch.diag(torch.tensor([1.0, 2.0, 3.0]))
    assert planted.loudness(torch.eye(3), covariance).tolist() == pytest.approx([0.5, 1.0, 1.5])


@pytest.mark.slow
def test_a_mean_that_no_unit_vectors_have_is_refused(planted):
    with pytest.raises(DataError, match="no offset"):
        planted.move_to(1.2 * F.normalize(torch.ones(16), dim=0), WORDS, TEXTS)


def test_noise_goes_by_the_text_alone(planted):
    one = planted.noise_of(["a", "b"], 8, 0.1)
    assert torch.equal(one, planted.noise_of(["b", "a"], 8, 0.1).flip(0))
    many = planted.noise_of([str(i) for i in range(500)], 8, 0.1)
    assert many.std().item() == pytest.approx(0.1, rel=0.05)


@pytest.mark.slow
def test_a_model_is_measured_again_on_moved_texts_and_only_there(planted):
    tti = TextToImage.from_pretrained("digits", "cpu")
    old, embedder = tti.model.conditioner, tti.model.embedder
    texts = embedder.embed_texts(old.prompts).detach()
    move = planted.move_to(old.mean_image, texts, old.prompts)
    told = planted.CaptionedPictures(old.prompts[:60], F.normalize(old.bank[:60].float(), dim=1))
    other, choice = planted.replanted(tti, move, told, told)
    new = other.model.conditioner
    assert torch.allclose(new.mean_text, old.mean_image, atol=1e-4)
    assert new.mean_image is old.mean_image
    assert new.bank is old.bank
    assert other.model.network is tti.model.network
    assert new.prior.n == 60
    assert choice.figures.keys() == {"shift", "identity", "knn", "prior"}
    # where the texts' mean is the pictures', there is nothing to shift
    asked = other.model.embedder.embed_texts(["six", "a thin nine"]).detach()
    shifted = new.texts(asked, "shift", bounded=False)
    assert torch.allclose(shifted, new.texts(asked, "identity"), atol=5e-3)
    assert tti.model.embedder is embedder
    assert torch.equal(tti.model.conditioner.mean_text, old.mean_text)
