"""The linear prior: exact leave-one-out errors, a known Gaussian, no picture shortened."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.files import prior_of, prior_tensors
from ddpm_clip.conditioning.prior import EMPHASIS, FEWEST, Prior
from ddpm_clip.conditioning.regression import SMALL, STRENGTHS, Canonical, principal, ridge
from ddpm_clip.errors import DataError


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def on_a_sphere(n, spread=0.05, noise=0.05, e=16, seed=0):
    """Unit texts and images: the image is a turned and moved text and a residual of known size."""
    turn = torch.linalg.qr(drawn(e, e, seed=99)).Q
    away_text, away_image = F.normalize(drawn(2, e, seed=98), dim=1)
    meaning = spread * drawn(n, e, seed=seed)
    texts = F.normalize(away_text + meaning, dim=1)
    images = F.normalize(away_image + meaning @ turn + noise * drawn(n, e, seed=seed + 1), dim=1)
    return texts, images


def generators(n):
    return [torch.Generator().manual_seed(i) for i in range(n)]


def rms(rows):
    return rows.square().sum(1).mean().sqrt().item()


def test_leave_one_out_errors_are_those_of_really_leaving_one_out():
    x, y = drawn(30, 4), drawn(30, 3, seed=1) + drawn(30, 4) @ drawn(4, 3, seed=2)
    x, y = x - x.mean(0), y - y.mean(0)
    weights, errors = ridge(x, y)
    largest = torch.linalg.svdvals(x)[0].square()
    fitted = [
        torch.linalg.solve(x.T @ x + k * largest * torch.eye(4, dtype=x.dtype), x.T @ y)
        for k in STRENGTHS
    ]
    away = torch.stack([(weights - one).abs().max() for one in fitted])
    assert away.min() < 1e-9
    strength = STRENGTHS[away.argmin()] * largest
    for i in range(30):
        rest = torch.arange(30) != i
        mean_x, mean_y = x[rest].mean(0), y[rest].mean(0)
        a, b = x[rest] - mean_x, y[rest] - mean_y
        without = torch.linalg.solve(a.T @ a + strength * torch.eye(4, dtype=x.dtype), a.T @ b)
        left = y[i] - mean_y - (x[i] - mean_x) @ without
        assert torch.allclose(errors[i], left, rtol=1e-9, atol=1e-9)


def test_what_is_noise_is_shrunk_to_the_mean():
    x, y = drawn(200, 20), drawn(200, 5, seed=1)
    weights, errors = ridge(x - x.mean(0), y - y.mean(0))
    assert rms(x @ weights) < 0.1 * rms(y)
    assert rms(errors) == pytest.approx(rms(y), rel=0.02)


def test_principal_axes_are_orthonormal_and_leave_out_what_is_empty():
    cloud = drawn(200, 3) @ torch.linalg.qr(drawn(16, 16, seed=5)).Q[:3]
    axes = principal(cloud)
    assert axes.shape == (3, 16)
    assert torch.allclose(axes @ axes.T, torch.eye(3, dtype=axes.dtype), atol=1e-9)
    wide = drawn(400, SMALL + 1) * torch.logspace(0, -3, SMALL + 1)
    held = (wide @ principal(wide).T).square().sum() / wide.square().sum()
    assert 0.95 <= held < 0.97


def test_the_mean_and_the_residual_of_a_known_gaussian_are_recovered():
    prior = Prior.fit(*on_a_sphere(4000), emphasis=0.0)
    texts, images = on_a_sphere(4000, seed=50)
    left = images - prior.mean(texts.float()).double()
    assert left.mean(0).norm() < 0.01
    known = prior.root.double() @ prior.root.double()
    seen = left @ prior.image_axes.double().T
    assert known.trace().item() == pytest.approx((seen.T @ seen).trace().item() / 4000, rel=0.05)
    assert (known - seen.T @ seen / 4000).abs().max() < 0.12 * known.diag().max()


def with_a_detail(n, stated=0.2, seed=0):
    """Texts and images of two kinds, always named, and of a detail, stated in a fifth of texts."""
    kind, detail = drawn(2, n, seed=seed).sign()
    says = drawn(n, seed=seed + 1) < torch.distributions.Normal(0, 1).icdf(torch.tensor(stated))
    texts = torch.stack([kind, says * detail], 1) @ torch.eye(6, dtype=kind.dtype)[:2]
    images = torch.stack([kind, detail], 1) @ torch.eye(6, dtype=kind.dtype)[2:4]
    rest = 0.05 * drawn(2, n, 6, seed=seed + 2)
    return 0.2 * (texts + rest[0]), 0.2 * (images + rest[1]), kind, says * detail


def test_emphasis_lifts_details_that_few_captions_state_and_leaves_kinds_alone():
    texts, images, kind, stated = with_a_detail(4000)
    x, y = texts - texts.mean(0), images - images.mean(0)
    weights, errors = ridge(x, y)
    canonical = Canonical.of(y, errors)
    none, whole = (x @ canonical.emphasised(weights, by) for by in (0.0, 1.0))
    assert torch.allclose(none, x @ weights, atol=1e-9)
    for column, words, factor in ((2, kind, 1.0), (3, stated, stated.square().mean() ** -0.5)):
        plain, lifted = (rows[:, column] @ words / (words @ words) for rows in (none, whole))
        assert plain.item() == pytest.approx(0.2, rel=0.03)
        assert lifted.item() == pytest.approx(float(0.2 * factor), rel=0.1)
        assert rms(whole[:, [column]]) == pytest.approx(rms(y[:, [column]]), rel=0.1)


def test_the_prior_is_emphasised_so_that_its_draws_keep_a_stated_detail():
    texts, images, _, stated = with_a_detail(4000)
    asked = F.normalize(texts[stated > 0][:1], dim=1).float().expand(400, -1)
    detail = F.normalize(images[stated > 0], dim=1).mean(0).float()

    def share(prior):
        draws = prior.draw(asked, generators(400), 0.7) - prior.mean_image
        return (draws @ (detail - prior.mean_image) > 0).float().mean().item()

    kept, plain = (Prior.fit(texts, images, emphasis=by) for by in (EMPHASIS, 0.0))
    kept, drowned = share(kept), share(replace(plain, openness=None))
    assert kept > 0.95
    assert kept > drowned + 0.02


def test_a_prior_is_fitted_with_its_emphasis():
    texts, images, _, _ = with_a_detail(4000)
    asked = F.normalize(texts, dim=1).float()
    whole, none = (Prior.fit(texts, images, emphasis=by) for by in (EMPHASIS, 0.0))
    spread = [rms(one.mean(asked) - one.mean_image) for one in (whole, none)]
    assert spread[0] > 1.1 * spread[1]


def test_emphasis_does_not_lift_what_is_chance():
    x, y = drawn(200, 20), drawn(200, 5, seed=1)
    x, y = x - x.mean(0), y - y.mean(0)
    weights, errors = ridge(x, y)
    stretched = Canonical.of(y, errors).emphasised(weights, 1.0)
    assert torch.allclose(stretched, weights, atol=1e-9)


def test_a_draw_is_as_wide_as_its_text_leaves_it():
    texts, images, _, stated = with_a_detail(4000)
    prior = Prior.fit(texts, images, emphasis=0.0)
    others = F.normalize(images[stated > 0], dim=1).mean(0) - F.normalize(images, dim=1).mean(0)
    detail = F.normalize(others, dim=0).float()

    def spread(says, prior):
        asked = F.normalize(texts[says][:20], dim=1).float().repeat(50, 1)
        draws = prior.draw(asked, generators(1000)) - prior.mean(asked)
        return (draws @ detail).std().item()

    said, unsaid = (spread(one, prior) for one in (stated != 0, stated == 0))
    alike = replace(prior, openness=None)
    assert said < 0.5 * unsaid
    assert spread(stated != 0, alike) == pytest.approx(spread(stated == 0, alike), rel=0.05)
    real = (F.normalize(images[stated == 0], dim=1).float() @ detail).std().item()
    assert unsaid == pytest.approx(real, rel=0.1), "as wide as the pictures of such texts"


def test_a_text_about_other_things_goes_no_further_than_the_captions():
    texts, images = on_a_sphere(2000)
    prior = Prior.fit(texts, images)
    away = F.normalize(drawn(200, 16, seed=7), dim=1).float()  # anywhere on the sphere
    axes = prior.image_axes.T @ prior.openness.axes
    furthest = ((prior.mean(texts.float()) - prior.mean_image) @ axes).abs().amax(0)
    loose = replace(prior, openness=None)
    asked, free = (((one.mean(away) - one.mean_image) @ axes).abs() for one in (prior, loose))
    assert (asked <= furthest * 1.001 + 1e-5).all()
    assert (free > 2 * furthest).any(1).float().mean() > 0.9, "they would go far without it"
    known = texts[:50].float()
    assert torch.allclose(prior.mean(known), loose.mean(known), atol=1e-5), "captions stay"


def test_errors_of_one_size_leave_every_draw_alike_on_average():
    texts, images = on_a_sphere(4000)
    prior = Prior.fit(texts, images, emphasis=0.0)
    asked = texts[:2000].float()
    open_, alike = (
        one.draw(asked, generators(2000)) - one.mean(asked)
        for one in (prior, replace(prior, openness=None))
    )
    assert rms(open_) == pytest.approx(rms(alike), rel=0.02)
    assert prior.openness.lines[1].abs().max() < 0.15, "no slope where there is none"


def test_a_prior_of_an_earlier_version_draws_as_it_did():
    prior, (texts, _) = Prior.fit(*on_a_sphere(60)), on_a_sphere(5, seed=50)
    named = {k: v for k, v in prior_tensors(prior).items() if not k.startswith("prior.open.")}
    earlier = prior_of(named)
    assert earlier.openness is None
    draws = earlier.draw(texts.float(), generators(5))
    z = torch.cat([torch.randn(1, len(prior.root), generator=one) for one in generators(5)])
    mean = replace(prior, openness=None).mean(texts.float())
    assert torch.allclose(draws, mean + z @ prior.root @ prior.image_axes, atol=1e-6)


def test_the_mean_is_shorter_than_pictures_and_a_draw_is_not():
    prior = Prior.fit(*on_a_sphere(2000, noise=0.1), emphasis=0.0)
    texts, images = on_a_sphere(2000, noise=0.1, seed=50)
    usual = rms(images - prior.mean_image)
    assert rms(prior.mean(texts.float()) - prior.mean_image) < 0.6 * usual
    drawn_ones = prior.draw(texts.float(), generators(2000))
    assert rms(drawn_ones - prior.mean_image) == pytest.approx(usual, rel=0.03)


def test_a_draw_goes_by_the_generator_of_its_row_alone():
    prior, (texts, _) = Prior.fit(*on_a_sphere(100)), on_a_sphere(9, seed=50)
    together = prior.draw(texts.float(), generators(9))
    alone = prior.draw(texts[4:5].float(), [torch.Generator().manual_seed(4)])
    assert torch.allclose(together[4:5], alone, atol=1e-6)
    other = prior.draw(texts[4:5].float(), [torch.Generator().manual_seed(5)])
    assert not torch.allclose(alone, other, atol=1e-3)
    assert prior.draw(torch.empty(0, 16), []).shape == (0, 16)


def test_a_truncated_draw_lies_between_the_mean_and_the_whole_draw():
    prior, (texts, _) = Prior.fit(*on_a_sphere(100)), on_a_sphere(9, seed=50)
    none, half, whole = (prior.draw(texts.float(), generators(9), one) for one in (0, 0.5, 1))
    assert torch.allclose(none, prior.mean(texts.float()), atol=1e-6)
    assert torch.allclose(half, (none + whole) / 2, atol=1e-6)


def test_it_comes_back_from_its_tensors():
    prior, (texts, _) = Prior.fit(*on_a_sphere(60), pseudo=True), on_a_sphere(5, seed=50)
    again = prior_of(prior_tensors(prior) | {"covariance": torch.eye(2)})
    assert (again.n, again.pseudo) == (60, True)
    draws = [one.draw(texts.float(), generators(5)) for one in (prior, again)]
    assert torch.equal(*draws)
    assert prior_of({"covariance": torch.eye(2)}) is None


def test_too_few_pairs_and_unequal_ones_are_refused():
    texts, images = on_a_sphere(FEWEST)
    Prior.fit(texts, images)
    for few in ((texts[1:], images[1:]), (texts, images[1:])):
        with pytest.raises(DataError, match="cannot fit a prior on"):
            Prior.fit(*few)


def test_pairs_that_are_all_one_make_a_prior_of_that_one():
    texts, images = on_a_sphere(1)
    prior = Prior.fit(texts.expand(FEWEST, -1), images.expand(FEWEST, -1))
    asked = prior.draw(texts.float(), generators(1))
    assert torch.allclose(asked.double(), images, atol=1e-5)
