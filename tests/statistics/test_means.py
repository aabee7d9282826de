import json

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.means import means, student


@pytest.mark.parametrize(
    ("freedom", "level", "t"),
    [
        (1, 0.95, 12.7062),
        (2, 0.95, 4.3027),
        (3, 0.95, 3.1824),
        (4, 0.95, 2.7764),
        (5, 0.9, 2.0150),
        (10, 0.95, 2.2281),
        (15, 0.99, 2.9467),
        (30, 0.95, 2.0423),
        (120, 0.95, 1.9799),
    ],
)
def test_student_gives_the_tables(freedom, level, t):
    assert student(freedom, level) == pytest.approx(t, abs=6e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    found = means(torch.randn(6, 20_000, generator=generator) + 3)
    share = ((found.low < 3) & (found.high > 3)).double().mean()
    assert share == pytest.approx(0.95, abs=0.006)


def test_each_place_has_its_own_interval():
    found = means(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert found.mean.tolist() == [2, 5]
    assert found.low[0] < 2 < found.high[0]
    assert found.low[1] == found.high[1] == 5


def test_one_value_bounds_nothing_and_is_still_json():
    found = means(torch.tensor([2.0]))
    assert json.loads(json.dumps(found.as_dict())) == {
        "n": 1,
        "mean": 2.0,
        "low": None,
        "high": None,
    }


def test_no_values_and_no_freedom_are_refused():
    with pytest.raises(UsageError, match="no values"):
        means(torch.zeros(0, 3))
    with pytest.raises(UsageError, match="no quantile"):
        student(0)
