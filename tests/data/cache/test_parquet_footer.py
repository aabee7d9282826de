"""Codecs are read from a footer as PyArrow reads them, and a damaged one is an error."""

import random

import pyarrow as pa
import pytest
from pyarrow import parquet

from ddpm_clip.data.cache.parquet_footer import codecs

CODECS = ["none", "snappy", "gzip", "brotli", "lz4", "zstd"]


def table(rows=100):
    keys = [f"picture-{i}" for i in range(rows)]
    return pa.table(
        {
            "key": keys,
            "row": list(range(rows)),
            "share": [0.5] * rows,
            "parts": [[i] for i in range(rows)],
        }
    )


@pytest.mark.parametrize("codec", CODECS)
def test_it_names_what_pyarrow_names(tmp_path, codec):
    parquet.write_table(table(), tmp_path / "a", compression=codec, row_group_size=30)
    metadata = parquet.ParquetFile(tmp_path / "a").metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    assert len(groups) == 4
    wanted = {group.column(j).compression for group in groups for j in range(group.num_columns)}
    assert {name.removesuffix("_RAW") for name in codecs(tmp_path / "a")} == wanted


def test_one_column_of_another_codec_is_seen(tmp_path):
    parquet.write_table(table(), tmp_path / "a", compression={"key": "snappy", "row": "zstd"})
    assert codecs(tmp_path / "a") >= {"SNAPPY", "ZSTD"}


def test_a_file_without_rows_has_no_groups(tmp_path):
    parquet.write_table(table(0), tmp_path / "a")
    assert codecs(tmp_path / "a") <= {"SNAPPY"}


BAD = [
    b"", b"PAR1", b"PAR1" + bytes(4) + b"PAR1", b"x" * 100,
    b"\x1c" * 200 + (200).to_bytes(4, "little") + b"PAR1",  # structs in structs
    b"\x19\xff\xff\x7f" + (4).to_bytes(4, "little") + b"PAR1",  # a list of more than there is
]  # fmt: skip


@pytest.mark.parametrize("data", BAD)
def test_what_has_no_sound_footer_is_an_error(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ValueError, match="footer"):
        codecs(tmp_path / "a")


@pytest.mark.slow
def test_whatever_is_turned_ends_in_codecs_or_in_an_error(tmp_path):
    parquet.write_table(table(), tmp_path / "a")
    good, rng, errors = (tmp_path / "a").read_bytes(), random.Random(0), 0
    for _ in range(500):
        data = bytearray(good)
        for _ in range(3):
            data[rng.randrange(len(data) // 2, len(data))] = rng.randrange(256)
        (tmp_path / "b").write_bytes(data)
        try:
            assert all(isinstance(one, str) for one in codecs(tmp_path / "b"))
        except ValueError:
            errors += 1
    assert 50 < errors < 500
