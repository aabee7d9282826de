"""A field that is switched off: nowhere changes nothing, everywhere is a walk without words."""

import pytest
import torch

from ddpm_clip.explain.guidance.masked_field import moved, strongest, switched_off
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish

FIELD = torch.arange(2 * 16.0).view(2, 1, 4, 4) - 9


@pytest.fixture(scope="module")
def planted():
    return planted_target("a two", range(4), steps=8)


def test_the_strongest_are_the_largest_either_way_and_as_many_as_said():
    mask = strongest(0.25)(FIELD)
    assert mask.flatten(1).sum(1).tolist() == [4, 4]
    size = FIELD.abs()
    assert bool((size[mask].view(2, 4).amin(1) >= size[~mask].view(2, 12).amax(1)).all())


def test_the_control_has_the_same_shape_elsewhere():
    mask, other = strongest(0.25), moved(strongest(0.25))(FIELD)
    assert other.flatten(1).sum(1).tolist() == [4, 4]
    assert not torch.equal(other, mask(FIELD))
    shifts = [mask(FIELD).roll((i, j), (2, 3)) for i in range(4) for j in range(4)]
    assert all(any(torch.equal(other[b], one[b]) for one in shifts) for b in range(2))


@pytest.mark.parametrize(("share", "scale"), [(0, 2.0), (1, 0.0)])
def test_none_or_all_of_the_field_off_are_walks_that_we_know(share, scale, planted):
    def mask(field):
        return torch.full_like(field[:, :1], bool(share), dtype=torch.bool)

    c, seeds = planted.conditions(), list(planted.seeds)
    x = finish(planted.pictures(c, wrap=switched_off(planted, c, seeds, mask)))
    assert torch.allclose(x, finish(planted.pictures(c, scale=scale)), atol=1e-6)
