"""DDPM: noising in one jump, the loss, the context mask, and walks that depend on seeds only."""

import pytest
import torch
from exact import FOUR_MODES, ExactDenoiser, Gaussian
from torch import nn

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES, with_zero_terminal_snr
from ddpm_clip.errors import UsageError
from ddpm_clip.models import DDPM, UNet
from ddpm_clip.models.ddpm import noise_of

BETAS = torch.linspace(1e-4, 0.02, 1000)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = UNet(1000, 1, 8, (8, 16), 8, 4, blocks=1).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


@pytest.fixture
def c():
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(1))


# Forward


def test_one_jump_equals_the_step_by_step_chain():
    ddpm, n = DDPM(BETAS), 20_000
    x_0 = torch.full((n, 1, 1, 1), 0.7)
    generator, x = torch.Generator().manual_seed(0), x_0.clone()
    for beta in BETAS[:300].tolist():
        x = (1 - beta) ** 0.5 * x + beta**0.5 * torch.randn(x.shape, generator=generator)
    jump, _ = ddpm.q(x_0, torch.full((n,), 299), torch.randn(x.shape, generator=generator))
    alpha, sigma = ddpm.schedule.at(299.0)
    for drawn in (x, jump):
        assert drawn.mean().item() == pytest.approx(0.7 * alpha, abs=0.02 * sigma)
        assert drawn.var().item() == pytest.approx(sigma**2, rel=0.02)


def test_a_batch_of_mixed_rows_equals_one_by_one():
    ddpm = DDPM(SCHEDULES["cosine"](100))
    generator = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, 5, 3, 4, 4, generator=generator)
    t = torch.tensor([0.0, 10.5, 50.0, 98.9, 99.0])
    together, _ = ddpm.q(x_0, t, eps)
    alone = [ddpm.q(x_0[i : i + 1], t[i : i + 1], eps[i : i + 1])[0] for i in range(5)]
    assert torch.equal(together, torch.cat(alone))


def test_the_noise_that_was_used_comes_back():
    ddpm, x_0 = DDPM(BETAS), torch.zeros(2, 1, 4, 4)
    x_t, eps = ddpm.q(x_0, torch.tensor([999, 999]))
    assert torch.allclose(x_t, ddpm.schedule.sigma[-1].float() * eps)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
@pytest.mark.parametrize("weighting", ["uniform", "min_snr", "edm"])
def test_a_network_that_knows_the_picture_has_no_loss(parameterization, weighting):
    schedule = SCHEDULES["cosine"](100)
    ddpm = DDPM(schedule, parameterization=parameterization, weighting=weighting)
    point = Gaussian(0.4, 1e-9)
    oracle = ExactDenoiser([point], point, schedule, (1, 2, 2), parameterization)
    x_0 = torch.full((6, 1, 2, 2), 0.4, dtype=torch.float64)
    for t in (5.0, 50.0, 90.0):
        rows = torch.full((6,), t, dtype=torch.float64)
        assert ddpm.get_loss(oracle, x_0, rows, torch.zeros(6, 1)).item() < 1e-6


def test_the_loss_is_the_weighted_mean_square_of_each_picture():
    schedule = SCHEDULES["cosine"](100)
    ddpm = DDPM(schedule, parameterization="v", weighting="min_snr")

    def silent(x_t, t, c, c_mask):
        return torch.zeros_like(x_t)

    generator = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, 4, 1, 3, 3, generator=generator)
    t = torch.tensor([3, 30, 60, 95])
    alpha, sigma = (
        level[t].view(-1, 1, 1, 1).float() for level in (schedule.alpha, schedule.sigma)
    )
    snr = (alpha / sigma).flatten() ** 2
    v = alpha * eps - sigma * x_0
    exact = snr.clamp(max=5) / (snr + 1) * v.square().mean((1, 2, 3))
    assert torch.allclose(
        ddpm.errors(silent, x_0, t, torch.zeros(4, 1), None, eps), exact, rtol=1e-5
    )
    assert torch.allclose(ddpm.get_loss(silent, x_0, t, torch.zeros(4, 1), None, eps), exact.mean())


@pytest.mark.parametrize("parameterization", ["x_0", "v"])
def test_the_loss_is_finite_on_a_row_of_pure_noise(parameterization, network, c):
    schedule = with_zero_terminal_snr(SCHEDULES["cosine"](1000))
    ddpm = DDPM(schedule, parameterization=parameterization, weighting="edm")
    t = torch.full((3,), 999)
    assert ddpm.get_loss(network, torch.zeros(3, 1, 8, 8), t, c).isfinite()


def test_training_rows_are_the_same_for_the_same_generator_seed():
    ddpm = DDPM(BETAS, noise_levels="lognormal", level_options={"p_mean": -1.0, "p_std": 1.0})
    rows = [ddpm.draw_timesteps(64, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[0], rows[2])


# The context mask


def test_of_10_000_rows_each_is_kept_or_dropped_as_a_whole_at_the_asked_rate():
    c = torch.ones(10_000, 512)
    mask = DDPM.get_context_mask(c, 0.1, torch.Generator().manual_seed(0))
    assert mask.shape == (10_000, 1)
    kept = (c * mask).sum(1)
    assert set(kept.tolist()) == {0.0, 512.0}
    assert (kept == 0).float().mean().item() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(("prob", "kept"), [(0.0, 1.0), (1.0, 0.0)])
def test_nothing_or_everything_is_dropped_at_the_ends(prob, kept):
    assert (DDPM.get_context_mask(torch.ones(1000, 3), prob) == kept).all()


def test_the_ablation_drops_single_coordinates():
    mask = DDPM.get_context_mask(torch.ones(100, 512), 0.1, mode="element")
    assert mask.shape == (100, 512)
    assert 0 < mask.mean(1).min() < mask.mean(1).max() < 1


# Backward


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_reverse_q_is_the_textbook_step(variance):
    ddpm = DDPM(BETAS)
    generator = torch.Generator().manual_seed(0)
    x_t, e_t, z = torch.randn(3, 2, 1, 4, 4, generator=generator)
    alpha_bar = (1 - BETAS.double()).cumprod(0)
    t = 500
    beta = BETAS.double()[t]
    mean = (x_t - beta / (1 - alpha_bar[t]).sqrt() * e_t) / (1 - beta).sqrt()  # Ho et al., eq. 11
    share = (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]) if variance == "posterior" else 1.0
    exact = mean + (beta * share).sqrt() * z
    for row in (t, torch.tensor([t, t])):
        got = ddpm.reverse_q(x_t, row, e_t, variance, z)
        assert (got - exact).abs().max() < 1e-5


def test_reverse_q_at_row_0_adds_no_noise():
    ddpm = DDPM(BETAS)
    x_0, eps = torch.randn(2, 2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    x_t, _ = ddpm.q(x_0, torch.tensor([0, 0]), eps)
    assert torch.allclose(ddpm.reverse_q(x_t, 0, eps), x_0, atol=1e-4)


def test_reverse_q_refuses_an_unknown_variance():
    with pytest.raises(UsageError, match="variance"):
        DDPM(BETAS).reverse_q(torch.zeros(1, 1, 2, 2), 5, torch.zeros(1, 1, 2, 2), "wide")


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_gives_the_same_picture_in_any_batch(sampler, network, c):
    ddpm = DDPM(SCHEDULES["cosine"](1000), parameterization="v")
    options = {"steps": 6, "scale": 2.0, "sampler": sampler}
    together = ddpm.sample(network, c, seeds=[7, 8, 9], **options)
    again = ddpm.sample(network, c, seeds=[7, 8, 9], **options)
    alone = ddpm.sample(network, c[1:2], seeds=[8], **options)
    turned = ddpm.sample(network, c.flip(0), seeds=[9, 8, 7], **options)
    assert torch.equal(together, again)
    assert (together[1] - alone[0]).abs().max() < 1e-4
    assert (together - turned.flip(0)).abs().max() < 1e-4
    assert (together[0] - ddpm.sample(network, c[:1], seeds=[6], **options)[0]).abs().max() > 1e-2


def test_a_recorded_walk_ends_where_sample_ends(network, c):
    ddpm = DDPM(SCHEDULES["cosine"](1000), parameterization="v")
    steps = list(ddpm.walk(network, c, steps=5, seeds=[1, 2, 3]))
    sampled = ddpm.sample(network, c, steps=5, seeds=[1, 2, 3])
    assert torch.equal(steps[-1].x_prev.clamp(-1, 1), sampled)
    assert sampled.shape == (3, 1, 8, 8)
    assert not sampled.requires_grad


@pytest.mark.slow
def test_sample_w_holds_the_conditional_and_the_unconditional_pictures(network, c):
    ddpm = DDPM(SCHEDULES["cosine"](1000), parameterization="v")
    options = {"steps": 6, "seeds": [1, 2, 3]}
    grid = ddpm.sample_w(network, c, w_tests=(-1, 0, 2), **options)
    assert grid.shape == (3, 3, 1, 8, 8)
    cond = ddpm.sample(network, c, scale=1.0, **options)
    masked = ddpm.sample(network, 0 * c, scale=0.0, **options)
    assert (grid[0] - masked).abs().max() < 1e-4
    assert (grid[1] - cond).abs().max() < 1e-4
    assert (grid[2] - ddpm.sample(network, c, scale=3.0, **options)).abs().max() < 1e-4


@pytest.mark.slow
def test_all_rows_are_visited_when_as_many_steps_are_asked(network, c):
    ddpm = DDPM(SCHEDULES["linear"](20), parameterization="v")
    rows = [step.t for step in ddpm.walk(network, c, steps=20, sampler="ddpm")]
    assert rows == list(range(20))[::-1]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_table_with_zero_terminal_snr_can_be_walked_at_full_length(sampler, network, c):
    schedule = with_zero_terminal_snr(SCHEDULES["cosine"](30))
    ddpm = DDPM(schedule, parameterization="v")
    assert ddpm.sample(network, c, steps=30, sampler=sampler).isfinite().all()


def test_a_walk_can_start_from_a_noised_picture(network, c):
    ddpm = DDPM(SCHEDULES["cosine"](1000), parameterization="v")
    rows = [400.0, 200.0, 0.0]
    x_start, _ = ddpm.q(torch.zeros(3, 1, 8, 8), torch.full((3,), 400))
    steps = list(ddpm.walk(network, c, timesteps=rows, x_start=x_start, seeds=[0, 1, 2]))
    assert [step.t for step in steps] == rows
    assert torch.equal(steps[0].x_t, x_start)


def test_the_exact_denoiser_is_sampled_through_the_front_door():
    schedule = SCHEDULES["cosine"](1000)
    classes = [Gaussian(-0.5, 0.1), Gaussian(0.5, 0.1)]
    oracle = ExactDenoiser(classes, FOUR_MODES, schedule, (1, 1, 2))
    c = torch.eye(2).repeat_interleave(400, 0)
    x = DDPM(schedule, parameterization="v").sample(oracle, c, steps=30, seeds=range(800))
    assert x[:400].mean().item() == pytest.approx(-0.5, abs=0.02)
    assert x[400:].mean().item() == pytest.approx(0.5, abs=0.02)
    assert (x[:400] + 0.5).std().item() == pytest.approx(0.1, abs=0.01)


def test_seeds_must_be_as_many_as_pictures():
    with pytest.raises(UsageError, match="2 seeds for 3 pictures"):
        noise_of([1, 2], (3, 1, 2, 2), "cpu")


def test_unknown_names_are_refused_with_what_there_is(network, c):
    with pytest.raises(UsageError, match="dpmpp_2m"):
        DDPM(BETAS).walk(network, c, sampler="dpm")
    with pytest.raises(UsageError, match="parameterization"):
        DDPM(BETAS, parameterization="epsilon")


def test_gradients_flow_into_the_walk_but_not_into_the_network(network, c):
    ddpm = DDPM(SCHEDULES["cosine"](1000), parameterization="v")
    x_start = torch.zeros(3, 1, 8, 8, requires_grad=True)
    *_, end = ddpm.walk(network, c, timesteps=[300.0, 0.0], x_start=x_start, clamp="none")
    end.x_prev.sum().backward()
    assert x_start.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.slow
def test_a_trained_network_paints_the_eight_pictures_it_was_overfitted_on():
    torch.manual_seed(0)
    pictures = torch.randn(8, 1, 2, 2).repeat_interleave(4, 2).repeat_interleave(4, 3).tanh()
    c, rows, steps = 8**0.5 * torch.eye(8), torch.arange(32) % 8, 150
    ddpm = DDPM(
        SCHEDULES["cosine"](1000),
        parameterization="v",
        weighting="edm",
        noise_levels="lognormal",
        level_options={"p_mean": -0.5, "p_std": 1.5},
    )
    network = UNet(1000, 1, 8, (32,), 16, 8, blocks=1, stem=2, attention=0)
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3, (0.9, 0.99))
    generator = torch.Generator().manual_seed(0)
    for step in range(steps):
        t, eps = ddpm.draw_timesteps(32, generator), torch.randn(32, 1, 8, 8, generator=generator)
        t = t[torch.randperm(32, generator=generator)]
        loss = ddpm.get_loss(network, pictures[rows], t, c[rows], None, eps)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 5e-3 * min(1.0, (steps - step) / 60)
        optimizer.step()
    painted = ddpm.sample(network.eval(), c, steps=20, seeds=range(8))
    assert (painted - pictures).square().mean().item() < 0.02
