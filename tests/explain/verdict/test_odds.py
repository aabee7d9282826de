"""Log-odds are those of the probability, within what a judge is believed."""

import math

import pytest
import torch

from ddpm_clip.explain.verdict.odds import Followed, log_odds


def test_log_odds_are_of_the_class_and_bounded_where_the_judge_is_too_sure():
    probs = torch.tensor([[0.75, 0.25], [1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    found = log_odds(probs, 0)
    assert found.tolist() == pytest.approx([math.log(3), math.log(9999), -math.log(9999)])
    (slope,) = torch.autograd.grad(found.sum(), probs)
    assert slope[0, 0].item() == pytest.approx(1 / (0.75 * 0.25))


@pytest.mark.parametrize(
    ("seen", "n", "enough"),
    [(4, 4, True), (3, 4, False), (7, 8, True), (6, 8, False), (0, 0, False)],
)
def test_more_than_half_is_enough_only_where_the_interval_says_so(seen, n, enough):
    probs = torch.eye(2)[[0] * seen + [1] * (n - seen)]
    found = Followed.of(probs, 0)
    assert (found.seen, found.n, found.enough) == (seen, n, enough)
