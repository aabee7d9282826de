import pytest
import torch

from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.explain.noise.noise_accuracy import LinearEstimate, accuracy, contours
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.types import Prediction
from tests.exact import Gaussian, predict

SCHEDULE = cosine(1000)
STD = 0.4


def asked(distribution, without=None):
    """A perfect network for a distribution, and for another one without the words."""
    cond, uncond = (predict(d, SCHEDULE) for d in (distribution, without or distribution))

    def ask(x_t, t):
        said = cond(x_t, t)
        return Prediction(said.eps, said.x_0, said.x_0, uncond(x_t, t).x_0)

    return ask


def drawn(mean, n=400, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return mean + STD * torch.randn(n, 1, 8, 8, generator=generator, dtype=torch.float64)


def guess(mean=0.0, std=STD):
    one = torch.ones(1, 8, 8, dtype=torch.float64)
    return LinearEstimate(mean * one, std**2 * one)


def test_of_gaussian_pictures_the_shares_are_those_of_the_closed_form():
    """R^2 of the noise is s^2 / (a^2 v^2 + s^2), of the picture the rest of 1."""
    rows = SCHEDULE.walk(7)
    found = accuracy(asked(Gaussian(0.0, STD)), SCHEDULE, drawn(0.0), guess(), rows)
    for i, t in enumerate(rows):
        alpha, sigma = SCHEDULE.at(t)
        whole = alpha**2 * STD**2 + sigma**2
        assert found.noise[:, i].mean().item() == pytest.approx(sigma**2 / whole, abs=0.02)
        assert found.picture[:, i].mean().item() == pytest.approx(1 - sigma**2 / whole, abs=0.02)


def test_a_linear_guess_has_no_skill_and_words_that_say_nothing_bring_nothing():
    found = accuracy(asked(Gaussian(0.0, STD)), SCHEDULE, drawn(0.0), guess(), SCHEDULE.walk(5))
    assert found.skill.abs().max() < 1e-9
    assert found.words.abs().max() < 1e-12
    assert found.contours.mean(0)[-2:].abs().max() < 0.03


def test_words_bring_what_they_say_of_the_mean():
    """Wordless: N(0, 1 + v^2) for pictures that are all N(1, v^2), where noise hides everything."""
    wide = (1 + STD**2) ** 0.5
    ask = asked(Gaussian(1.0, STD), Gaussian(0.0, wide))
    found = accuracy(ask, SCHEDULE, drawn(1.0), guess(0.0, wide), [SCHEDULE.walk(5)[0]])
    assert found.words.mean().item() == pytest.approx(1 / (1 + STD**2), abs=0.02)
    assert found.skill.mean().item() == pytest.approx(1 / (1 + STD**2), abs=0.02)


def test_the_level_of_a_share_is_where_the_closed_form_crosses_it():
    found = accuracy(asked(Gaussian(0.0, STD)), SCHEDULE, drawn(0.0), guess(), SCHEDULE.walk(25))
    assert found.level_of(0.5) == pytest.approx(STD, rel=0.05)  # r = v
    assert found.level_of(-3.0) is None


def test_the_mixture_leaves_of_a_picture_just_the_spread_within_its_mode():
    target = planted_target("a four", seeds=range(32))
    truth = target.network
    x = truth.draw(torch.full((32,), 4), torch.Generator().manual_seed(0))
    others = truth.draw(torch.arange(200) % 10, torch.Generator().manual_seed(1))
    ask = target.predict(target.conditions(), scale=0.5, clamp="none", everywhere=True)
    rows = target.timesteps(6)
    found = accuracy(ask, target.schedule, x, LinearEstimate.of(others), rows)
    for i, t in enumerate(rows):
        alpha, sigma = target.schedule.at(t)
        exact = sigma**2 / (alpha**2 * truth.std**2 + sigma**2)
        assert found.noise[:, i].mean().item() == pytest.approx(exact, abs=0.03)
    assert found.skill[:, 0].mean() > 0.9  # the words say the mode where nothing can be seen


def test_contours_are_where_a_picture_steps():
    x = torch.zeros(1, 1, 6, 6)
    x[..., 3:] = 1.0
    steep = contours(x)[0]
    assert steep[:, [2, 3]].min() > 0.4
    assert steep[:, [0, 1, 4, 5]].abs().max() == 0
