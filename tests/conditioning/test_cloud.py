"""A condition from outside comes back into the pictures' cloud; one from inside stays as it is."""

import math

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.bridges import BridgeOptions
from ddpm_clip.conditioning.cloud import ROOM, Cloud
from ddpm_clip.conditioning.conditioner import Conditioner

SPREAD = torch.tensor([3.0, 1.0, 0.5, 0.01])


def drawn(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    c = SPREAD * torch.randn(n, len(SPREAD), generator=generator)
    return c - c.mean(0)


def cloud(n: int = 4000) -> Cloud:
    c = drawn(n)
    return Cloud.fit(c.T @ c / n, c)


def test_distances_are_those_of_the_pictures_own_metric():
    at = cloud().distances(torch.diag(SPREAD))[:3]  # one standard deviation along each axis
    assert torch.allclose(at, torch.ones(3).double(), rtol=0.05)
    assert cloud().typical == pytest.approx(math.sqrt(2.8), rel=0.1)  # chi of about 3 axes


def test_unseen_pictures_lie_as_far_out_as_the_cloud_says_however_few_there_were():
    """Without leaving each picture out, few pictures in many dimensions look far too close."""
    generator = torch.Generator().manual_seed(1)
    axes = torch.randn(200, 200, generator=generator) / 14
    few, unseen = (torch.randn(n, 200, generator=generator) @ axes for n in (120, 500))
    fitted = Cloud.fit(few.T @ few / len(few), few)
    assert fitted.distances(unseen).median().item() == pytest.approx(fitted.typical, rel=0.15)
    assert (fitted.trust(unseen) == 1).all()


def test_odd_pictures_do_not_stretch_the_reach():
    c = drawn(2000)
    odd = torch.cat([c, torch.full((4, 4), 30.0)])
    assert Cloud.fit(odd.T @ odd / len(odd), odd).reach < 1.3 * cloud(2000).reach


def test_inside_nothing_changes_and_outside_comes_to_the_nearest_point():
    fitted, inside = cloud(), drawn(50, seed=2)
    far = torch.tensor([[2.0, 0.0, 0.0, 0.6], [200.0, 3.0, 0.0, 0.0]])
    c = torch.cat([inside, far])
    trust = fitted.trust(c)
    assert (trust[:50] == 1).all()
    assert (trust[50:] < 0.9).all()
    brought = fitted.inward(c, trust)
    assert torch.equal(brought[:50], inside)
    wanted = ROOM * fitted.reach * trust[50:].double()
    assert torch.allclose(fitted.distances(brought[50:]), wanted, rtol=1e-4)
    assert brought[50, 0] > 1.9  # pictures vary there: kept
    assert brought[50, 3] < 0.4  # no picture varies there: given up
    for row, back in zip(far, brought[50:], strict=True):
        step = 1e-3 * torch.randn(200, 4, generator=torch.Generator().manual_seed(3)) * SPREAD
        others = back + step
        others = others * (fitted.distances(back[None]) / fitted.distances(others))[:, None].float()
        assert (others - row).norm(dim=1).min() > (back - row).norm() - 1e-4


def test_trust_falls_with_the_square_of_the_distance_and_limits_guidance():
    fitted = cloud()
    edge = ROOM * fitted.reach * F.one_hot(torch.tensor([0]), 4) * fitted.variances.max().sqrt()
    trust = fitted.trust(torch.cat([0.99 * edge, 2 * edge, 4 * edge]).float())
    assert torch.allclose(trust, torch.tensor([1, 0.25, 0.0625]), rtol=1e-3)
    limits = fitted.guidance_limit(trust)
    assert limits[0].item() == pytest.approx(1 + fitted.reach / fitted.typical)
    assert 1 < limits[2] < limits[1] < limits[0]


def test_pictures_that_are_all_the_same_have_a_cloud_too():
    same = torch.zeros(5, 4)
    fitted = Cloud.fit(torch.zeros(4, 4), same)
    back = fitted.inward(torch.ones(1, 4), fitted.trust(torch.ones(1, 4)))
    assert torch.equal(back, torch.zeros(1, 4))


def test_without_pictures_the_covariance_gives_the_distances():
    c = drawn(4000)
    known = Cloud.fit(c.T @ c / len(c), c[:0])
    assert known.typical == pytest.approx(cloud().typical, rel=0.35)
    assert known.reach > known.typical


def test_unseen_pictures_stay_and_what_lies_between_two_kinds_comes_to_one_of_them():
    generator = torch.Generator().manual_seed(4)
    kinds = torch.tensor([[5.0, 0, 0, 0], [-5.0, 0, 0, 0]])
    c = kinds.repeat(600, 1) + 0.5 * torch.randn(1200, 4, generator=generator)
    known, unseen = c[:800], c[800:]
    fitted = Cloud.fit(known.T @ known / len(known), known)
    moved = (fitted.nearer(unseen) != unseen).any(1)
    assert 0.01 < moved.float().mean() < 0.12  # the pictures themselves: a twentieth
    between = torch.tensor([[0.3, 0.1, 0.0, 0.0]])
    assert fitted.trust(between) == 1  # the ellipsoid holds it
    back = fitted.nearer(between)
    assert (back - known).norm(dim=1).min().item() == pytest.approx(fitted.near, rel=1e-4)
    assert (back - kinds[0]).norm() < 2.5
    assert torch.equal(fitted.nearer(torch.cat([unseen, between]))[-1:], back)


def test_of_two_pictures_each_is_as_near_as_they_are_to_each_other():
    pair = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert Cloud.fit(pair.T @ pair / 2, pair).near == pytest.approx(2)
    alone = Cloud.fit(torch.eye(2), pair[:1])
    assert torch.equal(alone.nearer(pair), pair)


def folder(e: int = 16, seed: int = 0) -> tuple[Conditioner, torch.Tensor]:
    """A folder whose pictures vary in few directions; half of the texts do so, half in all."""
    generator = torch.Generator().manual_seed(seed)
    few = torch.tensor([1.0] * 3 + [0.01] * (e - 3))
    images = torch.randn(400, e, generator=generator) * few
    texts = torch.randn(30, e, generator=generator) * torch.stack([few] * 15 + [1 + 0 * few] * 15)
    start = 3 * F.one_hot(torch.tensor(0), e)
    return Conditioner.fit(images + start, texts - start), texts - start


@pytest.mark.parametrize("bridge", ["shift", "noise", "knn"])
def test_whatever_a_bridge_does_its_conditions_end_where_pictures_lie(bridge):
    conditioner, texts = folder()
    conditioner.options = BridgeOptions(noise_max=0.0)
    free = conditioner.texts(texts, bridge, 0.0, bounded=False)
    kept = conditioner.cloud.trust(free[:, :-1]) == 1
    c, trust = conditioner.trusted_texts(texts, bridge, 0.0)
    assert kept.any()
    assert (conditioner.cloud.trust(c[:, :-1]) > 0.999).all()
    assert torch.equal(kept, trust == 1)
    pictures, near = conditioner.cloud.pictures, conditioner.cloud.near
    assert (torch.cdist(c[:, :-1], pictures).min(1).values < 1.001 * near).all()
    as_it_was = kept & (torch.cdist(free[:, :-1], pictures).min(1).values <= 0.999 * near)
    assert torch.equal(c[as_it_was], free[as_it_was])
    assert not torch.equal(c[kept], free[kept]) or bridge == "knn"
    assert not kept.all() or bridge == "knn"  # which is near its neighbours anyway


def test_identity_stays_what_it_is_the_text_as_a_picture():
    conditioner, texts = folder()
    c, trust = conditioner.trusted_texts(texts, "identity")
    assert (trust == 1).all()
    assert torch.allclose(c, conditioner.images(texts), atol=1e-5)


def test_the_less_a_condition_is_trusted_the_more_noise_is_told():
    conditioner, texts = folder()
    generators = [torch.Generator().manual_seed(i) for i in range(len(texts))]
    c, trust = conditioner.trusted_texts(texts, "shift", generators=generators)
    assert (trust < 0.5).any()
    assert torch.allclose(c[:, -1], 0.8 * (1 - trust))
    spread = c[trust < 0.5][:, 3:-1].std()
    assert spread > 0.3  # and the noise is there: pictures alone vary by 0.01 along these


def test_a_network_that_never_saw_noise_is_told_none():
    conditioner, texts = folder()
    conditioner.options = BridgeOptions(noise_max=0.0)
    assert (conditioner.texts(texts, "shift")[:, -1] == 0).all()


def test_a_text_does_not_depend_on_the_others():
    conditioner, texts = folder()
    generators = [torch.Generator().manual_seed(i) for i in range(len(texts))]
    together = conditioner.texts(texts, "shift", generators=generators)
    alone = conditioner.texts(texts[7:8], "shift", generators=[torch.Generator().manual_seed(7)])
    assert torch.allclose(together[7], alone[0], atol=1e-6)
