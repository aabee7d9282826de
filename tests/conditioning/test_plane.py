"""The map: a plane through the pictures, and conditions at its points."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.plane import Plane, conditions_at
from ddpm_clip.errors import DataError


@pytest.fixture(scope="module")
def conditioner() -> Conditioner:
    """A flat cloud: two of twelve directions hold most of the variance."""
    generator = torch.Generator().manual_seed(0)
    e = torch.randn(300, 12, generator=generator) * torch.tensor([3.0, 2.0, *[0.5] * 10])
    return Conditioner.fit(F.normalize(e + 4, dim=1), F.normalize(e[:20] + 4, dim=1))


@pytest.fixture(scope="module")
def plane(conditioner) -> Plane:
    return Plane.of(conditioner)


def test_its_axes_are_orthonormal_and_hold_most_of_the_variance(plane):
    assert torch.allclose(plane.axes.T @ plane.axes, torch.eye(2).double(), atol=1e-9)
    assert 0.5 < plane.explained < 1
    spread = plane.points.var(0)
    assert spread[0] > spread[1] > plane.rest.var(0).max()


def test_it_does_not_depend_on_the_sign_that_the_solver_chose(plane):
    assert (plane.axes.gather(0, plane.axes.abs().argmax(0, keepdim=True)) > 0).all()


def test_a_condition_at_a_point_falls_on_that_point(plane):
    at = torch.tensor([[0.0, 0.0], [1.5, -2.0], [-3.0, 0.7]])
    assert torch.allclose(plane.place(plane.lifted(at)), at, atol=1e-5)


def test_at_a_picture_it_is_that_picture_and_in_between_it_is_not_shorter(plane, conditioner):
    own = conditioner.images(conditioner.bank[:9].float())[:, :-1]
    assert torch.allclose(plane.lifted(plane.points[:9]), own, atol=1e-3)
    at = (plane.points[:40] + plane.points[40:80]) / 2
    rest = plane.lifted(at) - plane.centre - at.double() @ plane.axes.T
    assert rest.norm(dim=1).mean() == pytest.approx(plane.rest.norm(dim=1).mean().item(), rel=0.2)


def test_a_small_step_on_the_map_is_a_small_step_of_the_condition(plane):
    path = torch.stack([torch.linspace(-2, 2, 4001), torch.zeros(4001)], 1)
    steps = plane.lifted(path).diff(dim=0).norm(dim=1)
    assert steps.max() < 0.1  # no jump where a picture leaves the nearest ones


def test_far_from_all_pictures_it_comes_back_to_them(plane, conditioner):
    c = conditions_at(conditioner, plane, torch.tensor([[500.0, 500.0]]))
    assert c.shape == (1, conditioner.width)
    assert conditioner.cloud.trust(c[:, :-1]).item() == 1
    assert c[0, -1] == 0


@pytest.mark.parametrize(("mode", "bank"), [("raw", 20), ("centred", 3)])
def test_without_centred_pictures_there_is_no_map(conditioner, mode, bank):
    e = conditioner.bank.float()
    with pytest.raises(DataError, match="no map"):
        Plane.of(Conditioner.fit(e, e[:20], mode=mode, bank_size=bank))
