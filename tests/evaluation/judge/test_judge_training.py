import pytest
import torch
from planted import ATTRIBUTES, planted

from ddpm_clip.errors import DataError, UsageError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.judge.training import (
    attributes_of,
    calibrate,
    measure_judge,
    targets,
    train_judge,
)


def small_judge():
    torch.manual_seed(0)
    return JudgeNet(ATTRIBUTES, 1, 16, width=8)


def test_a_judge_learns_planted_attributes_and_rejects_nonsense(toy_judge):
    figures = measure_judge(toy_judge, *planted(300, seed=2))
    assert figures.n == 300
    assert figures.accuracy["shape"] > 0.97
    assert figures.accuracy["tone"] > 0.97
    assert figures.rejected < 0.06
    assert figures.nonsense_rejected > 0.8


def test_noise_and_blank_pictures_are_rejected(toy_judge):
    noise = torch.rand(200, 1, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert toy_judge(noise)[1].float().mean() > 0.9
    assert toy_judge(torch.full((1, 1, 16, 16), 0.3))[1].all()


@pytest.mark.slow
def test_the_threshold_lets_the_asked_share_through():
    judge = small_judge().eval()
    pixels, _ = planted(500, seed=3)
    calibrate(judge, pixels, accepted=0.8)
    accepted = 1 - measure_judge(judge, pixels, [{}] * 500).rejected
    assert accepted == pytest.approx(0.8, abs=0.01)


def test_the_confusion_counts_truth_by_reading(toy_judge):
    pixels, facts = planted(100, seed=4)
    wrong = [one | {"shape": "ring"} for one in facts]
    figures = measure_judge(toy_judge, pixels, wrong)
    table = figures.confusion["shape"]
    assert sum(map(sum, table)) == 100
    assert table[0] == table[1] == [0, 0, 0]
    assert figures.accuracy["shape"] == pytest.approx(table[2][2] / 100)


def test_what_is_not_known_of_a_picture_is_neither_trained_nor_counted():
    pixels, facts = planted(64, seed=0)
    half = [one if i % 2 else {"shape": one["shape"]} for i, one in enumerate(facts)]
    judge = small_judge()
    assert (targets(judge, half)["tone"][::2] == -1).all()
    steps = list(train_judge(judge, pixels, half, steps=2, batch_size=8))
    assert all(torch.isfinite(torch.tensor(step.loss)) for step in steps)
    figures = measure_judge(judge, pixels, half)
    assert sum(map(sum, figures.confusion["tone"])) == 32


def test_an_attribute_that_nobody_knows_leaves_the_loss_finite():
    pixels, facts = planted(16, seed=0)
    only = [{"shape": one["shape"]} for one in facts]
    steps = list(train_judge(small_judge(), pixels, only, steps=2, batch_size=8))
    assert all(step.loss < 100 for step in steps)


@pytest.mark.slow
def test_the_same_seed_trains_the_same_judge():
    def trained(seed):
        judge = small_judge()
        torch.manual_seed(7)  # dropout draws from the global generator
        steps = train_judge(judge, *planted(64, seed=0), steps=3, batch_size=16, seed=seed)
        return [step.loss for step in steps]

    assert trained(1) == trained(1) != trained(2)


def test_attributes_come_in_the_order_of_the_classes_and_only_where_they_vary():
    facts = [{"label": "two", "x": "b", "z": "same"}, {"label": "one", "x": "a", "z": "same"}]
    found = attributes_of(facts, order=("one", "two"))
    assert found == {"label": ("one", "two"), "x": ("a", "b")}
    with pytest.raises(DataError, match="nothing for a judge to distinguish"):
        attributes_of([{"label": "one"}, {"label": "one"}])


@pytest.mark.parametrize(("steps", "batch"), [(1, 64), (10, 4)])
def test_too_short_a_training_is_refused(steps, batch):
    with pytest.raises(UsageError, match="too few"):
        next(train_judge(small_judge(), *planted(9, 0), steps=steps, batch_size=batch))
