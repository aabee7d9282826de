import gzip
import io
import json
import os
import struct
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.data.sources import CLOTHES, DIGITS, SOURCES, open_source
from ddpm_clip.data.subset import Subset, digest, limit
from ddpm_clip.errors import DataError, DdpmClipWarning, MissingInput, PermissionRefused, UsageError
from ddpm_clip.types import ImageSource


def put(path, shade=100, size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (shade, 0, 0)).save(path, "PNG")
    return path


def keys(source):
    return [source.key(i) for i in range(len(source))]


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, dot="-", pack=bytes, ending=""):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for stem, n in (("train", 12), ("t10k", 5)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        (folder / f"{stem}-images{dot}idx3-ubyte{ending}").write_bytes(pack(idx(images)))
        (folder / f"{stem}-labels{dot}idx1-ubyte{ending}").write_bytes(pack(idx(labels)))
    return folder


def write_tiny_imagenet(root):
    for wnid in ("n01", "n02", "n03"):
        for k in range(2):
            put(root / "train" / wnid / "images" / f"{wnid}_{k}.JPEG", 10 * k)
    put(root / "val" / "images" / "val_0.JPEG", 70)
    (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn02\t0\t0\t62\t62\n")
    words = "n01\tgoldfish, Carassius auratus\nn02\tcrane, bird\nn03\tcrane, machine\nn99\tunused\n"
    (root / "words.txt").write_text(words)
    return root


def encoded(shade):
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(out, "PNG")
    return out.getvalue()


def write_tar(path):
    with tarfile.open(path, "w") as tar:
        for k in range(3):
            member = tarfile.TarInfo(f"{k}.png")
            member.size = len(encoded(k))
            tar.addfile(member, io.BytesIO(encoded(k)))
    return path


def write_zip(path):
    with zipfile.ZipFile(path, "w") as packed:
        for k in range(3):
            packed.writestr(f"rose/{k}.png", encoded(k))
    return path


def write_parquet(path):
    rows = [{"bytes": encoded(k), "path": None} for k in range(3)]
    parquet.write_table(pa.table({"image": rows, "label": ["a", "b", "a"]}), path)
    return path


def write_emoji(path):
    np.savez(
        path,
        images=np.zeros((2, 8, 8, 3), np.uint8),
        captions=np.array(["dog", "dog"]),
        keywords=np.array(["pet", "pet"]),
        style=np.array(["a", "b"]),
        codepoints=np.array(["1f436", "1f436"]),
    )
    return path


def write_flower_photos(folder):
    """Class folders as the archive of TensorFlow has them."""
    for name in ("daisy", "roses"):
        put(folder / name / f"{name}.png")
    return folder


@pytest.fixture
def shop(tmp_path):
    """One small valid place for every registered source, by its name."""
    put(tmp_path / "photos" / "a.png")
    np.savez(tmp_path / "pack.npz", images=np.zeros((3, 8, 8), np.uint8))
    return {
        "folder": tmp_path / "photos",
        "npz": tmp_path / "pack.npz",
        "wds": write_tar(tmp_path / "shard.tar"),
        "zip": write_zip(tmp_path / "photos.zip"),
        "hf": write_parquet(tmp_path / "table.parquet"),
        "hf-stream": write_parquet(tmp_path / "table.parquet"),
        "mnist": write_mnist(tmp_path / "digits"),
        "fashion-mnist": write_mnist(tmp_path / "clothes"),
        "tiny-imagenet": write_tiny_imagenet(tmp_path / "tiny"),
        "tf-flowers": write_flower_photos(tmp_path / "flower_photos"),
        "drawn-flowers": 3,
        "emoji": write_emoji(tmp_path / "emoji.npz"),
    }


LABELLED = {"hf", "mnist", "fashion-mnist", "tiny-imagenet", "tf-flowers", "drawn-flowers"}
CAPTIONED = {"emoji", "drawn-flowers"}
"""Sources of `shop` whose pictures all have a class, and those with captions."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_every_source_keeps_the_contract(shop, name):
    if name.startswith("hf"):
        pytest.importorskip("datasets")
    source = open_source(f"{name}:{shop[name]}")
    assert isinstance(source, ImageSource)
    if name == "hf-stream":
        return the_contract_of_streams(source)
    n = len(source)
    assert n > 0
    assert len(set(keys(source))) == n
    assert keys(source) == keys(open_source(f"{name}:{shop[name]}"))
    for i in range(n):
        assert source[i].mode in ("L", "RGB")
        assert source.label(i) in (*source.classes, *([] if name in LABELLED else [None]))
        assert source.caption(i) != "", "None where there is none"
        assert len(digest(source, i)) == 64
        assert digest(source, i) == source.digest(i)
        source.key(i).encode("utf-8")
        assert isinstance(source.facts(i), dict)
    assert bool(source.classes) == (name in LABELLED), name
    assert any(source.caption(i) for i in range(n)) == (name in CAPTIONED), name


def the_contract_of_streams(source):
    source = limit(source, 3)
    for i in range(3):
        assert source[i].mode == "RGB"
        assert source.label(i) == "aba"[i]
        assert source.key(i)
    with pytest.raises(UsageError, match="be read forward"):
        source[0]


def test_a_folder_is_read_to_its_depth_in_order_and_the_first_folder_is_the_class(tmp_path):
    for name in ("z.png", "rose/b/deep.PNG", "rose/a.png", "daisy/x.jpeg"):
        put(tmp_path / name)
    for name in ("notes.md", "rose/.hidden.png", ".git/c.png", "__MACOSX/d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = open_source(tmp_path)
    assert keys(source) == ["z.png", "daisy/x.jpeg", "rose/a.png", "rose/b/deep.PNG"]
    assert [source.label(i) for i in range(4)] == [None, "daisy", "rose", "rose"]
    assert source.classes == ("daisy", "rose")
    assert keys(open_source(f"folder:{tmp_path}")) == keys(open_source(str(tmp_path)))


def test_captions_come_from_metadata_or_from_the_text_beside(tmp_path):
    for name in ("a.png", "b.png", "c.png", "d.png", "sub/e.png"):
        put(tmp_path / name)
    (tmp_path / "metadata.jsonl").write_text(
        json.dumps({"file_name": "a.png", "text": "a red rosé"})
        + "\n\n"
        + json.dumps({"file_name": "sub/e.png", "caption": "deep"})
        + "\n"
    )
    (tmp_path / "b.txt").write_bytes("  ein Gänseblümchen \n".encode())
    (tmp_path / "c.txt").write_bytes(b"  \n")
    source = open_source(tmp_path)
    wanted = ["a red rosé", "ein Gänseblümchen", None, None, "deep"]
    assert [source.caption(i) for i in range(5)] == wanted


def test_a_bad_line_of_metadata_is_named_by_its_number(tmp_path):
    put(tmp_path / "a.png")
    for line in ("{", "[]", '{"text": "no name"}', '"text"'):
        (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}\n' + line)
        with pytest.raises(DataError, match="line 2"):
            open_source(tmp_path)


def test_a_folder_without_pictures_says_what_it_looked_for(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"x")
    (tmp_path / "b.txt").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no images found in .*\n.*png, jpg.*found 1 pdf, 1 txt"):
        open_source(tmp_path)


def test_what_does_not_exist_is_missing_and_a_wrong_name_gets_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDPM_CLIP_DATA", raising=False)
    for spec in (
        "./photos",
        "folder:photos",
        "npz:pack.npz",
        f"{tmp_path}/x.npz",
        "a/b:c",
        "mnist",
    ):
        with pytest.raises(MissingInput):
            open_source(spec)
    with pytest.raises(UsageError, match="did you mean 'mnist'"):
        open_source("minst")
    with pytest.raises(UsageError, match="did you mean 'drawn-flowers'"):
        open_source("drawn-flower:7")
    with pytest.raises(UsageError):
        open_source("drawn-flowers:many")
    with pytest.raises(DataError, match="a file, not a folder"):
        open_source(put(tmp_path / "a.png"))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_listed_is_a_refusal(tmp_path):
    (tmp_path / "shut").mkdir(mode=0o000)
    with pytest.raises(PermissionRefused):
        open_source(tmp_path / "shut")


def test_train_and_test_folders_are_splits_and_share_nothing(tmp_path):
    for name in ("train/rose/a.png", "train/daisy/b.png", "test/rose/c.png"):
        put(tmp_path / "split" / name)
    assert keys(open_source(tmp_path / "split")) == ["daisy/b.png", "rose/a.png"]
    assert keys(open_source(tmp_path / "split", split="test")) == ["rose/c.png"]
    with pytest.raises(MissingInput, match="no split 'val'"):
        open_source(tmp_path / "split", split="val")
    put(tmp_path / "whole" / "train" / "a.png")  # a class of railway pictures, say
    assert open_source(tmp_path / "whole").classes == ("train",)
    with pytest.raises(MissingInput, match="no split 'test'"):
        open_source(tmp_path / "whole", split="test")


def test_names_of_any_bytes_have_unique_keys_that_are_text(tmp_path):
    names = [
        b"-a.png",
        b"new\nline.png",
        "ü.png".encode(),
        "u\u0308.png".encode(),
        b"\xff.png",
        rb"\xff.png",
        b"A.png",
        b"a.png",
        "\U0001f33b.png".encode(),
        b"n" * 251 + b".png",
        b"a:b.png",
    ]
    folder = tmp_path / "odd:name"
    folder.mkdir()
    for k, name in enumerate(names):
        png = io.BytesIO()
        Image.new("L", (4, 4), k).save(png, "PNG")
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(png.getvalue())
    source = open_source(folder)
    assert len(set(keys(source))) == len(names)
    shades = set()
    for i in range(len(source)):
        source.key(i).encode("utf-8")
        shades.add(source[i].getpixel((0, 0)))
    assert shades == set(range(len(names)))


def test_links_out_of_the_folder_are_reported_and_not_followed(tmp_path):
    outside = put(tmp_path / "outside" / "secret.png")
    (tmp_path / "outside" / "words.txt").write_text("secret")
    inside = put(tmp_path / "in" / "a.png").parent
    (inside / "b.png").symlink_to(outside)
    (inside / "c.png").symlink_to(inside / "a.png")
    (inside / "d.png").symlink_to(inside / "d.png")
    (inside / "e").symlink_to(tmp_path / "outside")
    (inside / "loop").symlink_to(inside)
    (inside / "a.txt").symlink_to(tmp_path / "outside" / "words.txt")
    source = open_source(inside)
    assert keys(source) == ["a.png", "b.png", "c.png", "d.png"]
    assert source[0].tobytes() == source[2].tobytes()
    assert source.caption(0) is None
    for i, reasons in ((1, ["outside"]), (3, ["outside", "missing", "unreadable"])):
        with pytest.raises(BadImage) as caught:
            source[i]
        assert caught.value.reason in reasons


def test_the_digest_is_of_the_bytes_and_follows_an_edit(tmp_path):
    put(tmp_path / "a.png", 1)
    put(tmp_path / "b.png", 1)
    source = open_source(tmp_path)
    before = digest(source, 0)
    assert before == digest(source, 1)
    put(tmp_path / "a.png", 2)
    assert digest(source, 0) != before == digest(source, 1)


def test_a_pack_with_splits_names_and_captions_is_read(tmp_path):
    path = tmp_path / "pack.npz"
    np.savez(
        path,
        train_images=np.zeros((2, 4, 4, 3), np.uint8),
        train_labels=[1, 0],
        train_files=["x.jpg", "y.jpg"],
        test_images=np.ones((1, 4, 4, 1), np.uint8),
        train_captions=["a goldfish", ""],
    )
    (tmp_path / "labels.txt").write_text("n01\tgoldfish, Carassius\nn02\ttree\n")
    source = open_source(path)
    assert keys(source) == ["x.jpg", "y.jpg"]
    assert source.classes == ("goldfish", "tree")
    assert [source.label(i) for i in range(2)] == ["tree", "goldfish"]
    assert [source.caption(i) for i in range(2)] == ["a goldfish", None]
    for test in (open_source(f"npz:{path}:test"), open_source(f"npz:{path}", split="test")):
        assert keys(test) == ["test-000000"]
        assert test[0].mode == "L"
        assert test.label(0) is None
    with pytest.raises(UsageError, match="did you mean 'test'"):
        open_source(f"npz:{path}:tests")


def test_a_pack_of_jpeg_bytes_is_decoded_when_asked(tmp_path):
    files = []
    for shade in (10, 200):
        out = io.BytesIO()
        Image.new("RGB", (8, 8), (shade,) * 3).save(out, "JPEG")
        files.append(out.getvalue())
    ends = np.cumsum([0, *map(len, files)])
    whole = np.frombuffer(b"".join(files), np.uint8)
    np.savez(tmp_path / "a.npz", train_jpeg=whole, train_offsets=ends)
    source = open_source(tmp_path / "a.npz")
    assert [source[i].getpixel((4, 4))[0] for i in range(2)] == [10, 200]
    np.savez(tmp_path / "b.npz", train_jpeg=whole, train_offsets=ends * 2)
    with pytest.raises(DataError, match="offsets"):
        open_source(tmp_path / "b.npz")


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((2, 4, 4))},
        {"images": np.zeros((2, 4), np.uint8)},
        {"images": np.zeros((2, 4, 4, 7), np.uint8)},
        {"images": np.zeros((0, 4, 4), np.uint8)},
        {"images": np.zeros((2, 4, 4), np.uint8), "labels": np.zeros(3, int)},
        {"images": np.array([{"a": 1}, None], dtype=object)},
        {"pictures": np.zeros((2, 4, 4), np.uint8)},
        {},
    ],
)
def test_a_pack_that_contradicts_itself_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError):
        open_source(tmp_path / "a.npz")


def test_a_damaged_pack_is_refused(tmp_path):
    good = io.BytesIO()
    np.savez(good, images=np.zeros((9, 9, 9), np.uint8))
    np.save(tmp_path / "one.npy", np.zeros((2, 2, 2), np.uint8))
    alone = (tmp_path / "one.npy").read_bytes()
    for data in (b"", b"nonsense", good.getvalue()[:-40], good.getvalue()[:100], alone):
        (tmp_path / "a.npz").write_bytes(data)
        with pytest.raises(DataError):
            open_source(tmp_path / "a.npz")


def test_labels_beyond_the_known_classes_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=[0, 2])
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    with pytest.raises(DataError, match="a label is 2"):
        open_source(tmp_path / "a.npz")


@pytest.mark.parametrize(("name", "classes"), [("mnist", DIGITS), ("fashion-mnist", CLOTHES)])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("dot", ["-", "."])
def test_the_official_idx_files_are_read(tmp_path, name, classes, zipped, dot):
    pack, ending = (gzip.compress, ".gz") if zipped else (bytes, "")
    write_mnist(tmp_path / "x", dot, pack, ending)
    train = open_source(f"{name}:{tmp_path / 'x'}")
    test = open_source(f"{name}:{tmp_path / 'x'}", split="test")
    assert (len(train), len(test)) == (12, 5)
    assert train.classes == classes
    assert train.label(11) == classes[1]
    assert train[0].size == (28, 28)
    assert not set(keys(train)) & set(keys(test))
    with pytest.raises(UsageError, match="unknown split"):
        open_source(f"{name}:{tmp_path / 'x'}", split="val")


def test_idx_files_that_are_cut_or_mixed_up_are_refused(tmp_path):
    folder = write_mnist(tmp_path / "x")
    images = folder / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    for data in (whole[:-1], whole[:9], b"", b"\x1f\x8bnonsense", gzip.compress(whole)[:-30]):
        images.write_bytes(data)
        with pytest.raises(DataError):
            open_source(f"mnist:{folder}")
    images.write_bytes((folder / "t10k-images-idx3-ubyte").read_bytes())
    with pytest.raises(DataError, match="do not match"):
        open_source(f"mnist:{folder}")


def test_a_data_set_is_found_where_the_environment_says(tmp_path, monkeypatch):
    write_mnist(tmp_path / "fashion_mnist")
    monkeypatch.setenv("DDPM_CLIP_DATA", str(tmp_path))
    assert len(open_source("fashion-mnist")) == 12
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingInput, match="mnist is not on this machine"):
        open_source("mnist")
    write_mnist(tmp_path / "data" / "mnist")
    assert len(open_source("mnist")) == 12


def test_flower_photos_are_class_folders_or_a_pack_with_a_test_split(tmp_path):
    folder = write_flower_photos(tmp_path / "flower_photos")
    assert open_source(f"tf-flowers:{folder}").classes == ("daisy", "roses")
    (tmp_path / "pack").mkdir()
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    pack = {
        "train_images": pixels,
        "train_labels": [0, 1, 1],
        "test_images": pixels[:1],
        "test_labels": [1],
    }
    np.savez(tmp_path / "pack" / "tf_flowers_64.npz", **pack)
    (tmp_path / "pack" / "labels.txt").write_text("daisy\nroses\n")
    for place in (tmp_path / "pack", tmp_path / "pack" / "tf_flowers_64.npz"):
        train, test = (open_source(f"tf-flowers:{place}", split=s) for s in ("train", "test"))
        assert (len(train), len(test)) == (3, 1)
        assert test.label(0) == "roses"


def test_tiny_imagenet_has_names_for_classes_and_its_own_val(tmp_path):
    root = write_tiny_imagenet(tmp_path / "tiny-imagenet-200")
    train, val = (
        open_source(f"tiny-imagenet:{root}"),
        open_source(f"tiny-imagenet:{root}", split="val"),
    )
    assert train.classes == val.classes == ("goldfish", "crane, bird", "crane, machine")
    assert keys(train)[0] == "train/n01/images/n01_0.JPEG"
    assert train.label(0) == "goldfish"
    assert keys(val) == ["val/images/val_0.JPEG"]
    assert val.label(0) == "crane, bird"


@pytest.mark.slow
def test_drawn_flowers_take_a_number_and_splits_share_nothing():
    train, test = open_source("drawn-flowers:50"), open_source("drawn-flowers:50", split="test")
    assert len(train) == 50
    assert len(open_source("drawn-flowers", draw=9, size=16)) == 9
    assert not {train.digest(i) for i in range(50)} & {test.digest(i) for i in range(50)}


def test_a_limit_chooses_the_same_pictures_again_and_keeps_their_names():
    whole = open_source("drawn-flowers:100")
    some = limit(whole, 10, seed=1)
    assert isinstance(some, Subset)
    assert isinstance(some, ImageSource)
    assert len(some) == 10
    assert keys(some) == keys(limit(whole, 10, seed=1)) != keys(limit(whole, 10, seed=2))
    assert keys(some) == sorted(keys(some))
    assert set(keys(some)) <= set(keys(whole))
    for i in range(10):
        assert some[i].tobytes() == whole[some.indices[i]].tobytes()
        assert some.label(i) == some.facts(i)["species"]
        assert some.caption(i)
        assert digest(some, i) == whole.digest(some.indices[i])
    assert limit(whole, None) is whole
    assert limit(whole, 100) is whole


@pytest.mark.slow
@pytest.mark.data
def test_real_packs_are_read(data_root, monkeypatch):
    monkeypatch.setenv("DDPM_CLIP_DATA", str(data_root))
    mnist = open_source("mnist")
    assert len(mnist) == 60_000
    assert [mnist.label(i) for i in range(3)] == ["five", "zero", "four"]
    assert len(open_source("mnist", split="test")) == 10_000
    tiny = open_source("tiny-imagenet")
    assert len(tiny) == 20_000
    assert len(tiny.classes) == 200 == len(set(tiny.classes))
    assert tiny[0].size == (64, 64)
    flowers = open_source("tf-flowers", split="test")
    assert len(flowers) == 736
    assert len(flowers.classes) == 5
    emoji = open_source(f"npz:{data_root}/emoji/emoji_64.npz")
    assert len(emoji) == 3038
    assert emoji.caption(0)
    photos = open_source(data_root / "tf_flowers" / "original_sample")
    assert len(photos.classes) == 5
    assert photos[0].mode == "RGB"


@pytest.mark.parametrize("name", ["mnist", "folder", "zip", "tiny-imagenet"])
def test_a_folder_named_like_a_source_is_named_in_the_error(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DDPM_CLIP_DATA", raising=False)
    put(tmp_path / name / "a.png")
    with pytest.raises((MissingInput, UsageError), match=rf"write \./{name}") as caught:
        open_source(name)
    assert f"{name} is the name of a source" in caught.value.why
    assert len(open_source(f"./{name}")) == 1
    with pytest.raises((MissingInput, UsageError)) as other:
        open_source(f"{name}:nowhere")
    assert f"./{name}" not in str(other.value)


def test_a_source_hides_no_folder_without_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "drawn-flowers" / "a.png")
    with pytest.warns(DdpmClipWarning, match=r"the folder of that name here is \./drawn-flowers"):
        assert len(open_source("drawn-flowers", draw=3)) == 3
    assert len(open_source("drawn-flowers:2")) == 2
