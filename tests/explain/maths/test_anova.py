"""The two-way layout: planted effects come back, and chance is called chance."""

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.maths.anova import two_way_anova


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.slow
def test_shares_are_those_that_were_planted():
    seeds, prompts, both = drawn(40, 1, 50), drawn(1, 30, 50, seed=1), drawn(40, 30, 50, seed=2)
    found = two_way_anova(3 * seeds + 2 * prompts + both)
    assert found.seed == pytest.approx(9 / 14, abs=0.03)
    assert found.prompt == pytest.approx(4 / 14, abs=0.03)
    assert found.seed + found.prompt + found.interaction == pytest.approx(1)
    assert found.p_seed == found.p_prompt == 1 / 200


def test_what_does_not_depend_on_the_prompt_is_all_the_seed():
    found = two_way_anova(drawn(6, 1, 5).expand(6, 4, 5), draws=19)
    assert (found.seed, found.prompt, found.interaction) == pytest.approx((1, 0, 0))
    assert found.p_prompt == 1  # every shuffle of equal cells is as large


@pytest.mark.slow
def test_noise_has_the_shares_of_chance_and_is_called_significant_as_often_as_said():
    found = [two_way_anova(drawn(5, 4, 3, seed=s), draws=39, seed=s) for s in range(200)]
    for name, chance in (("seed", 4 / 19), ("prompt", 3 / 19)):
        mean = sum(getattr(one, name) for one in found) / len(found)
        assert mean == pytest.approx(chance, abs=0.02)
        called = sum(getattr(one, f"p_{name}") <= 0.05 for one in found)
        assert called <= 20  # 10 expected, 3 standard deviations are 9


def test_nothing_that_varies_is_no_effect_and_no_table_is_refused():
    assert two_way_anova(torch.ones(3, 3, 2)).p_prompt == 1
    with pytest.raises(UsageError):
        two_way_anova(torch.ones(1, 3, 2))
