"""Data sets of the `datasets` package: from its own folder, from parquet, and as a stream."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.remote.hf_datasets import HubSource, Place, _roots
from ddpm_clip.data.remote.hub_rows import ColumnRoles
from ddpm_clip.data.remote.streams import keep
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.subset import limit
from ddpm_clip.errors import CannotCreate, DataError, MissingInput, StorageError, UsageError
from ddpm_clip.utils.generators import finish

pytestmark = pytest.mark.slow
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
    kinds = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog"]),
            "text": datasets.Value("string"),
        }
    )
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
    reading, roots = ColumnRoles("image", None, None), [inside.parent]
    assert reading.bytes_of({"image": {"path": str(inside)}}, "k", roots) == png(1)
    assert reading.bytes_of({"image": b"as it is"}, "k", roots) == b"as it is"
    for path, reason in (
        (outside, "outside"),
        (inside.parent / ".." / "b.png", "outside"),
        (inside.parent / "no.png", "missing"),
        ("", "empty"),
    ):
        with pytest.raises(BadImage) as caught:
            reading.bytes_of({"image": {"bytes": None, "path": str(path)}}, "k", roots)
        assert caught.value.reason == reason
    with pytest.raises(BadImage):
        reading.bytes_of({"image": None}, "k", roots)


def test_rows_point_to_the_place_or_the_caches_but_not_to_what_lies_beside(tmp_path, monkeypatch):
    from huggingface_hub import constants

    for name in ("hub", "sets", "beside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(png(1))
    (tmp_path / "token.png").write_bytes(png(2))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "sets")
    monkeypatch.setattr(datasets.config, "HF_CACHE_HOME", str(tmp_path))
    wanted = [f"{tmp_path}/{at}" for at in ("hub/a.png", "sets/a.png", "token.png", "beside/a.png")]
    rows = {"image": [{"bytes": None, "path": path} for path in wanted]}
    table = datasets.Dataset.from_dict(rows, datasets.Features({"image": datasets.Image()}))
    table.to_parquet(str(tmp_path / "beside" / "t.parquet"))
    source = open_source(f"hf:{tmp_path}/beside/t.parquet")
    found = load_pixels(source, size=4, channels=3, max_bad=0.5)
    assert [(file.key[-1], file.reason) for file in found.bad] == [
        ("2", "outside"),
        ("3", "outside"),
    ]
    assert HubSource is type(source)
    assert tmp_path / "beside" in _roots(Place(f"{tmp_path}/beside", "train"))


def test_a_stream_fetches_the_pictures_of_its_own_repository_only(monkeypatch):
    asked, own = [], "hf://datasets/user/name@"

    def opened(address, mode):
        asked.append(address)
        if "broken" in address:
            raise OSError("gone")
        return io.BytesIO(png(3))

    monkeypatch.setattr("datasets.utils.file_utils.xopen", opened)
    reading = ColumnRoles("image", None, None)

    def data_of(path):
        return reading.incoming({"image": {"bytes": None, "path": path}}, "k", [], own).data

    assert data_of(f"{own}abc/a.png") == png(3)
    for other in (
        "hf://datasets/user/other@abc/a.png",
        f"{own}abc/../../o/a.png",
        "https://a.test/a",
        f"{own}abc/a.png::file:///etc/passwd",
        "a\0.png",
    ):
        assert data_of(other) == b""
    assert asked == [f"{own}abc/a.png"]
    with pytest.raises(StorageError, match=r"reading .* failed"):
        data_of(f"{own}abc/broken.png")
    with pytest.raises(DataError, match="are in archives"):
        data_of(f"zip://a.png::{own}abc/a.zip")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([3, 1, 3, 1], ("1", "3")),
        (["b", "a", "b", "a"], ("a", "b")),
        ([[0], [1], [], [0, 1]], ()),
        ([0.5, 1.0, 0.5, 0.5], ()),
        ([{"x": 1}] * 4, ()),
    ],
)
def test_classes_are_texts_or_whole_numbers(tmp_path, values, classes):
    rows = {"image": [png(k) for k in range(4)], "label": values}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "t.parquet"))
    source = open_source(f"hf:{tmp_path}/t.parquet")
    assert source.classes == classes
    assert {source.label(i) for i in range(4)} == (set(classes) or {None})


def test_split_and_column_come_after_the_name(places):
    test = open_source(f"hf:{places}/splits:test")
    assert (len(test), test[0].getpixel((0, 0))[0], test.key(0)) == (1, 3, "test-00000000")
    assert len(open_source(f"hf:{places}/splits", split="test")) == 1
    assert len(open_source(f"hf:{places}/splits:train:image")) == 6
    for name in ("plain", "table.parquet"):  # no splits: all is for training, unless it is said
        for kind in ("hf", "hf-stream"):
            with pytest.raises(MissingInput, match="no split 'test'"):
                open_source(f"{kind}:{places}/{name}", split="test")
        assert len(open_source(f"hf:{places}/{name}:test")) == 6
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
    with pytest.raises(MissingInput, match="empty"):
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
    return finish(keep(stream, folder, size=size))


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
    with pytest.raises(CannotCreate, match="side is 256, not 600"):
        kept(stream, tmp_path / "kept", size=600)
    stream.background = "black"
    with pytest.raises(CannotCreate, match="background is 'white', not 'black'"):
        kept(stream, tmp_path / "kept")


def test_what_is_kept_needs_neither_the_package_nor_the_stream(places, tmp_path, monkeypatch):
    from ddpm_clip.config.schema import DataConfig
    from ddpm_clip.training.prepare.pictures import open_kept

    data = DataConfig(source=f"hf-stream:{places}/table.parquet", max_samples=100)
    first = finish(open_kept(data, tmp_path))
    assert len(first) == 6
    monkeypatch.setitem(sys.modules, "datasets", None)
    again = finish(open_kept(data, tmp_path))
    assert [again.digest(i) for i in range(6)] == [first.digest(i) for i in range(6)]
    for other in ({"max_samples": 3}, {"image_size": (600, 600)}, {"background": "black"}):
        with pytest.raises(UsageError, match="pip install"):
            finish(open_kept(data.model_copy(update=other), tmp_path))


def test_a_stream_that_breaks_off_says_so_and_keeps_the_shards_before(
    places, tmp_path, monkeypatch
):
    def breaks(self):
        for k in range(3):
            yield {"image": {"bytes": png(k)}, "label": 0, "text": ""}
        raise error

    monkeypatch.setattr("ddpm_clip.data.remote.streams.SHARD", 2)
    monkeypatch.setattr(datasets.IterableDataset, "__iter__", breaks)
    for error, told in (
        (OSError("no route"), "reading .* failed"),
        (ValueError("odd"), "reading .* failed"),
        (FileNotFoundError("x"), "was not found"),
    ):
        stream = limit(open_source(f"hf-stream:{places}/table.parquet"), 6)
        with pytest.raises((StorageError, MissingInput), match=told):
            kept(stream, tmp_path / type(error).__name__)
        names = {path.name for path in (tmp_path / type(error).__name__).iterdir()}
        assert names == {"kept.json", "shard-000000.tar"}


def test_pictures_are_put_away_as_they_come(tmp_path):
    from ddpm_clip.data.remote.streams import Incoming, Stream

    came = []

    def start():
        for k in range(10):
            came.append(k)
            yield Incoming(f"{k}", png(k))

    for at in keep(Stream("s", start, 10), tmp_path):
        assert len(came) == at.done


def test_scan_looks_at_a_stream_once(cli, places):
    words = ("scan", f"hf-stream:{places}/table.parquet", "--max-bad", 0.5, "--json")
    ended = cli(*words, "--max-samples", 6)
    assert ended.code == 0, ended.err
    assert '"cat": 3' in ended.out


def test_a_stream_that_was_cut_off_goes_on_after_the_last_whole_shard(
    places, tmp_path, monkeypatch
):
    monkeypatch.setattr("ddpm_clip.data.remote.streams.SHARD", 2)
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
    from ddpm_clip.data.remote.streams import Incoming, Stream

    big, small = png(5, (1200, 600)), png(6, (300, 200))
    stream = Stream("s", lambda: iter([Incoming("a", big), Incoming("b", small)]), 2)
    source = kept(stream, tmp_path)
    assert source[0].size == (512, 256)
    assert source._read(1) == small
    assert kept(stream, tmp_path / "larger", size=600)._read(0) == big
