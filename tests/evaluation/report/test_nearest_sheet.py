import numpy as np
import pytest
import torch
from planted import planted

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import pixel_features
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.evaluation.report.nearest_sheet import nearest_sheet
from ddpm_clip.utils.tensors import to_float


@pytest.fixture(scope="module")
def sets():
    train, heldout, fresh = (planted(60, seed)[0] for seed in range(3))
    return torch.cat([fresh[:10], train[5:6], fresh[10:20]]), train, heldout


def test_the_copy_stands_first_above_its_original(sets):
    found = audit(*map(pixel_features, sets))
    assert found.suspects(1) == [10]
    assert found.train_rows[10] == 5
    sheet = nearest_sheet(*sets, found, n=4)
    dark = np.asarray(sheet.convert("L"), dtype=float)
    side, left, top = 16 * 6 + 2, 8 * 18 + 8, 13 + 8
    assert sheet.size == (left + 4 * side, top + 3 * side)
    rows = [dark[top + i * side : top + i * side + 96, left : left + 96] for i in range(3)]
    assert (rows[0] == rows[1]).all()
    assert (rows[0] != rows[2]).any()


def test_pixels_may_be_bytes_or_numbers(sets):
    found = audit(*map(pixel_features, sets))
    bytes_, floats = nearest_sheet(*sets, found), nearest_sheet(*map(to_float, sets), found)
    assert bytes_.tobytes() == floats.tobytes()


def test_other_pictures_than_those_of_the_audit_are_refused(sets):
    found = audit(*map(pixel_features, sets))
    with pytest.raises(UsageError, match="the audit saw 21 and 60"):
        nearest_sheet(sets[0][:5], *sets[1:], found)
