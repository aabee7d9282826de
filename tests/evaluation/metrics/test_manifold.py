import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics import manifold as module
from ddpm_clip.evaluation.metrics import neighbours
from ddpm_clip.evaluation.metrics.manifold import manifold


def line(*points):
    return torch.tensor(points, dtype=torch.float32)[:, None]


REAL = line(0, 1, 3, 10)  # k = 1: radii 1, 1, 2, 7


def test_points_on_a_line_are_counted_as_by_hand():
    # balls of REAL: [-1, 1], [0, 2], [1, 5], [3, 17]; of the painted (radii .5, .5, 70): -.5..70
    painted = line(4, 4.5, -70)
    found = manifold(painted, REAL, k=1, k_density=1)
    assert found.precision == pytest.approx(2 / 3)  # -70 is in no ball
    assert found.density == pytest.approx((2 + 2 + 0) / 3)  # 4 and 4.5 are in two balls each
    assert found.coverage == pytest.approx(2 / 4)  # those of 3 and of 10
    assert found.recall == pytest.approx(3 / 4)  # 3.5..5 holds none, -144.5..4.5 all but 10


def test_balls_are_closed():
    found = manifold(line(17, 18), REAL, k=1, k_density=1)
    assert (found.precision, found.coverage) == (0.5, 0.25)


def test_two_neighbours_count_twice():
    # k = 2: radii 3, 2, 3, 9: balls [-3, 3], [-1, 3], [0, 6], [1, 19]
    found = manifold(line(2, 18, 40), REAL, k=2, k_density=2)
    assert found.density == pytest.approx((4 / 2 + 1 / 2 + 0) / 3)
    assert found.precision == pytest.approx(2 / 3)
    assert found.coverage == 1


def test_identical_sets_score_best():
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    found = manifold(x, x[torch.randperm(200)])
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(6 / 5)  # each ball holds its middle and 5 others


def test_sets_of_one_kind_score_as_theory_says_and_others_less():
    def draw(seed):
        return torch.randn(600, 4, generator=torch.Generator().manual_seed(seed))

    found = manifold(draw(0), draw(1))
    assert found.density == pytest.approx(1, abs=0.1)
    # Naeem et al. 2020, eq. 11: 1 - (M-1)...(M-k) / ((2M-1)...(2M-k))
    wanted = 1 - torch.tensor([(600 - i) / (1200 - i) for i in range(1, 6)]).prod().item()
    assert found.coverage == pytest.approx(wanted, abs=0.025)
    apart = manifold(draw(0) + 30, draw(1))
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)


def test_a_collapsed_model_is_precise_and_covers_nothing():
    real = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    collapsed = real[:1] + 1e-3 * torch.randn(300, 4, generator=torch.Generator().manual_seed(1))
    found = manifold(collapsed, real)
    assert found.precision == 1
    assert found.recall < 0.02
    assert found.coverage < 0.1


def test_what_covers_more_than_the_real_ones_recalls_and_is_not_precise():
    real = 0.2 * torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    wide = torch.randn(300, 4, generator=torch.Generator().manual_seed(1))
    found = manifold(wide, real)
    assert found.recall > 0.95
    assert found.precision < 0.2


def test_chunks_change_nothing(monkeypatch):
    a = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    b = torch.randn(70, 3, generator=torch.Generator().manual_seed(1))
    whole = manifold(a, b)
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    assert module.manifold(a, b) == whole


def test_a_row_that_stands_there_many_times_is_in_its_own_ball():
    same = torch.zeros(20, 2)
    assert manifold(same, same).as_dict()["precision"] == 1
    assert manifold(same + 1, same).as_dict()["precision"] == 0


@pytest.mark.parametrize("options", [{"k": 0}, {"k": 4}, {"k_density": 9}])
def test_too_few_rows_are_refused(options):
    with pytest.raises(UsageError):
        manifold(REAL, REAL, **{"k": 1, "k_density": 1} | options)
