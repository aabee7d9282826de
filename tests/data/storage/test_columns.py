"""Columns give back what was put in, small and large, and do not keep it as objects."""

import pytest

from ddpm_clip.data.storage import columns
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter

ODD = [
    "",
    "rose/a.png",
    "ü\n\t",
    "\udcff.png",
    "\ud800 half",
    "\udcc3\udca9",
    "\U0001f33b",
    "x" * 5000,
]


@pytest.mark.parametrize("in_memory", [2**20, 64])
def test_texts_come_back_from_memory_and_from_a_file(monkeypatch, in_memory):
    monkeypatch.setattr(columns, "IN_MEMORY", in_memory)
    column = TextColumn(ODD * 3)
    assert list(column) == ODD * 3
    assert column == ODD * 3 != column[:-1]
    assert column[-1] == ODD[-1]
    assert column[1:4] == ODD[1:4]
    assert "rose/a.png" in column
    assert "rose/b.png" not in column
    for row in (3 * len(ODD), -3 * len(ODD) - 1):
        with pytest.raises(IndexError):
            column[row]
    assert len(TextColumn()) == 0 == len(list(TextColumn()))


def test_a_writer_that_is_given_up_leaves_nothing_open(monkeypatch):
    monkeypatch.setattr(columns, "IN_MEMORY", 4)
    writer = TextWriter()
    writer.append("many letters")
    del writer  # an open file would be a warning, and so an error


def test_labels_are_numbers_inside_and_names_outside():
    labels = LabelColumn(["b", None, "a", "b"])
    assert list(labels) == ["b", None, "a", "b"]
    assert labels[1] is None
    assert labels[-1] == "b"
    assert labels[1:3] == [None, "a"]
    assert labels.names == ("b", "a")
    labels.append("c")
    assert labels[4] == "c"
    assert len(labels) == 5
