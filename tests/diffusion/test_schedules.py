"""Contract of every noise schedule, and of the rows that walks and trainings choose."""

import math

import pytest
import torch

from ddpm_clip.diffusion.schedules import (
    CLEAN,
    NOISE_LEVELS,
    SCHEDULES,
    SIGMA_MAX,
    NoiseSchedule,
    lognormal_timesteps,
    stratified,
    uniform_timesteps,
    with_zero_terminal_snr,
)
from ddpm_clip.errors import UsageError

LENGTHS = (50, 150, 300, 400, 500, 1000)


@pytest.fixture(params=[(name, T) for name in SCHEDULES for T in LENGTHS], ids=str)
def named(request):
    name, T = request.param
    return name, SCHEDULES[name](T)


@pytest.fixture
def schedule(named):
    return named[1]


def test_noise_grows_strictly_and_preserves_variance(schedule):
    assert (schedule.log_snr.diff() < 0).all()
    assert torch.allclose(schedule.alpha**2 + schedule.sigma**2, torch.ones(schedule.T).double())
    assert schedule.alpha.dtype == torch.float64


def test_the_last_row_is_nearly_pure_noise(named):
    name, schedule = named
    if name == "scaled_linear":
        assert schedule.alpha[-1] ** 2 < 0.03  # its authors left some signal
        schedule = with_zero_terminal_snr(schedule)
    assert schedule.alpha[-1] ** 2 < 1e-3


def test_zero_terminal_snr_keeps_the_first_row_and_the_order(schedule):
    zero = with_zero_terminal_snr(schedule)
    assert zero.alpha[-1] == 0
    assert zero.sigma[-1] == 1
    assert zero.alpha[0] == pytest.approx(schedule.alpha[0].item(), abs=1e-12)
    assert (zero.log_ratio.diff() > 0).all()


def test_the_cosine_schedule_is_its_published_formula():
    def alpha_bar(s):
        return math.cos((s + 0.008) / 1.008 * math.pi / 2) ** 2

    schedule = SCHEDULES["cosine"](1000)
    for row in (0, 250, 500, 900):
        exact = alpha_bar((row + 1) / 1000) / alpha_bar(0)
        assert schedule.alpha[row].item() ** 2 == pytest.approx(exact, rel=1e-9)


def test_the_linear_schedule_is_the_one_of_ho_at_1000_rows():
    alpha_bar = (1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)).cumprod(0)
    assert torch.allclose(SCHEDULES["linear"](1000).alpha ** 2, alpha_bar, rtol=1e-12)


def test_whole_rows_are_read_from_the_table_and_the_row_below_is_clean(schedule):
    assert schedule.at(CLEAN) == (1.0, 0.0)
    for row in (0, 7, schedule.T - 1):
        assert schedule.at(float(row)) == (schedule.alpha[row].item(), schedule.sigma[row].item())
    alpha, sigma = schedule.at(torch.tensor([CLEAN, 0.0]))
    assert (alpha[0], sigma[0]) == (1, 0), "a tensor of rows knows the clean picture too"
    alpha, sigma = schedule.at(torch.arange(schedule.T))
    assert torch.equal(alpha, schedule.alpha)
    assert torch.equal(sigma, schedule.sigma)


def test_between_rows_log_snr_is_interpolated_linearly(schedule):
    t = torch.rand(100, generator=torch.Generator().manual_seed(0)).double() * (schedule.T - 1)
    alpha, sigma = schedule.at(t)
    low = t.floor().long()
    exact = torch.lerp(schedule.log_snr[low], schedule.log_snr[low + 1], t - low)
    assert torch.allclose(2 * (alpha / sigma).log(), exact, atol=1e-9)
    assert torch.allclose(alpha**2 + sigma**2, torch.ones(100).double())


def test_row_of_inverts_at(schedule):
    t = torch.rand(100, generator=torch.Generator().manual_seed(1)).double() * (schedule.T - 1)
    alpha, sigma = schedule.at(t)
    assert torch.allclose(schedule.timestep_of(sigma / alpha), t, atol=1e-6)


def test_row_of_stays_inside_the_table(schedule):
    rows = schedule.timestep_of(torch.tensor([1e-12, 1e12], dtype=torch.float64))
    assert rows.tolist() == [0.0, schedule.T - 1.0]


@pytest.mark.parametrize("zero_snr", [False, True])
def test_a_walk_falls_strictly_from_at_most_80_to_row_0(schedule, zero_snr):
    schedule = with_zero_terminal_snr(schedule) if zero_snr else schedule
    for steps in (1, 2, 5, 20, schedule.T // 2, schedule.T - 1, schedule.T):
        rows = schedule.walk(steps)
        alpha, sigma = schedule.at(torch.tensor(rows, dtype=torch.float64))
        assert len(rows) == steps
        assert (torch.tensor(rows, dtype=torch.float64).diff() < 0).all(), "no row twice"
        assert (sigma / alpha).max() <= SIGMA_MAX * (1 + 1e-9)
        assert 0 <= rows[-1] <= rows[0] <= schedule.T - 1
        top = min(SIGMA_MAX, (schedule.sigma / schedule.alpha)[-1].item())
        assert sigma[0] / alpha[0] == pytest.approx(top, rel=1e-6)
        assert rows[-1] == (rows[0] if steps == 1 else 0)


def test_a_walk_is_uniform_in_log_snr():
    schedule = SCHEDULES["cosine"](1000)
    alpha, sigma = schedule.at(torch.tensor(schedule.walk(30), dtype=torch.float64))
    gaps = (alpha / sigma).log().diff()
    assert torch.allclose(gaps, gaps.mean().expand_as(gaps), rtol=1e-6)


def test_a_walk_over_whole_rows_visits_every_row_when_all_are_asked(schedule):
    assert schedule.walk(schedule.T, spacing="timesteps") == list(range(schedule.T))[::-1]
    rows = schedule.walk(25, spacing="timesteps")
    assert rows == sorted(set(rows), reverse=True)
    assert all(row == int(row) for row in rows)


@pytest.mark.parametrize("steps", [0, -1, 51])
def test_a_walk_of_too_many_or_no_steps_is_refused_by_name(steps):
    with pytest.raises(UsageError, match=f"steps = {steps} is out of range") as refused:
        SCHEDULES["linear"](50).walk(steps)
    assert refused.value.param == "steps"


def test_a_table_whose_noise_does_not_grow_is_refused():
    with pytest.raises(UsageError, match="increase strictly"):
        NoiseSchedule(torch.tensor([0.9, 0.9]), torch.tensor([0.1, 0.1]))
    with pytest.raises(UsageError, match="same length"):
        NoiseSchedule(torch.tensor([0.9, 0.5]), torch.tensor([0.1]))


def test_an_unknown_schedule_names_the_nearest_one():
    with pytest.raises(UsageError, match="did you mean 'cosine'"):
        SCHEDULES["cosin"]


def test_lognormal_rows_have_the_asked_mean_and_spread_of_log_sigma():
    schedule = SCHEDULES["cosine"](1000)
    u = stratified(20_000, torch.Generator().manual_seed(0))
    alpha, sigma = schedule.at(lognormal_timesteps(u, schedule, -1.0, 1.1))
    level = (sigma / alpha).log()
    assert level.mean().item() == pytest.approx(-1.0, abs=0.02)
    assert level.std().item() == pytest.approx(1.1, abs=0.03)


def test_uniform_rows_are_whole_and_equally_likely():
    schedule = SCHEDULES["linear"](50)
    rows = uniform_timesteps(stratified(5000, torch.Generator().manual_seed(0)), schedule)
    assert torch.bincount(rows.long(), minlength=50).sub(100).abs().max() <= 1
    assert torch.equal(rows, rows.floor())


@pytest.mark.parametrize("name", list(NOISE_LEVELS))
def test_training_rows_lie_in_the_table(name):
    schedule = SCHEDULES["sigmoid"](50)
    edges = torch.tensor([0.0, 1e-12, 0.5, 1 - 1e-12], dtype=torch.float64)
    rows = NOISE_LEVELS[name](edges, schedule)
    assert rows.min() >= 0
    assert rows.max() <= 49


def test_stratified_numbers_fall_one_in_each_equal_part():
    u = stratified(64, torch.Generator().manual_seed(0))
    assert torch.equal((u * 64).floor(), torch.arange(64).double())
