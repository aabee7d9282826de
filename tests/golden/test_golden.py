"""What is painted, trained, shown, explained and evaluated stays equal to the bit.

A difference here is either a fault or meant. Where it is meant, `recording.py --write PART` records
anew, and its diff is read before it is committed.
"""

import json

import pytest
import torch

from tests.golden.recording import GOLDEN, PARTS, differences, machine, record

RECORDED = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def threads():
    """`record` works with one thread; whatever comes after has as many as before."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_everything_is_as_it_was_recorded(part):
    now = record([part])[part]
    # through JSON, which knows neither tuples nor numbers as keys
    told = json.loads(json.dumps(now))
    exact = RECORDED["machine"] == machine()
    assert differences(RECORDED["parts"][part], told, exact) == []


def test_a_difference_in_one_bit_is_told_where_it_is():
    then = {"a": {"sha256": "00", "means": [1.0, 2.0]}}
    now = {"a": {"sha256": "01", "means": [1.0, 2.0]}}
    assert differences(then, now, exact=True) == ["/a/sha256: 00 -> 01"]
    assert differences(then, now, exact=False) == []
    moved = {"a": {"sha256": "00", "means": [1.0, 2.5]}}
    assert differences(then, moved, exact=False) == ["/a/means/1: 2.0 -> 2.5"]
