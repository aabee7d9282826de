import pytest
import torch
from planted import planted

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import judge_features, pixel_features, some_rows
from ddpm_clip.utils.tensors import to_float


def test_the_judge_is_asked_in_chunks_and_without_gradients(toy_judge):
    pixels = planted(520, seed=5)[0]
    found = judge_features(toy_judge, pixels)
    assert found.shape == (520, 128)
    assert not found.requires_grad
    with torch.no_grad():
        assert torch.allclose(found, toy_judge.features(to_float(pixels)), atol=1e-5)
    assert torch.equal(found[:9], judge_features(toy_judge, to_float(pixels[:520]))[:9])


def test_pixels_are_rows_between_minus_one_and_one():
    rows = pixel_features(torch.tensor([[[[0, 255]]], [[[51, 204]]]], dtype=torch.uint8))
    assert rows.flatten().tolist() == pytest.approx([-1, 1, -0.6, 0.6])


def test_no_pictures_have_no_features(toy_judge):
    with pytest.raises(UsageError, match="no pictures"):
        judge_features(toy_judge, torch.empty(0, 1, 16, 16))


def test_a_lot_takes_no_row_twice_and_all_where_it_may():
    assert sorted(some_rows(9, 100, seed=3).tolist()) == list(range(9))
    assert len(set(some_rows(100, 30, seed=3).tolist())) == 30
