import pytest
import torch

from ddpm_clip.evaluation.judge.pictures import bent, nonsense


def drawing(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("make", [bent, nonsense])
@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (3, 3, 32, 32), (2, 1, 15, 15)])
def test_pictures_keep_their_shape_and_follow_from_the_generator(make, shape):
    x = torch.rand(shape, generator=drawing()) * 2 - 1
    first, again = make(x, drawing(1)), make(x, drawing(1))
    assert first.shape == shape
    assert torch.equal(first, again)
    assert not torch.equal(first, make(x, drawing(2)))


def test_bending_moves_a_picture_a_little_and_never_mirrors_it():
    x = torch.full((400, 1, 28, 28), -1.0)
    x[..., 6:22, 4:10] = 1  # ink on the left
    moved = bent(x, drawing())
    left, right = moved[..., :14].sum((1, 2, 3)), moved[..., 14:].sum((1, 2, 3))
    assert (left > right).all()
    near = (moved - x).abs().mean((1, 2, 3))
    assert (near > 0.01).all()
    assert near.mean() < 0.5


def test_bending_brings_in_no_other_ground():
    moved = bent(torch.full((50, 3, 32, 32), 0.5), drawing())
    assert (moved - 0.5).abs().max() < 0.6  # nothing but the grain


def test_nonsense_is_of_three_kinds_and_shuffled_tiles_keep_their_ink():
    x = torch.linspace(-1, 1, 784).view(1, 1, 28, 28).expand(300, -1, -1, -1)
    made = nonsense(x, drawing())
    ink = x[0].flatten()
    shuffled = [one for one in made if torch.equal(one.flatten().sort().values, ink)]
    assert 60 < len(shuffled) < 140
    assert not any(torch.equal(one, x[0]) for one in shuffled)
    assert made.abs().max() <= 1
