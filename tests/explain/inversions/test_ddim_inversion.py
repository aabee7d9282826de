import pytest
import torch

from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.explain.inversions.ddim_inversion import apart_from_normal, invert, return_from
from ddpm_clip.explain.maths.picture_metrics import psnr
from tests.exact import FOUR_MODES, Gaussian, predict

SCHEDULE = cosine(1000)


def noise(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.mark.slow
def test_a_picture_walks_up_to_where_the_exact_flow_carries_it():
    normal = Gaussian(0.3, 0.4)
    x = 0.3 + 0.4 * noise(0, 5, 1, 4, 4)
    for steps, allowed in ((100, 0.1), (400, 0.025)):
        rows = SCHEDULE.walk(steps)
        alpha, _ = SCHEDULE.at(rows[-1])
        exact = normal.ode_map(SCHEDULE, alpha * x, rows[-1], rows[0])
        found = invert(predict(normal, SCHEDULE), SCHEDULE, rows, x)
        assert (found - exact).abs().max() < allowed


@pytest.mark.slow
@pytest.mark.parametrize("distribution", [Gaussian(0.3, 0.4), FOUR_MODES])
def test_half_of_the_error_is_left_at_twice_the_steps(distribution):
    """First order up and first order down: 20 log10(2) = 6.02 dB in the limit."""
    ask = predict(distribution, SCHEDULE)
    x = torch.tensor([2.1, 0.2]).double().view(1, 1, 1, 2) + 0.2 * noise(1, 6, 1, 1, 2)
    found = []
    for steps in (40, 80, 160):
        rows = SCHEDULE.walk(steps)
        found.append(psnr(return_from(ask, SCHEDULE, rows, invert(ask, SCHEDULE, rows, x)), x))
    gains = torch.stack(found).mean(1).diff().tolist()
    assert gains == pytest.approx([6.02, 6.02], abs=0.8)


@pytest.mark.slow
def test_refinement_undoes_the_very_steps_of_the_way_back():
    ask, rows = predict(Gaussian(0.3, 0.4), SCHEDULE), SCHEDULE.walk(40)
    x = 0.3 + 0.4 * noise(0, 5, 1, 4, 4)
    errors = [
        (return_from(ask, SCHEDULE, rows, invert(ask, SCHEDULE, rows, x, refine)) - x).abs().max()
        for refine in (0, 2, 20)
    ]
    assert errors[0] > 10 * errors[1]
    assert errors[2] < 1e-3 < errors[1]  # the first row stays unknown


def test_noise_is_normal_and_what_is_not_is_told_apart():
    near = apart_from_normal(noise(3, 50, 1, 28, 28))
    assert near.mean() < 1.36 / 28  # Kolmogorov's 5 % quantile at n = 784
    assert apart_from_normal(noise(3, 4, 1, 28, 28) * 0.6).min() > 0.08
    uniform = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert apart_from_normal(uniform).min() > 0.4
