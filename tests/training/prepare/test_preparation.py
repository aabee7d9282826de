"""Which pictures are held out: few of a small folder, always the same ones."""

import numpy as np
import pytest

from ddpm_clip.training.prepare.preparation import heldout_rows


@pytest.mark.parametrize(
    ("n", "wanted", "held"), [(1000, 256, 100), (10_000, 256, 256), (9, 256, 0), (100, 0, 0)]
)
def test_at_most_a_tenth_is_held_out(n, wanted, held):
    rows = heldout_rows(n, wanted)
    assert len(np.unique(rows)) == len(rows) == held
    assert np.array_equal(rows, np.sort(rows))
    assert held == 0 or (rows[0] >= 0 and rows[-1] < n)
    assert np.array_equal(rows, heldout_rows(n, wanted))
    assert held == 0 or not np.array_equal(rows, np.arange(held)), "chosen at random"
