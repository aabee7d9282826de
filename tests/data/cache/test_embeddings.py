"""The embedding cache: what is stored is found again by name, whatever happens in between."""

import json
import os
import shutil
import warnings

import pytest
import torch
from PIL import Image

from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.cache.filling import fill
from ddpm_clip.data.cache.manifest import manifest_of, write_waiting
from ddpm_clip.data.cache.shards import write_shard
from ddpm_clip.errors import CannotCreate, DataError, StorageError
from ddpm_clip.types import Item

KIND = {"embedder_name": "toy", "fingerprint": "f00d", "dim": 8, "preprocessing": "centre 4x4x3"}
N = 23
KEYS = [f"folder/picture {i:03d}.png" for i in range(N)]
DIGESTS = [f"{i * 7919:064x}" for i in range(N)]


def open_cache(folder, **other):
    return EmbeddingCache.open_or_create(folder, **(KIND | other))


def item(i):
    return Item(KEYS[i], Image.new("RGB", (4, 4), (i * 11, 255 - i, i)))


def embed(items):
    """Depends on the picture alone, as an encoder does."""
    colours = torch.tensor([x.image.getpixel((0, 0)) for x in items]).double()
    angles = colours @ torch.linspace(0.1, 2.0, 24, dtype=torch.float64).view(3, 8)
    return torch.nn.functional.normalize(angles.sin() + 0.1, dim=1).float()


WANTED = embed([item(i) for i in range(N)]).half().float()


def run(cache, **sizes):
    return list(fill(cache, embed, KEYS, DIGESTS, item, **({"batch_size": 3} | sizes)))


def test_what_is_filled_is_found_again_after_reopening(tmp_path):
    cache = open_cache(tmp_path / "cache")
    assert run(cache, batches_per_shard=2) == [0, 3, 6, 9, 12, 15, 18, 21, 23]
    again = open_cache(tmp_path / "cache")
    assert len(again) == N
    assert again.missing(KEYS, DIGESTS) == []
    assert torch.equal(again.lookup(KEYS, DIGESTS), WANTED)


def test_rows_are_joined_by_key_and_never_by_order(tmp_path):
    cache = open_cache(tmp_path)
    run(cache, batches_per_shard=1)
    order = [*torch.randperm(N, generator=torch.Generator().manual_seed(3)).tolist(), 4, 4, 0]
    found = cache.lookup([KEYS[i] for i in order], [DIGESTS[i] for i in order])
    assert torch.equal(found, WANTED[order])
    assert not torch.equal(found[:N], WANTED)


def test_a_second_fill_embeds_nothing(tmp_path):
    run(open_cache(tmp_path))

    def forbidden(items):
        raise AssertionError("embedded twice")

    assert list(fill(open_cache(tmp_path), forbidden, KEYS, DIGESTS, item)) == [N]


def test_a_picture_whose_content_changed_is_missing_until_it_is_embedded_again(tmp_path):
    cache = open_cache(tmp_path)
    run(cache)
    changed = [*DIGESTS[:5], "new", *DIGESTS[6:]]
    assert cache.missing(KEYS, changed) == [5]
    cache.append([KEYS[5]], ["new"], torch.full((1, 8), 0.25))
    assert cache.lookup(KEYS, changed)[5].tolist() == [0.25] * 8
    assert torch.equal(cache.lookup(KEYS, DIGESTS), WANTED)


def test_a_missing_picture_is_named(tmp_path):
    cache = open_cache(tmp_path)
    cache.append(KEYS[:1], DIGESTS[:1], WANTED[:1])
    with pytest.raises(DataError, match=r"22 of 23[\s\S]*picture 001\.png"):
        cache.lookup(KEYS, DIGESTS)


@pytest.mark.parametrize(
    "other",
    [{"embedder_name": "b"}, {"fingerprint": "beef"}, {"dim": 9}, {"preprocessing": "none"}],
)
def test_a_cache_of_another_kind_is_refused_and_left_as_it_is(tmp_path, other):
    run(open_cache(tmp_path))
    with pytest.raises(CannotCreate, match="another kind") as caught:
        open_cache(tmp_path, **other)
    assert caught.value.exit_code == 73
    assert str(next(iter(other.values()))) in str(caught.value)
    assert torch.equal(open_cache(tmp_path).lookup(KEYS, DIGESTS), WANTED)


def test_a_folder_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(CannotCreate):
        open_cache(tmp_path)
    with pytest.raises(CannotCreate):
        open_cache(tmp_path / "holiday.jpg")
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def spoil(path, how):
    data = bytearray(path.read_bytes())
    if how == "truncate":
        path.write_bytes(data[: len(data) // 2])
    elif how == "flip":
        data[-3] ^= 1
        path.write_bytes(data)
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["truncate", "flip", "remove"])
def test_a_damaged_shard_is_named_and_its_rows_are_embedded_again(tmp_path, how):
    run(open_cache(tmp_path), batches_per_shard=2)
    spoil(tmp_path / "shard-00001.safetensors", how)
    whole = contents(tmp_path) if how != "remove" else None
    cache = open_cache(tmp_path)
    with pytest.warns(UserWarning, match=r"shard-00001\.safetensors is damaged or missing"):
        assert cache.missing(KEYS, DIGESTS) == list(range(6, 12))
    run(cache, batches_per_shard=2)
    assert torch.equal(open_cache(tmp_path).lookup(KEYS, DIGESTS), WANTED)
    run(open_cache(tmp_path / "never damaged"), batches_per_shard=2)
    assert contents(tmp_path) == contents(tmp_path / "never damaged") != whole


def test_damage_is_found_before_anything_is_read(tmp_path):
    run(open_cache(tmp_path), batches_per_shard=2)
    spoil(tmp_path / "shard-00001.safetensors", "flip")
    cache = open_cache(tmp_path)
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(DataError, match="6 of 23"):
        cache.lookup(KEYS, DIGESTS)


def test_a_shard_that_goes_bad_while_in_use_is_a_storage_error(tmp_path):
    cache = open_cache(tmp_path)
    run(cache)
    spoil(tmp_path / "shard-00000.safetensors", "truncate")
    with pytest.raises(StorageError, match=r"shard-00000") as caught:
        cache.lookup(KEYS, DIGESTS)
    assert caught.value.exit_code == 74


def test_a_damaged_manifest_starts_anew_with_a_warning(tmp_path):
    run(open_cache(tmp_path))
    spoil(tmp_path / "manifest.parquet", "truncate")
    with pytest.warns(UserWarning, match=r"manifest\.parquet is damaged"):
        cache = open_cache(tmp_path)
    run(cache)
    assert torch.equal(open_cache(tmp_path).lookup(KEYS, DIGESTS), WANTED)


def test_nothing_is_found_where_nothing_is_asked_for(tmp_path):
    assert open_cache(tmp_path).lookup([], []).shape == (0, 8)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_shard_whose_hash_is_right_and_whose_values_are_no_numbers_is_refused(tmp_path, value):
    cache = open_cache(tmp_path)
    spoilt = WANTED[:3].clone()
    spoilt[1, 4] = value
    hash_ = write_shard(tmp_path, 0, spoilt)
    write_waiting(tmp_path, manifest_of(KEYS[:3], DIGESTS[:3], 0, hash_))
    cache = open_cache(tmp_path)
    with pytest.raises(StorageError, match="NaN or infinite"):
        cache.lookup(KEYS[:3], DIGESTS[:3])


def test_a_manifest_cannot_point_out_of_the_folder(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    cache = open_cache(tmp_path / "cache")
    run(cache)
    table = parquet.read_table(tmp_path / "cache" / "manifest.parquet")
    column = pa.array(["../shard-00000.safetensors"] * N)
    place = table.schema.get_field_index("shard")
    parquet.write_table(table.set_column(place, "shard", column), cache.folder / "manifest.parquet")
    with pytest.warns(UserWarning, match="is not the name of a shard"):
        assert len(open_cache(tmp_path / "cache")) == 0


@pytest.mark.parametrize("text", ["", "[1]", '{"dim": 8}', "[" * 100_000])
def test_a_damaged_card_is_a_storage_error(tmp_path, text):
    open_cache(tmp_path)
    (tmp_path / "cache.json").write_text(text)
    with pytest.raises(StorageError, match=r"cache\.json"):
        open_cache(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    open_cache(tmp_path)
    card = json.loads((tmp_path / "cache.json").read_text()) | {"format": 99}
    (tmp_path / "cache.json").write_text(json.dumps(card))
    with pytest.raises(StorageError, match="upgrade"):
        open_cache(tmp_path)


def test_numbers_that_are_not_finite_are_never_stored(tmp_path):
    cache = open_cache(tmp_path)
    bad = WANTED[:3].clone()
    bad[1, 2] = float("nan")
    with pytest.raises(DataError, match=r"picture 001\.png"):
        cache.append(KEYS[:3], DIGESTS[:3], bad)
    assert len(open_cache(tmp_path)) == 0


def test_embeddings_of_another_shape_are_refused(tmp_path):
    with pytest.raises(DataError, match="have shape"):
        open_cache(tmp_path).append(KEYS[:3], DIGESTS[:3], WANTED[:2])


def test_a_key_that_is_not_utf8_survives(tmp_path):
    key = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    open_cache(tmp_path).append([key], ["d"], WANTED[:1])
    assert torch.equal(open_cache(tmp_path).lookup([key], ["d"]), WANTED[:1])


def test_closing_a_fill_keeps_what_was_embedded(tmp_path):
    work = fill(open_cache(tmp_path), embed, KEYS, DIGESTS, item, batch_size=3)
    while next(work) < 9:
        pass
    work.close()
    cache = open_cache(tmp_path)
    assert cache.missing(KEYS, DIGESTS) == list(range(9, N))
    assert run(cache)[0] == 9
    assert torch.equal(cache.lookup(KEYS, DIGESTS), WANTED)


def test_an_encoder_that_fails_loses_no_finished_batch(tmp_path):
    def fails_at_four(items):
        if items[0].key == KEYS[12]:
            raise RuntimeError("out of memory")
        return embed(items)

    with pytest.raises(RuntimeError, match="out of memory"):
        list(fill(open_cache(tmp_path), fails_at_four, KEYS, DIGESTS, item, batch_size=3))
    assert open_cache(tmp_path).missing(KEYS, DIGESTS) == list(range(12, N))


@pytest.mark.slow
def test_killed_at_any_write_it_goes_on_to_the_same_files(tmp_path, monkeypatch):
    """A copy of the folder, taken around each sync and rename, is what a kill leaves behind."""
    home, copies = tmp_path / "cache", []

    def watched(act):
        def call(*args, **options):
            copies.append(shutil.copytree(home, tmp_path / f"killed-{len(copies)}"))
            result = act(*args, **options)
            copies.append(shutil.copytree(home, tmp_path / f"killed-{len(copies)}"))
            return result

        return call

    cache = open_cache(home)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", watched(os.replace))
        patch.setattr(os, "fsync", watched(os.fsync))
        run(cache, batches_per_shard=3)
    whole = {p.name: p.read_bytes() for p in home.iterdir()}

    assert len(copies) > 20
    assert sum(any(p.name.startswith(".tmp-") for p in c.iterdir()) for c in copies) > 5
    for copy in copies:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            resumed = open_cache(copy)
            run(resumed, batches_per_shard=3)
        assert torch.equal(resumed.lookup(KEYS, DIGESTS), WANTED)
        left = {p.name: p.read_bytes() for p in copy.iterdir() if not p.name.startswith(".tmp-")}
        assert left == whole


def test_a_full_disk_is_a_storage_error_and_the_cache_stays_whole(tmp_path, monkeypatch):
    cache = open_cache(tmp_path)
    cache.append(KEYS[:3], DIGESTS[:3], WANTED[:3])

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(StorageError, match="No space left") as caught:
            cache.append(KEYS[3:6], DIGESTS[3:6], WANTED[3:6])
    assert caught.value.exit_code == 74
    assert not list(tmp_path.glob(".tmp-*"))
    for now in (cache, open_cache(tmp_path)):
        assert torch.equal(now.lookup(KEYS[:3], DIGESTS[:3]), WANTED[:3])
        assert now.missing(KEYS[:4], DIGESTS[:4]) == [3]
