import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.explain.over_time.alignment import Alignment

TEXTS = ("own", "one", "two")


def unit(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=generator), dim=-1)


def test_what_a_text_shares_with_all_pictures_falls_out():
    """Every picture lies near the control whatever it shows; only the own words are moved to."""
    texts = torch.eye(4)[:3]
    silent = F.normalize(torch.tensor([0.1, 1.0, 0.0, 0.5]), dim=0).expand(8, 2, 4)
    spoken = F.normalize(torch.tensor([0.5, 1.0, 0.0, 0.5]), dim=0).expand(8, 2, 4)
    found = Alignment.of(TEXTS, spoken, silent, texts)
    assert float(found.over_controls().low.min()) > 0
    raw = spoken[:, -1] @ texts.T
    assert bool((raw[:, 1] > raw[:, 0]).all())


def test_the_hardest_control_is_named():
    texts = torch.eye(3)
    spoken = torch.tensor([0.9, 0.1, 0.6]).expand(8, 1, 3)
    found = Alignment.of(TEXTS, spoken, torch.zeros(8, 1, 3), texts)
    name, least = found.nearest()
    assert name == "two"
    assert float(least.mean) == pytest.approx(0.3)
    assert found.as_dict()["above_all"]


def test_pictures_that_move_anywhere_rarely_pass():
    """With two controls the own text leads by chance in one of three directions."""
    passes = 0
    for seed in range(100):
        spoken, silent = unit(12, 1, 16, seed=seed), unit(12, 1, 16, seed=seed + 1000)
        found = Alignment.of(TEXTS, spoken, silent, unit(3, 16, seed=seed + 2000))
        passes += float(found.nearest()[1].low) > 0
    assert passes <= 5
