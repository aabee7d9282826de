"""Painting from points of the map."""

import pytest
import torch

from ddpm_clip.editing import paint_points
from ddpm_clip.editing.points import along, checked_points
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import stack_pictures


def test_a_path_has_both_ends_and_even_steps():
    path = torch.tensor(along([[0, 0], [3, 4], [3, 5]], 13))
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [3, 5]
    assert torch.allclose(path.diff(dim=0).norm(dim=1), torch.full((12,), 0.5), atol=1e-5)


def test_a_path_that_does_not_move_stays():
    assert along([[1, 2], [1, 2]], 3) == [[1.0, 2.0]] * 3


@pytest.mark.parametrize(
    "at", [[], [[1]], [[1, 2, 3]], [["1", 2]], [[True, 2]], [[float("nan"), 0]], [[1e9, 0]]]
)
def test_what_is_no_point_is_refused(at):
    with pytest.raises(UsageError, match="not a point"):
        checked_points(at)


def test_every_point_is_painted_with_every_seed(tti):
    settings = tti.settings(n=2, seed=5, steps=1)
    painted = finish(paint_points(tti, [[0, 0], [4, 1]], settings))
    assert [one.request.facts["at"] for one in painted] == [[0, 0], [4, 1], [0, 0], [4, 1]]
    assert [one.request.seed for one in painted] == [5, 5, 6, 6]
    path = finish(paint_points(tti, [[0, 0], [4, 0]], settings, frames=3))
    assert [one.request.facts["at"][0] for one in path] == [0, 2, 4] * 2


@pytest.mark.slow
def test_at_the_point_of_a_training_picture_its_like_are_painted(tti):
    """A point where a word falls promises less: the plane shows a quarter of the variance."""
    model, settings = tti.model, tti.settings(n=4, steps=8)
    names = list(model.classes)
    words = model.embedder.embed_texts(names).float() - model.conditioner.mean_text
    bank = model.conditioner.bank.float() - model.conditioner.mean_image
    row = int((bank @ words.T)[:, names.index("zero")].argmax())  # the clearest zero
    painted = finish(paint_points(tti, [model.plane.points[row].tolist()], settings))
    judge = JudgeNet.load(shipped_judge_folder("digits"))
    probabilities, _ = judge(stack_pictures([one.image for one in painted], 28, 1))
    assert (probabilities.argmax(1) == judge.classes.index("zero")).sum() >= 3
