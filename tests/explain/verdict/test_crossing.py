import math

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.verdict.crossing import falling, halfway


def test_falling_is_the_nearest_falling_curve():
    curves = torch.tensor([[3.0, 1.0, 2.0, 0.0], [1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 3.0, 1.0]])
    wanted = torch.tensor([[3.0, 1.5, 1.5, 0.0], [2.5] * 4, [4.0, 3.0, 3.0, 1.0]])
    torch.testing.assert_close(falling(curves), wanted)


def test_falling_is_nearest_among_random_falling_curves():
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(1, 6, generator=generator)
    best = (falling(y) - y).square().sum()
    others = torch.randn(20_000, 6, generator=generator).sort(1, descending=True).values
    assert bool((falling(y).diff() <= 1e-6).all())
    assert bool(((others - y).square().sum(1) >= best).all())


def test_the_crossing_is_interpolated_in_the_logarithm():
    levels = torch.tensor([0.1, 1.0, 10.0])
    found = halfway(levels, torch.tensor([[1.0, 0.75, 0.25]]).expand(5, 3))
    assert found.at == pytest.approx(10**0.5)
    assert found.low == found.high == pytest.approx(found.at)
    assert found.inside


def test_the_interval_holds_a_planted_threshold():
    """Repetition i falls from 1 to 0 at its own level; the median level is the answer."""
    levels, held = torch.logspace(-2, 2, 21), 0
    for seed in range(40):
        generator = torch.Generator().manual_seed(seed)
        own = (0.8 * torch.randn(24, 1, generator=generator)).exp()
        found = halfway(levels, (levels < own).float(), draws=200, seed=seed)
        held += found.low <= 1 <= found.high
    assert held >= 34


def test_a_flat_curve_has_no_middle():
    levels = torch.tensor([1.0, 2.0, 3.0])
    assert halfway(levels, torch.ones(4, 3)).at == math.inf
    assert halfway(levels, torch.zeros(4, 3)).at == -math.inf
    assert not halfway(levels, torch.ones(4, 3)).inside


def test_levels_that_do_not_rise_are_refused():
    with pytest.raises(UsageError, match="rise"):
        halfway(torch.tensor([2.0, 1.0]), torch.ones(3, 2))
