"""The manifest in columns: found is what was stored, whatever the strings, and soon."""

import os
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ddpm_clip.data.cache.manifest import (
    MANIFEST,
    manifest_of,
    read_manifest,
    settle,
    write_waiting,
)

TRICKY = [
    ("a", "b"),
    ("ab", ""),
    ("", "ab"),
    ("a:b", ""),
    ("a", "b:"),
    ("a:", "b"),
    ("1", "1:1"),
    ("1:1", "1"),
    ("caf\udce9", "x"),
    ("café", "x"),
    ("a\0", "b"),
    ("a", "\0b"),
]


def stored(pairs, shard=0):
    return manifest_of([k for k, _ in pairs], [d for _, d in pairs], shard, f"hash of {shard}")


def find(manifest, pairs):
    return manifest.find([k for k, _ in pairs], [d for _, d in pairs]).tolist()


def test_no_two_pictures_are_taken_for_each_other():
    for n in range(len(TRICKY) + 1):
        wanted = [i if i < n else -1 for i in range(len(TRICKY))]
        assert find(stored(TRICKY[:n]), TRICKY) == wanted


def test_what_is_found_has_its_shard_and_row():
    manifest = stored(TRICKY[:5], 3).joined(stored(TRICKY[5:], 1))
    lines = manifest.find(*zip(*reversed(TRICKY), strict=True))
    shards, rows = manifest.places(lines)
    assert shards.tolist() == [1] * 7 + [3] * 5
    assert rows.tolist() == [6, 5, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0]


def test_of_a_shard_that_was_written_again_the_newer_rows_count():
    manifest = stored(TRICKY[:5], 2).joined(stored(TRICKY[5:7], 2))
    assert len(manifest) == 2
    assert find(manifest, TRICKY[4:6]) == [-1, 0]


def test_the_bytes_do_not_depend_on_how_the_rows_came(tmp_path):
    for name, order in (("a", (0, 1, 2)), ("b", (2, 0, 1))):
        (tmp_path / name).mkdir()
        manifest = stored([])
        for shard in order:
            manifest = manifest.joined(stored(TRICKY[shard * 4 : shard * 4 + 4], shard))
            if name == "b":
                write_waiting(tmp_path / name, stored(TRICKY[shard * 4 : shard * 4 + 4], shard))
        manifest = read_manifest(tmp_path / name)[0] if name == "b" else manifest
        settle(tmp_path / name, manifest)
        assert [path.name for path in (tmp_path / name).iterdir()] == [MANIFEST]
    assert (tmp_path / "a" / MANIFEST).read_bytes() == (tmp_path / "b" / MANIFEST).read_bytes()


def test_a_manifest_of_plain_strings_as_it_was_once_written_still_opens(tmp_path):
    table = {
        "key": pa.array([b"a", b"b"], pa.binary()),
        "digest": ["1", "2"],
        "shard": ["shard-00004.safetensors"] * 2,
        "row": [1, 0],
        "shard_sha256": ["f00d"] * 2,
    }
    parquet.write_table(pa.table(table), tmp_path / MANIFEST)
    manifest, waiting = read_manifest(tmp_path)
    assert not waiting
    assert find(manifest, [("b", "2"), ("a", "1"), ("a", "2")]) == [1, 0, -1]
    assert manifest.hashes == {4: "f00d"}


def test_a_damaged_table_beside_the_manifest_is_named_and_the_others_count(tmp_path):
    for shard in (0, 1):
        write_waiting(tmp_path, stored(TRICKY[shard * 4 : shard * 4 + 4], shard))
    (tmp_path / "rows-00000.parquet").write_bytes(b"PAR1")
    with pytest.warns(UserWarning, match=r"rows-00000\.parquet is damaged"):
        manifest, waiting = read_manifest(tmp_path)
    assert waiting
    assert find(manifest, TRICKY[3:6]) == [-1, 0, 1]


def lengths(n, key):
    """A table of n rows of one long key, which costs a few bytes where it is compressed."""
    return pa.table(
        {
            "key": pa.array([key] * n, pa.binary()),
            "digest": ["d"] * n,
            "shard": ["shard-00000.safetensors"] * n,
            "row": [0] * n,
            "shard_sha256": ["f00d"] * n,
        }
    )


@pytest.mark.parametrize(
    ("codec", "why"), [("snappy", "bytes expand to"), ("zstd", "compressed with ZSTD")]
)
def test_a_small_table_that_means_a_large_one_takes_no_room(tmp_path, codec, why):
    n, key = 3000, bytes(200_000)
    once = pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array([key]))
    table = lengths(n, b"").set_column(0, "key", once)
    parquet.write_table(table, tmp_path / MANIFEST, compression=codec, store_schema=False)
    assert (tmp_path / MANIFEST).stat().st_size < 20_000
    pool, room = pa.default_memory_pool(), 200 * 2**20
    most = max(pool.max_memory(), pool.bytes_allocated() + room)
    with pytest.warns(UserWarning, match=why):
        manifest, _ = read_manifest(tmp_path)
    assert len(manifest) == 0
    assert pool.max_memory() <= most, f"of the {n * len(key):,} bytes that it means"


def test_a_table_without_a_column_and_a_pipe_in_place_of_one_are_damaged(tmp_path):
    parquet.write_table(lengths(3, b"k").drop(["row"]), tmp_path / MANIFEST)
    os.mkfifo(tmp_path / "rows-00000.parquet")
    with pytest.warns(UserWarning, match="is damaged .*count as missing") as said:
        assert len(read_manifest(tmp_path)[0]) == 0
    told = " ".join(str(one.message) for one in said)
    assert "no column 'row'" in told
    assert "not a regular file" in told


def test_adding_a_shard_writes_its_own_rows_and_no_others(tmp_path):
    sizes, manifest = [], stored([])
    for shard in range(12):
        new = stored(
            [(f"picture {i}", "d" * 64) for i in range(shard * 50, shard * 50 + 50)], shard
        )
        manifest = manifest.joined(new)
        write_waiting(tmp_path, new)
        sizes.append(os.path.getsize(tmp_path / f"rows-{shard:05d}.parquet"))
    assert max(sizes) < 1.1 * min(sizes)


@pytest.mark.slow
def test_a_hundred_thousand_rows_open_and_are_found_in_a_moment(tmp_path):
    n = 100_000
    keys, digests = [f"folder/picture {i}.jpg" for i in range(n)], [f"{i:064x}" for i in range(n)]
    settle(tmp_path, manifest_of(keys, digests, 0, "f00d"))
    began = time.process_time()
    manifest, _ = read_manifest(tmp_path)
    lines = manifest.find(keys, digests)
    assert time.process_time() - began < 2  # some 0.2; rows as Python objects take several seconds
    assert (lines == np.arange(n)).all()
    assert manifest.table.nbytes < 120 * n
