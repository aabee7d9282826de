from itertools import islice

import numpy as np
import pytest

from ddpm_clip.data.batch_order import batch_indices, batches, flip_mask


@pytest.mark.parametrize(("n", "size"), [(10, 5), (10, 3), (7, 7), (100, 16)])
def test_every_epoch_shows_every_picture_once(n, size):
    steps = 4 * n
    shown = np.concatenate([batch_indices(n, size, 0, step) for step in range(steps)])
    for epoch in range(steps * size // n):
        assert sorted(shown[epoch * n : (epoch + 1) * n]) == list(range(n))
    assert not np.array_equal(shown[:n], shown[n : 2 * n])


def test_batches_are_full_even_where_there_are_fewer_pictures():
    assert list(batch_indices(1, 4, 0, 3)) == [0, 0, 0, 0]
    batch = batch_indices(3, 8, 0, 1)
    assert len(batch) == 8
    assert set(batch) == {0, 1, 2}


def test_a_step_is_the_same_however_it_is_reached():
    from_start = list(islice(batches(50, 8, seed=4), 20))
    resumed = list(islice(batches(50, 8, seed=4, start_step=12), 8))
    assert np.array_equal(from_start[12:], resumed)
    assert np.array_equal(flip_mask(4, 12, 8), flip_mask(4, 12, 8))


def test_seeds_and_steps_differ():
    assert not np.array_equal(batch_indices(99, 32, 0, 0), batch_indices(99, 32, 1, 0))
    assert not np.array_equal(flip_mask(0, 0, 64), flip_mask(0, 1, 64))
    assert not np.array_equal(flip_mask(0, 0, 64), flip_mask(1, 0, 64))


def test_half_of_the_pictures_are_mirrored():
    share = np.concatenate([flip_mask(0, step, 100) for step in range(100)]).mean()
    assert 0.48 < share < 0.52


def test_an_empty_source_has_no_batch():
    with pytest.raises(ValueError, match="0 pictures"):
        batch_indices(0, 4, 0, 0)
