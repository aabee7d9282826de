"""Embeddings as CSV: what is written is read, and a spoilt row is named by its line."""

import os

import pytest
import torch

from ddpm_clip.data.csv_exchange.embedding_csv import read_csv, write_csv
from ddpm_clip.errors import DataError, MissingInput, StorageError

KEYS = ["a.png", "b, with a comma.png", 'say "hi".png', "ü/ñ.png", " spaces ", "two\nlines.png"]


def numbers(n, e=5, seed=0):
    return torch.randn(n, e, generator=torch.Generator().manual_seed(seed)) * 11


def write(tmp_path, data):
    path = tmp_path / "clip.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_a_csv_is_read_back_to_the_bit(tmp_path):
    rows = numbers(len(KEYS))
    write_csv(tmp_path / "clip.csv", KEYS, rows)
    table = read_csv(tmp_path / "clip.csv")
    assert table.keys == KEYS
    assert torch.equal(table.embeddings, rows)


def test_many_rows_keep_their_keys(tmp_path):
    keys, rows = [f"{i}.png" for i in range(5000)], numbers(5000, 3)
    write_csv(tmp_path / "clip.csv", keys, rows)
    table = read_csv(tmp_path / "clip.csv")
    assert table.keys == keys
    assert torch.equal(table.embeddings, rows)


def test_the_form_is_path_then_numbers_without_a_header(tmp_path):
    write_csv(tmp_path / "clip.csv", ["a.png"], torch.tensor([[0.5, -1.0, 0.1]]))
    assert (tmp_path / "clip.csv").read_bytes() == b"a.png,0.5,-1,0.100000001\n"


@pytest.mark.parametrize(
    "text",
    [
        "a.png,1,2\nb.png,3,4\n",
        "path,v1,v2\na.png,1,2\nb.png,3,4\n",
        "path,0,1\na.png,1,2\nb.png,3,4",
        "name,x,y\r\na.png,1,2\r\nb.png,3,4\r\n",
        "\ufeffa.png,1,2\n\nb.png, 3 ,4e0\n",
    ],
)
def test_headers_line_ends_and_byte_order_marks_are_understood(tmp_path, text):
    table = read_csv(write(tmp_path, text))
    assert table.keys == ["a.png", "b.png"]
    assert table.embeddings.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        ("a.png,1,2\nb.png,3\n", 2, "1 numbers, the rows above have 2"),
        ("a.png,1,2\nb.png,3,4,5\n", 2, "3 numbers, the rows above have 2"),
        ("a.png,1,2\nb.png,3,x\n", 2, "column 3 is not a number: 'x'"),
        ("a.png,1,x\n", 1, "column 3"),
        ("a.png,1,\n", 1, "column 3"),
        ('a.png,"[1, 2]"\n', 1, "column 2"),
        ("a.png,1,2\nb.png,nan,4\n", 2, "NaN or infinite"),
        ("a.png,nan,nan\n", 1, "NaN or infinite"),
        ("a.png,1,2\nb.png,3,inf\n", 2, "NaN or infinite"),
        ("a.png,1,2\nb.png,3,1e300\n", 2, "NaN or infinite"),
        ("a.png,1,2\n ,3,4\n", 2, "the path is empty"),
        ("a.png,1,2\nb.png,3,4\na.png,5,6\n", 3, "line 1 already"),
        ("path,v1\nb.png\n", 2, "no numbers"),
        ("a.png\n", 1, "no numbers"),
        (b"a.png,1,2\ncaf\xe9.png,3,4\n", 2, "not UTF-8"),
        ("a.png," + "1" * 200_000 + "\n", 1, "field"),
    ],
)
def test_a_malformed_row_is_named_by_its_line(tmp_path, data, line, why):
    with pytest.raises(DataError, match=rf"line {line}\b[\s\S]*{why}") as caught:
        read_csv(write(tmp_path, data))
    assert caught.value.exit_code == 65


def test_a_line_number_counts_the_lines_of_the_file(tmp_path):
    with pytest.raises(DataError, match=r"line 5\b"):
        read_csv(write(tmp_path, 'path,v1\n"two\nlines.png",1\n\nbad.png,x\n'))


@pytest.mark.parametrize("text", ["", "\n\n", "path,v1,v2\n"])
def test_a_csv_without_rows_is_a_data_error(tmp_path, text):
    with pytest.raises(DataError, match="no embeddings"):
        read_csv(write(tmp_path, text))


def test_a_missing_csv_is_missing_input(tmp_path):
    with pytest.raises(MissingInput) as caught:
        read_csv(tmp_path / "no.csv")
    assert caught.value.exit_code == 66


@pytest.mark.parametrize(
    ("keys", "rows"),
    [
        (["a"], numbers(2)),
        (["a", "a"], numbers(2)),
        (["a", " "], numbers(2)),
        (["a", b"\xe9.png".decode("utf-8", "surrogateescape")], numbers(2)),
        (["a", "b"], torch.tensor([[1.0], [float("inf")]])),
    ],
)
def test_rows_that_could_not_be_read_back_are_not_written(tmp_path, keys, rows):
    write_csv(tmp_path / "clip.csv", ["old"], numbers(1))
    with pytest.raises(DataError):
        write_csv(tmp_path / "clip.csv", keys, rows)
    assert read_csv(tmp_path / "clip.csv").keys == ["old"]


def test_a_failed_write_leaves_the_old_csv(tmp_path, monkeypatch):
    write_csv(tmp_path / "clip.csv", ["old"], numbers(1))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="No space left"):
        write_csv(tmp_path / "clip.csv", ["new"], numbers(1))
    assert read_csv(tmp_path / "clip.csv").keys == ["old"]
    assert [p.name for p in tmp_path.iterdir()] == ["clip.csv"]
