"""Conditions drawn without words: as pictures are, and of no single picture."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.nearest import NEIGHBOURS
from ddpm_clip.errors import DataError

N, RARE = 400, 100


@pytest.fixture(scope="module")
def two_kinds():
    """A conditioner of pictures of two kinds, a quarter of them of the first."""
    generator = torch.Generator().manual_seed(3)
    noise = 0.15 * torch.randn(N, 8, generator=generator)
    kinds = torch.zeros(N, 8)
    kinds[:RARE, 0], kinds[RARE:, 1] = 1, 1
    return Conditioner.fit(F.normalize(kinds + noise, dim=1), torch.empty(0, 8))


def drawn(conditioner, n, first=0):
    seeds = range(first, first + n)
    c = conditioner.samples([torch.Generator().manual_seed(seed) for seed in seeds])
    return c, conditioner.embeddings(c)


def test_each_kind_is_drawn_as_often_as_there_are_pictures_of_it(two_kinds):
    _, e = drawn(two_kinds, 2000)
    rare = (e[:, 0] > e[:, 1]).double().mean().item()
    assert rare == pytest.approx(RARE / N, abs=4 * (0.25 * 0.75 / 2000) ** 0.5)


def test_a_draw_lies_between_a_picture_and_one_of_its_nearest(two_kinds):
    bank = two_kinds.bank.float()
    _, e = drawn(two_kinds, 300)
    away = torch.cdist(e, bank)
    assert away.min(1).values.median() > 0.05, "no draw is a picture"
    others = torch.cdist(bank, bank).topk(NEIGHBOURS + 1, largest=False).values
    # up to half of the way to a neighbour; near a kind's edge, cosine and distance may disagree
    assert (away.min(1).values <= 0.55 * others.max()).all()
    away_from_itself = others[:, 1:].mean()
    assert away.min(1).values.mean() < 0.5 * away_from_itself


def test_no_draw_lies_between_two_kinds(two_kinds):
    _, e = drawn(two_kinds, 300)
    assert (e[:, :2].max(1).values > 3 * e[:, :2].min(1).values.abs()).double().mean() > 0.9
    assert e[:, :2].max(1).values.min() > 0.6


def test_a_draw_is_a_clean_condition_that_follows_its_own_seed(two_kinds):
    many, _ = drawn(two_kinds, 5)
    one, _ = drawn(two_kinds, 1, first=3)
    assert torch.equal(many[3], one[0])
    assert many.shape == (5, two_kinds.width)
    assert (many[:, -1] == 0).all()
    assert len(torch.unique(many, dim=0)) == 5
    assert drawn(two_kinds, 0)[0].shape == (0, two_kinds.width)


def test_too_few_embeddings_are_refused():
    few = Conditioner.fit(torch.eye(8)[:NEIGHBOURS], torch.empty(0, 8))
    with pytest.raises(DataError, match=f"{NEIGHBOURS} embeddings, {NEIGHBOURS + 1} are needed"):
        drawn(few, 1)
