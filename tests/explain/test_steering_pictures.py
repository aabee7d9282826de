import pytest
import torch

from ddpm_clip.conditioning.conditioner import BridgeOptions
from ddpm_clip.explain.panels.kinds import Table
from ddpm_clip.explain.target.nulls import NULLS, nulls_of
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.training_data.provenance import provenance
from ddpm_clip.explain.training_data.replacing import ANY, NEXT, OTHERS, leave_out, replace_all
from ddpm_clip.explain.training_data.steering import steering
from ddpm_clip.utils.generators import finish
from tests.explain.banked import banked, conditioner_of


def replaced(target, n=8):
    found = steering(target)
    return found, finish(replace_all(target, found, list(range(n)), 10))


def test_pictures_follow_the_neighbours_that_they_are_given():
    _, got = replaced(banked("a three"))
    assert got.other == "an eight"
    assert got.x[OTHERS].shape == got.x[""].shape
    assert got.moved[OTHERS].mean() > 3 * got.moved[NEXT].mean()
    assert (got.odds[OTHERS] < -4).all()
    assert (got.odds[NEXT] > 4).all()
    assert set(got.moved) == {NEXT, ANY, OTHERS}


@pytest.mark.slow
def test_leaving_one_of_many_alike_out_moves_next_to_nothing():
    target = banked("a three")
    found, got = replaced(target)
    alone = finish(leave_out(target, found, got, 4, list(range(8)), 10))
    assert alone.shape == (4, found.k)
    assert alone.mean() < 0.1 * got.moved[OTHERS].mean()


@pytest.mark.slow
def test_a_bank_that_steers_passes_and_names_its_pictures():
    found = provenance(banked("a three"), quick=True)
    assert found.verdict == "pass", found.test
    named = found.numbers["neighbours"]
    assert len(named) == 6
    assert all(one["row"] % 10 == 3 for one in named)
    assert sum(one["weight"] for one in named) == pytest.approx(1.0, abs=1e-5)
    table = next(panel for panel in found.panels if isinstance(panel, Table))
    assert table.rows[0][0] == f"picture {named[0]['row']}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("null", nulls_of("provenance"))
def test_no_null_passes(null, seed):
    target = NULLS[null](banked("a three" if seed else "an eight", steps=6), seed)
    assert provenance(target, quick=True).verdict != "pass"


@pytest.mark.slow
def test_a_bank_that_does_not_steer_fails():
    """Its neighbours are asked for, and then words alone decide (beta = 1)."""
    deaf = conditioner_of(BridgeOptions("knn", knn_k=6, knn_beta=1.0))
    found = provenance(banked("a three", conditioner=deaf), quick=True)
    assert found.verdict == "fail"
    moved = found.numbers["replaced"]["any pictures"]["moved"]["mean"]
    assert moved == pytest.approx(0.0, abs=1e-6)


def test_without_a_bank_only_copies_are_looked_for():
    found = provenance(planted_target("a three", seeds=range(4)), quick=True)
    assert found.verdict == "inconclusive"
    assert "copies" in found.numbers
    assert torch.isfinite(found.panels[0].images).all()
