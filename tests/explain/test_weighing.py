"""One rule: the prerequisite, then what is refuted, then what is shown."""

import math

import pytest
import torch

from ddpm_clip.explain.verdict.odds import Followed
from ddpm_clip.explain.verdict.prerequisite import Prerequisite
from ddpm_clip.explain.verdict.verdicts import above, not_counted, weigh
from ddpm_clip.statistics.means import Means

MET = Prerequisite(Followed(8, 8), 10, 10, 0.0, 6, "")
UNMET = Prerequisite(Followed(8, 1), 10, 10, 0.0, 6, "nobody follows")


def between(low, high):
    low, high = torch.tensor(low), torch.tensor(high)
    return Means(8, (low + high) / 2, low, high)


SURE, SPANS, WRONG = between(0.5, 1.5), between(-1.0, 2.0), between(-2.0, -1.0)


@pytest.mark.parametrize(
    ("claims", "how", "verdict"),
    [
        ([SURE], {}, "pass"),
        ([SURE, SPANS], {}, "inconclusive"),
        ([SURE, WRONG], {}, "fail"),
        ([SURE], {"shown": False}, "inconclusive"),
        ([SPANS], {"refuted": True}, "fail"),
        ([between([0.5, -1.0], [1.5, 2.0])], {}, "inconclusive"),
        ([between([0.5, -2.0], [1.5, -1.0])], {}, "fail"),
        ([between(-math.inf, math.inf)], {}, "inconclusive"),
    ],
)
def test_a_verdict(claims, how, verdict):
    assert weigh(MET, claims, **how) == weigh(None, claims, **how) == verdict


@pytest.mark.parametrize("claims", [[SURE], [WRONG]])
def test_behind_a_closed_gate_nothing_counts(claims):
    assert weigh(UNMET, claims, refuted=True) == "inconclusive"
    assert "nobody follows" in not_counted(UNMET)
    assert not_counted(MET) == not_counted(None) == ""


def test_a_number_is_no_mean_and_proves_nothing():
    assert weigh(None, [between(math.nan, math.nan)]) == "inconclusive"


def test_above_moves_the_whole_interval():
    assert weigh(None, [above(SURE, 0.4)]) == "pass"
    assert weigh(None, [above(SURE, 1.0)]) == "inconclusive"
    assert weigh(None, [above(SURE, 1.5)]) == "fail"
