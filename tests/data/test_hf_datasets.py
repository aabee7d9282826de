"""Data sets of the `datasets` package: from its own folder, from parquet, and as a stream."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.hf_datasets import Place
from ddpm_clip.data.hub_rows import Reading
from ddpm_clip.data.images import BadImage
from ddpm_clip.data.pixels import load_pixels
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.streams import keep
from ddpm_clip.data.subset import limit
from ddpm_clip.errors import CannotCreate, DataError, MissingInput, UsageError

datasets = pytest.importorskip("datasets")


def png(shade, size=(8, 8)):
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Six pictures, the last two of them junk, in three forms."""
    root = tmp_path_factory.mktemp("hf")
    pictures = [{"bytes": png(k), "path": None} for k in range(4)]
    pictures += [{"bytes": b"junk", "path": None}, {"bytes": png(5)[:30], "path": None}]
    kinds = datasets.Features({
        "image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"]),
        "text": datasets.Value("string"),
    })  # fmt: skip
    table = datasets.Dataset.from_dict(
        {"image": pictures, "label": [0, 1, 0, 1, 0, 1], "text": ["a cat", "", *"wxyz"]}, kinds
    )
    (root / "set").mkdir()
    datasets.disable_progress_bars()
    table.save_to_disk(str(root / "set" / "plain"))
    datasets.DatasetDict({"train": table, "test": table.select([3])}).save_to_disk(
        str(root / "set" / "splits")
    )
    table.to_parquet(str(root / "set" / "table.parquet"))
    return root / "set"


@pytest.mark.parametrize("name", ["plain", "splits", "table.parquet"])
def test_a_data_set_is_a_list_of_pictures(places, name):
    source = open_source(f"hf:{places / name}")
    assert len(source) == 6
    assert source.classes == ("cat", "dog")
    assert [source[i].getpixel((0, 0))[0] for i in range(4)] == [0, 1, 2, 3]
    assert [source.label(i) for i in range(3)] == ["cat", "dog", "cat"]
    assert [source.caption(i) for i in range(3)] == ["a cat", None, "w"]
    assert [source.key(i) for i in (0, 5)] == ["train-00000000", "train-00000005"]
    assert source.digest(0) != source.digest(1)
    assert source.facts(0) == {}
    pixels = load_pixels(source, size=4, channels=3, max_bad=0.5)
    assert [file.key[-1] for file in pixels.bad] == ["4", "5"]
    assert pixels.bad[0].reason == "not-an-image"


def test_a_row_may_point_to_a_file_of_the_place_and_to_no_other(tmp_path):
    inside, outside = tmp_path / "in" / "a.png", tmp_path / "b.png"
    inside.parent.mkdir()
    inside.write_bytes(png(1))
    outside.write_bytes(png(2))
    reading, roots = Reading("image", None, None), [inside.parent]
    assert reading.bytes_of({"image": {"path": str(inside)}}, "k", roots) == png(1)
    assert reading.bytes_of({"image": b"as it is"}, "k", roots) == b"as it is"
    for path, reason in ((outside, "outside"), (inside.parent / ".." / "b.png", "outside"),
                         (inside.parent / "no.png", "missing"), ("", "empty")):  # fmt: skip
        with pytest.raises(BadImage) as caught:
            reading.bytes_of({"image": {"bytes": None, "path": str(path)}}, "k", roots)
        assert caught.value.reason == reason
    with pytest.raises(BadImage):
        reading.bytes_of({"image": None}, "k", roots)


def test_split_and_column_come_after_the_name(places):
    test = open_source(f"hf:{places}/splits:test")
    assert (len(test), test[0].getpixel((0, 0))[0], test.key(0)) == (1, 3, "test-00000000")
    assert len(open_source(f"hf:{places}/splits", split="test")) == 1
    assert len(open_source(f"hf:{places}/splits:train:image")) == 6
    with pytest.raises(UsageError, match="did you mean 'image'"):
        open_source(f"hf:{places}/splits:train:imag")
    with pytest.raises(UsageError, match="unknown split"):
        open_source(f"hf:{places}/splits:nosuch")
    assert Place.parse("user/name", "train") == Place("user/name", "train")
    assert Place.parse("user/name:val:img", "train") == Place("user/name", "val", "img")
    for text in ("", "a:b:c:d"):
        with pytest.raises(UsageError):
            Place.parse(text, "train")


def test_what_is_no_data_set_is_refused(places, tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError):
        open_source(f"hf:{tmp_path}/x.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises((DataError, MissingInput)):
        open_source(f"hf:{tmp_path}/empty")
    words = datasets.Dataset.from_dict({"words": ["a", "b"]})
    words.save_to_disk(str(tmp_path / "words"))
    with pytest.raises(DataError, match="its columns are words"):
        open_source(f"hf:{tmp_path}/words")


def test_without_the_package_the_error_says_what_to_install(places, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError, match=r"pip install \"ddpm-clip\[datasets\]\"") as caught:
        open_source(f"hf:{places}/plain")
    assert caught.value.exit_code == 2


def kept(stream, folder, size=8):
    work = keep(stream, folder, size=size)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_a_stream_is_kept_in_one_pass_and_gives_the_same_pixels(places, tmp_path):
    listed = open_source(f"hf:{places}/table.parquet")
    stream = limit(open_source(f"hf-stream:{places}/table.parquet"), 6)
    source = kept(stream, tmp_path / "kept")
    one, other = (load_pixels(s, size=4, channels=3, max_bad=0.5) for s in (listed, source))
    assert np.array_equal(one.array, other.array)
    assert list(one.labels) == list(other.labels)
    assert [source.digest(i) for i in range(4)] == [listed.digest(i) for i in range(4)]
    assert [source.caption(i) for i in range(4)] == [listed.caption(i) for i in range(4)]
    assert len(other.bad) == 2
    with pytest.raises(CannotCreate, match="another stream"):
        kept(limit(open_source(f"hf-stream:{places}/table.parquet"), 3), tmp_path / "kept")


def test_a_stream_that_was_cut_off_goes_on_after_the_last_whole_shard(
    places, tmp_path, monkeypatch
):
    monkeypatch.setattr("ddpm_clip.data.streams.SHARD", 2)
    spec = f"hf-stream:{places}/table.parquet"
    whole = kept(limit(open_source(spec), 6), tmp_path / "whole")
    work = keep(limit(open_source(spec), 6), tmp_path / "cut", size=8)
    for _ in range(3):
        next(work)
    work.close()
    assert [p.name for p in (tmp_path / "cut").glob("*.tar")] == ["shard-000000.tar"]
    cut = kept(limit(open_source(spec), 6), tmp_path / "cut")
    assert [cut.digest(i) for i in range(6)] == [whole.digest(i) for i in range(6)]
    for name in ("shard-000000.tar", "shard-000001.tar", "shard-000002.tar"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_large_pictures_are_kept_smaller_and_others_as_they_came(tmp_path):
    from ddpm_clip.data.streams import Incoming, Stream

    big, small = png(5, (1200, 600)), png(6, (300, 200))
    stream = Stream("s", lambda: iter([Incoming("a", big), Incoming("b", small)]), 2)
    source = kept(stream, tmp_path)
    assert source[0].size == (512, 256)
    assert source._read(1) == small
    assert kept(stream, tmp_path / "larger", size=600)._read(0) == big
