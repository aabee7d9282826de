import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.memorisation import audit


def draw(n, seed, d=8):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


TRAIN, HELDOUT = draw(2000, 0), draw(1000, 1)


def noisy(rows, seed, amount=0.02):
    return rows + amount * draw(len(rows), seed)


def test_points_on_a_line_are_counted_as_by_hand():
    train, heldout = torch.tensor([[0.0], [10], [20]]), torch.tensor([[5.0], [15], [26]])
    found = audit(torch.tensor([[0.0], [1], [16], [2.5], [27]]), train, heldout, tolerance=0.5)
    assert (found.compared, found.decided, found.closer) == (3, 4, 2)  # 2.5 lies in the middle
    assert found.effective_n == pytest.approx(4**2 / (2**2 + 1 + 1))
    assert found.train_rows.tolist() == [0, 0, 2, 0, 2]
    assert found.heldout_rows.tolist() == [0, 0, 1, 0, 2]
    assert found.train_distances.tolist() == [0, 1, 4, 2.5, 7]
    assert (found.duplicates, found.duplicate_rows, found.copied) == (1, [0], {0: 1})
    assert found.suspects(3) == [0, 1, 3]


@pytest.mark.parametrize("amount", [0.0, 0.02])
def test_a_training_picture_that_is_painted_five_hundred_times_is_found(amount):
    copies = noisy(TRAIN[7:8].expand(500, 8), 2, amount)
    found = audit(torch.cat([draw(500, 3), copies]), TRAIN, HELDOUT)
    assert found.verdict == "copies"
    assert set(found.duplicate_rows) == set(range(500, 1000))
    assert found.copied == {7: 500}


def test_a_picture_that_stands_five_hundred_times_in_the_training_set_is_found():
    train = torch.cat([TRAIN, TRAIN[:1].expand(500, 8)])
    found = audit(torch.cat([draw(900, 3), noisy(train[-100:], 2)]), train, HELDOUT)
    assert found.verdict == "copies"
    assert found.copied == {0: 100}  # equal training rows are one, and the first names it
    assert found.duplicates == 100


def test_many_pictures_copied_once_each_are_found_by_all_three_questions():
    found = audit(noisy(TRAIN[:500], 2), TRAIN[:1000], HELDOUT)
    assert found.verdict == "copies"
    assert found.duplicates == 500
    assert found.share > 0.99
    assert found.p < 1e-6
    assert found.ratio < 0.1 < 0.5 < found.heldout_ratio
    assert len(found.copied) == 500


@pytest.mark.parametrize("seed", range(5))
def test_planted_held_out_pictures_are_cleared(seed):
    found = audit(draw(1000, 10 + seed), TRAIN, HELDOUT)
    assert found.verdict == "clear"
    assert found.duplicates <= 1
    low, high = found.interval
    assert low < 0.5 < high
    assert found.ratio == pytest.approx(found.heldout_ratio, rel=0.05)


@pytest.mark.slow
def test_more_painted_pictures_than_references_do_not_make_chance_look_sure():
    # counted one by one, 5,000 rows against 20 would reject half the time
    found = [
        audit(draw(5000, 100 + 3 * i, d=2), draw(20, 101 + 3 * i, d=2), draw(20, 102 + 3 * i, d=2))
        for i in range(60)
    ]
    assert sum(one.p < 0.05 for one in found) <= 8  # 3 expected
    assert all(low <= 0.5 <= high for low, high in [found[0].interval])
    assert all(one.verdict == "clear" for one in found)


def test_leaning_is_not_copying():
    # halfway from held-out-like rows to a training row: no copies, but drawn to the training set
    halfway = TRAIN[:1000] + 0.45 * draw(1000, 3)
    found = audit(halfway, TRAIN[:1000], HELDOUT)
    assert found.verdict == "leans to the training set"
    assert found.duplicates == 0


@pytest.mark.slow
def test_data_that_repeat_themselves_are_not_the_models_fault():
    heldout = torch.cat([HELDOUT[:600], TRAIN[:300]])  # a third stands in the training set, too
    found = audit(torch.cat([draw(600, 3), TRAIN[300:600]]), TRAIN, heldout)
    assert found.heldout_duplicates >= 300
    assert found.duplicates >= 300
    assert found.duplicates_p > 0.1
    assert audit(TRAIN[:900], TRAIN, heldout).verdict == "copies"


def test_the_json_form_has_numbers_only():
    found = audit(draw(100, 3), TRAIN, HELDOUT).as_dict()
    assert found["verdict"] == "clear"
    assert found["closer_to_train"]["compared"] == 1000
    assert set(found) == {"n", "verdict", "closer_to_train", "duplicates", "nearest_by_next"}


def test_training_rows_that_are_all_one_are_refused():
    with pytest.raises(UsageError, match="all training rows are equal"):
        audit(draw(5, 0), torch.ones(9, 8), HELDOUT)
    with pytest.raises(UsageError, match="features of shapes"):
        audit(draw(5, 0, d=3), TRAIN, HELDOUT)
