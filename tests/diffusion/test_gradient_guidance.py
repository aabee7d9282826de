"""The gradient moves x_0 exactly as far as it is told, travels honestly, and 0 is nothing."""

import pytest
import torch
from exact import FOUR_MODES, Gaussian, end_of, predict, seeded_noise

from ddpm_clip.diffusion.gradient_guidance import (
    GradientGuidance,
    direction,
    gradient_guided,
    noised_again,
    open_spread,
    resampled,
)
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.errors import UsageError

SCHEDULE = SCHEDULES["cosine"](1000)
EVERYWHERE = (0.0, 1e9)
ROW = 600.0


def towards(target, weight=1.0):
    """Half the squared distance to a picture."""
    return lambda x: weight * (x - target).square().flatten(1).sum(1) / 2


def indifferent(x):
    return (0 * x).flatten(1).sum(1)


@pytest.fixture
def x_t():
    return torch.randn(5, 1, 3, 4, generator=torch.Generator().manual_seed(0)).double()


def guidance(strength=0.3, interval=EVERYWHERE, travel=0, clamp="none"):
    return GradientGuidance(strength, interval, travel, clamp)


def test_strength_0_gives_back_the_same_predict_and_the_same_sampler():
    plain, sampler = predict(Gaussian(0.0, 0.5), SCHEDULE), SAMPLERS["ddim"]
    off = GradientGuidance(0.0, EVERYWHERE, travel=3)
    assert gradient_guided(plain, SCHEDULE, indifferent, off) is plain
    assert resampled(sampler, off) is sampler


def test_a_step_goes_straight_to_a_target_and_is_as_long_as_it_says(x_t):
    plain, target = predict(Gaussian(0.1, 0.5), SCHEDULE), torch.full((1, 3, 4), 9.0).double()
    before = plain(x_t, ROW)
    after = gradient_guided(plain, SCHEDULE, towards(target), guidance())(x_t, ROW)
    alpha, sigma = SCHEDULE.at(ROW)
    moved = (after.x_0 - before.x_0).flatten(1)
    wanted = (target - before.x_0).flatten(1)
    length = torch.tensor(0.3 * open_spread(sigma / alpha) * 12**0.5).double()
    assert torch.allclose(moved.norm(dim=1), length.expand(5))
    assert torch.allclose(torch.cosine_similarity(moved, wanted), torch.ones(5).double())
    assert torch.allclose(alpha * after.x_0 + sigma * after.eps, x_t), "the noise goes with it"


def test_the_size_of_the_loss_does_not_matter(x_t):
    plain, target = predict(Gaussian(0.1, 0.5), SCHEDULE), torch.ones(1, 3, 4).double()
    one, other = (
        gradient_guided(plain, SCHEDULE, towards(target, weight), guidance())(x_t, ROW).x_0
        for weight in (1.0, 1e-6)
    )
    assert torch.allclose(one, other)


def test_a_picture_is_steered_as_it_would_be_alone(x_t):
    target = torch.ones(1, 3, 4).double()
    together = direction(towards(target), x_t)
    alone = torch.cat([direction(towards(target), x[None]) for x in x_t])
    assert torch.allclose(together, alone)


def test_where_there_is_no_gradient_nothing_moves(x_t):
    plain = predict(Gaussian(0.1, 0.5), SCHEDULE)
    after = gradient_guided(plain, SCHEDULE, indifferent, guidance())(x_t, ROW)
    assert torch.equal(after.x_0, plain(x_t, ROW).x_0)


def test_outside_the_interval_the_prediction_is_the_plain_one(x_t):
    plain = predict(Gaussian(0.1, 0.5), SCHEDULE)
    alpha, sigma = SCHEDULE.at(ROW)
    for interval in ((sigma / alpha, 100.0), (0.0, 0.99 * sigma / alpha)):
        after = gradient_guided(plain, SCHEDULE, towards(9.0), guidance(interval=interval))(
            x_t, ROW
        )
        assert torch.equal(after.x_0, plain(x_t, ROW).x_0)
    inside = guidance(interval=(0.0, sigma / alpha))
    assert not torch.equal(
        gradient_guided(plain, SCHEDULE, towards(9.0), inside)(x_t, ROW).x_0, plain(x_t, ROW).x_0
    )


def test_the_clamp_holds_after_the_step(x_t):
    plain = predict(Gaussian(0.1, 0.5), SCHEDULE)
    far = gradient_guided(plain, SCHEDULE, towards(9.0), guidance(strength=50, clamp="static"))(
        x_t, ROW
    )
    assert far.x_0.abs().max() <= 1


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("travel", [0, 2])
def test_the_rarest_mode_is_reached_by_every_sampler(sampler, travel):
    plain, rarest = predict(FOUR_MODES, SCHEDULE), FOUR_MODES.means[3]
    asked = guidance(4.0, (0.3, 20.0), travel)  # these pictures spread wider than real ones
    rows, noise = SCHEDULE.walk(20), seeded_noise((64, 1, 1, 2))
    x_T = noise(-1)
    pulled = gradient_guided(plain, SCHEDULE, towards(rarest), asked)
    walker = resampled(SAMPLERS[sampler], asked)
    steps = list(walker(pulled, SCHEDULE, rows, x_T, noise))
    assert [(step.i, step.t) for step in steps] == list(enumerate(rows))
    unguided = end_of(SAMPLERS[sampler](plain, SCHEDULE, rows, x_T, seeded_noise((64, 1, 1, 2))))
    assert (FOUR_MODES.nearest(unguided) == 3).float().mean() < 0.3
    assert (FOUR_MODES.nearest(steps[-1].x_prev) == 3).float().mean() > 0.9


def test_travel_alone_leaves_the_distribution_as_it_is():
    truth, asked = Gaussian(0.2, 0.4), guidance(1.0, (0.3, 20.0), travel=2)
    plain, noise = predict(truth, SCHEDULE), seeded_noise((4000, 1, 1, 1))
    x_T = noise(-1)
    x = end_of(
        resampled(SAMPLERS["ddim"], asked)(
            gradient_guided(plain, SCHEDULE, indifferent, asked),
            SCHEDULE,
            SCHEDULE.walk(40),
            x_T,
            noise,
        )
    )
    assert abs(x.mean().item() - 0.2) < 0.03
    assert abs(x.std().item() - 0.4) < 0.03


def test_travel_asks_the_network_again_on_each_guided_rung_and_on_no_other():
    asked, rows = guidance(1.0, (0.3, 20.0), travel=3), SCHEDULE.walk(15)
    plain, calls = predict(Gaussian(0.0, 0.5), SCHEDULE), list[float]()

    def counting(x, t):
        calls.append(t)
        return plain(x, t)

    noise = seeded_noise((2, 1, 1, 1))
    end_of(resampled(SAMPLERS["ddim"], asked)(counting, SCHEDULE, rows, noise(-1), noise))
    ratio = [sigma / alpha for alpha, sigma in map(SCHEDULE.at, rows)]
    assert [calls.count(row) for row in rows] == [4 if 0.3 < r <= 20 else 1 for r in ratio]


def test_noising_again_is_the_forward_process():
    s, t = 300.0, 500.0
    (alpha_s, sigma_s), (alpha_t, sigma_t) = SCHEDULE.at(s), SCHEDULE.at(t)
    none = torch.zeros(1)
    kept = noised_again(torch.tensor([alpha_s]), SCHEDULE, s, t, none)
    assert kept.item() == pytest.approx(alpha_t)
    fresh = noised_again(none, SCHEDULE, s, t, torch.ones(1)).item()
    assert fresh**2 + (alpha_t / alpha_s * sigma_s) ** 2 == pytest.approx(sigma_t**2)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"travel": -1}])
def test_nothing_pulls_backwards(wrong):
    with pytest.raises(UsageError):
        GradientGuidance(**{"strength": 1.0} | wrong)
