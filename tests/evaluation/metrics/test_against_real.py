import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.against_real import METRICS, beside_real
from ddpm_clip.evaluation.metrics.frechet import frechet_distance
from ddpm_clip.utils.generators import finish


def draw(n, seed, d=6):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_a_perfect_model_scores_as_real_pictures_do_and_a_bad_one_worse(name):
    real = draw(800, 0)
    found = finish(beside_real(name, draw(400, 1), real, repeats=5))
    assert set(found) == set(METRICS[name].figures)
    for figure, one in found.items():
        assert (one.n, one.repeats, one.figure) == (400, 5, figure)
        noise = 4 * (one.painted_spread + one.real_spread)
        assert one.painted == pytest.approx(one.real, abs=noise)
    shifted = finish(beside_real(name, draw(400, 1) + 3, real))
    for one in shifted.values():
        worse = one.painted > one.real if one.better == "low" else one.painted < one.real
        assert worse, one


@pytest.mark.parametrize("name", METRICS)
def test_columns_shuffled_among_each_other_are_worse(name):
    mixing = draw(6, 9)
    real, painted = draw(800, 0) @ mixing, draw(400, 1) @ mixing
    generator = torch.Generator().manual_seed(2)
    parted = torch.stack([c[torch.randperm(400, generator=generator)] for c in painted.T], 1)
    good, bad = (finish(beside_real(name, x, real)) for x in (painted, parted))
    worse = {
        figure: bad[figure].painted > one.painted
        if one.better == "low"
        else bad[figure].painted < one.painted
        for figure, one in good.items()
    }
    assert worse == dict.fromkeys(METRICS[name].figures, True), (good, bad)


def test_half_of_what_there_is_costs_recall_and_coverage_but_no_precision():
    real, painted = draw(800, 0, 2), draw(800, 1, 2)
    half = painted[painted[:, 0] > 0][:300]
    good, bad = (finish(beside_real("manifold", x, real)) for x in (painted, half))
    assert bad["precision"].painted == pytest.approx(good["precision"].painted, abs=0.05)
    assert bad["recall"].painted < 0.65 < 0.85 < good["recall"].painted
    assert bad["coverage"].painted < 0.65 < 0.85 < good["coverage"].painted


def test_no_real_row_stands_on_both_sides(monkeypatch):
    real, seen = torch.arange(20.0)[:, None], []

    def watched(painted, right):
        seen.append((painted, right))
        return {"frechet": frechet_distance(painted, right)}

    metric = METRICS["frechet"]
    monkeypatch.setitem(METRICS._entries, "frechet", type(metric)(metric.figures, watched))
    finish(beside_real("frechet", -1 - torch.arange(8.0)[:, None], real, repeats=2))
    for (ours, right), (left, again) in (seen[:2], seen[2:]):
        assert torch.equal(right, again)
        assert not set(right.flatten().tolist()) & set(left.flatten().tolist())
        assert len(right) == len(left) == len(ours) == 8
        assert len(set(ours.flatten().tolist())) == 8
    assert not torch.equal(seen[0][1], seen[2][1])


def test_it_says_how_far_it_is_and_one_repeat_has_no_spread():
    work = beside_real("frechet", draw(20, 0), draw(50, 1), repeats=1, n=10)
    assert [(one.done, one.total) for one in work] == [(0, 1), (1, 1)]
    one = finish(beside_real("frechet", draw(20, 0), draw(50, 1), repeats=1, n=10))["frechet"]
    assert one.as_dict()["real_spread"] == 0
    assert one.as_dict()["n"] == 10


@pytest.mark.parametrize("options", [{"n": 1}, {"n": 26}, {"repeats": 0}])
def test_what_cannot_be_measured_is_refused(options):
    with pytest.raises(UsageError):
        next(beside_real("frechet", draw(30, 0), draw(50, 1), **options))
    with pytest.raises(UsageError, match="did you mean 'frechet'"):
        next(beside_real("freshet", draw(30, 0), draw(50, 1)))
