"""The planted mixture is what it says: exact posteriors, exact means, honest samples."""

import math

import pytest
import torch

from ddpm_clip.explain.target.planted import meant, planted_target, ten_modes
from ddpm_clip.utils.generators import finish


@pytest.fixture(scope="module")
def mixture():
    return ten_modes()


def noised(mixture, n, t, seed=0, modes=None):
    generator = torch.Generator().manual_seed(seed)
    modes = torch.randint(10, (n,), generator=generator) if modes is None else modes
    x = mixture.draw(modes, generator)
    alpha, sigma = mixture.schedule.at(t)
    eps = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    return modes, x, alpha * x + sigma * eps


def test_modes_are_at_right_angles_equally_long_and_within_the_range_of_pictures(mixture):
    m = mixture.means.flatten(1)
    assert torch.allclose(m @ m.T, 3.2**2 * torch.eye(10, dtype=torch.float64), atol=1e-9)
    assert m.abs().max() < 0.85


@pytest.mark.parametrize("t", [100.0, 700.0, 803.5])
def test_the_posterior_is_bayes_rule_over_densities(mixture, t):
    _, _, x_t = noised(mixture, 6, t)
    alpha, sigma = mixture.schedule.at(t)
    each = torch.distributions.Normal(
        alpha * mixture.means, math.sqrt(alpha**2 * mixture.std**2 + sigma**2)
    )
    log = each.log_prob(x_t[:, None]).flatten(2).sum(2) - math.log(10)
    assert torch.allclose(mixture.posterior(x_t, t), log.softmax(1), atol=1e-9)


@pytest.mark.parametrize("t", [300.0, 800.0])
def test_the_foreseen_picture_is_the_score_formula_of_tweedie(mixture, t):
    # E[x_0|x_t] = (x_t + sigma^2 grad log p(x_t)) / alpha (Efron 2011)
    _, _, x_t = noised(mixture, 4, t)
    alpha, sigma = mixture.schedule.at(t)
    x_t = x_t.requires_grad_()
    spread = alpha**2 * mixture.std**2 + sigma**2
    away = (x_t[:, None] - alpha * mixture.means).square().flatten(2).sum(2)
    log_p = (mixture.log_weights - away / (2 * spread)).logsumexp(1)
    (score,) = torch.autograd.grad(log_p.sum(), x_t)
    wanted = (x_t + sigma**2 * score) / alpha
    assert torch.allclose(mixture.x_0(x_t.detach(), t), wanted.detach(), atol=1e-9)


def test_posteriors_are_calibrated_on_true_samples(mixture):
    t = 850.0
    modes, _, x_t = noised(mixture, 4000, t)
    r = mixture.posterior(x_t, t)
    sure, right = r.amax(1), (r.argmax(1) == modes).double()
    assert 0.2 < right.mean() < 0.95  # a level at which it is open
    assert abs(float((sure - right).mean())) < 0.02


def test_a_condition_tilts_the_weights_and_a_masked_one_does_not(mixture):
    _, _, x_t = noised(mixture, 3, 800.0)
    rows = torch.full((3,), 800.0)
    c = torch.zeros(3, 10)
    c[:, 4] = 1
    assert mixture.posterior(x_t, 800.0, c)[:, 4].min() > 0.9
    shown, hidden = torch.ones(3, 1), torch.zeros(3, 1)
    none = mixture(x_t, rows, 0 * c, shown)
    assert torch.equal(mixture(x_t, rows, c, hidden), none)
    assert not torch.allclose(mixture(x_t, rows, c, shown), none)


def test_each_picture_may_have_a_row_of_its_own(mixture):
    _, _, x_t = noised(mixture, 2, 500.0)
    c, shown = torch.zeros(2, 10), torch.ones(2, 1)
    both = mixture(x_t, torch.tensor([300.0, 700.0]), c, shown)
    for i, t in enumerate((300.0, 700.0)):
        alone = mixture(x_t[i : i + 1], torch.tensor([t]), c[:1], shown[:1])
        assert torch.allclose(both[i : i + 1], alone)


def test_the_words_of_a_class_mean_its_mode_and_others_nothing():
    assert meant("a photo of the two").tolist() == [0, 0, 1, *[0] * 7]
    assert meant("a photo of the").sum() == 0
    assert meant("two or five")[[2, 5]].tolist() == [0.5, 0.5]


def test_walks_end_as_true_samples_of_the_mode_that_was_asked_for():
    target = planted_target("a two", range(64), guidance=1.0, steps=40)
    x = finish(target.pictures(target.conditions())).double()
    assert (target.judge(x).argmax(1) == 2).all()
    away = x - target.network.means[2]
    assert abs(float(away.std()) / 0.1 - 1) < 0.05
    assert away.mean(0).abs().max() < 0.06  # of 64 samples: 4.8 standard errors


def test_without_a_class_word_all_modes_come_out_equally_often():
    target = planted_target("anything", range(200), guidance=1.0)
    assert target.asked_class is None
    x = finish(target.pictures(target.conditions(), batch=200))
    counts = target.judge(x).argmax(1).bincount(minlength=10)
    assert ((counts - 20) ** 2 / 20).sum() < 27.9  # chi-squared, 9 degrees, 0.1 %


def test_judge_embedder_and_texts_agree_about_clean_pictures():
    target = planted_target()
    x = target.network.means.float()
    assert target.judge(x).argmax(1).tolist() == list(range(10))
    cosines = target.embed(x) @ target.embed_texts(list(target.classes)).T
    assert torch.allclose(cosines, torch.eye(10), atol=1e-5)
