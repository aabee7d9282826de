import pytest

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.intervals import wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (90, 100, 0.826, 0.945),
        (450, 500, 0.871, 0.923),
        (970, 1000, 0.957, 0.979),
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
    ],
)
def test_wilson_gives_the_published_intervals(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=6e-4)


def test_nothing_counted_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_all_and_none_end_at_one_and_zero_exactly():
    assert all(wilson(n, n)[1] == 1.0 and wilson(0, n)[0] == 0.0 for n in (1, 3, 7, 49, 2000))


def test_more_pictures_narrow_the_interval_round_the_share():
    few, many = wilson(9, 10), wilson(900, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1]


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 5)])
def test_an_impossible_share_is_refused(k, n):
    with pytest.raises(UsageError, match="not a valid share"):
        wilson(k, n)
