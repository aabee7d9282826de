"""Tar shards are a list of pictures: any one at any time, nothing unpacked, damage named."""

import gzip
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from ddpm_clip.config.schema import Config
from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.remote.tar_shards import expanded
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.storage.scratch import allocate_array
from ddpm_clip.errors import DataError, MissingInput, StorageError, UsageError
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.utils.generators import finish


def png(shade, size=(8, 8)):
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def write_tar(path, members, mode="w", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode, **options) as tar:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def shades(source):
    return [source[i].getpixel((0, 0))[0] for i in range(len(source))]


def bad_of(source):
    return [
        (file.key, file.reason) for file in load_pixels(source, size=4, channels=3, max_bad=0.5).bad
    ]


def test_members_of_one_stem_are_a_picture_with_its_class_and_caption(tmp_path):
    write_tar(
        tmp_path / "s-00.tar",
        [
            ("0.txt", b" a red rose\n"),
            ("0.png", png(1)),
            ("0.cls", b"1"),
            ("1.png", png(2)),
            ("1.json", json.dumps({"label": 0, "caption": "a daisy"}).encode()),
            ("2.png", png(3)),
            ("2.json", b"{broken"),
        ],
    )
    write_tar(tmp_path / "s-01.tar", [("tulip/0.png", png(4)), ("notes.md", b"x")])
    source = open_source(f"wds:{tmp_path}/s-{{00..01}}.tar")
    assert shades(source) == [1, 2, 3, 4]
    assert [source.label(i) for i in range(4)] == ["1", "0", None, "tulip"]
    assert [source.caption(i) for i in range(4)] == ["a red rose", "a daisy", None, None]
    assert source.key(0) == "s-00.tar/0.png"
    assert source.key(3) == "s-01.tar/tulip/0.png"
    (tmp_path / "labels.txt").write_text("daisy\nrose\n")
    named = open_source(f"wds:{tmp_path}")
    assert [named.label(i) for i in range(4)] == ["rose", "daisy", None, "tulip"]
    assert named.classes == ("daisy", "rose", "tulip")
    assert shades(open_source(tmp_path / "s-01.tar")) == [4]
    assert shades(open_source(f"wds:{tmp_path}/s-*.tar")) == [1, 2, 3, 4]


def test_braces_count_and_list():
    assert expanded("a-{8..11}.tar") == ["a-8.tar", "a-9.tar", "a-10.tar", "a-11.tar"]
    assert expanded("{x,y}/{00..01}") == ["x/00", "x/01", "y/00", "y/01"]
    for bomb in ("{0..999999}", "{0..999}{0..999}"):
        with pytest.raises(UsageError, match="more than 100,000"):
            expanded(bomb)


def test_shards_that_are_not_there_are_missing(tmp_path):
    write_tar(tmp_path / "s-0.tar", [("0.png", png(1))])
    for place in (f"{tmp_path}/s-{{0..1}}.tar", f"{tmp_path}/no", f"{tmp_path}/t-*.tar"):
        with pytest.raises(MissingInput, match="no tar shards"):
            open_source(f"wds:{place}")
    with pytest.raises(MissingInput, match="no split 'test'"):
        open_source(f"wds:{tmp_path}", split="test")
    for place in (
        f"wds:{tmp_path}/s-0.tar",
        f"wds:{tmp_path}/s-{{0..0}}.tar",
        "wds:https://a.test/s.tar",
        f"{tmp_path}/s-0.tar",
        f"wds:{tmp_path}/s-*.tar",
    ):
        with pytest.raises(MissingInput, match="no split 'test'"):
            open_source(place, split="test")
    write_tar(tmp_path / "test" / "s.tar", [("0.png", png(9))])
    assert shades(open_source(f"wds:{tmp_path}", split="test")) == [9]
    with pytest.raises(UsageError):
        open_source("wds:")
    write_tar(tmp_path / "empty.tar", [("a.txt", b"x")])
    with pytest.raises(DataError, match="no images found"):
        open_source(tmp_path / "empty.tar")


def test_a_bad_member_is_a_bad_file_and_the_others_are_used(tmp_path):
    members = [(f"{k}.png", png(k)) for k in range(9)]
    members[4] = ("4.png", png(4)[:40])
    members[6] = ("6.png", b"")
    source = open_source(write_tar(tmp_path / "s.tar", members))
    found = bad_of(source)
    assert [key for key, _ in found] == ["s.tar/4.png", "s.tar/6.png"]
    assert found[1][1] == "empty"
    assert open_source(tmp_path / "s.tar").digest(0) == source.digest(0) != source.digest(1)


def test_what_a_damaged_tar_has_lost_is_named(tmp_path):
    whole = write_tar(tmp_path / "s.tar", [(f"{k}.png", png(k)) for k in range(9)]).read_bytes()
    spoilt = bytearray(whole)
    spoilt[5 * 1024 : 5 * 1024 + 30] = b"\xff" * 30  # the sixth header
    for data, good, lost in (
        (whole[: 6 * 1024 + 100], 6, 1),
        (bytes(spoilt), 5, 1),
        (whole[: 5 * 1024 + 520], 5, 2),
    ):
        (tmp_path / "s.tar").write_bytes(data)
        source = open_source(tmp_path / "s.tar")
        assert len(source) == good + lost
        found = load_pixels(source, size=4, channels=3, max_bad=0.5)
        assert len(found.keys) == good
        assert {file.reason for file in found.bad} == {"truncated"}
        assert found.bad[-1].key == "s.tar/(the rest)"
    for data in (b"", b"nonsense" * 200):
        (tmp_path / "s.tar").write_bytes(data)
        with pytest.raises(DataError):
            open_source(tmp_path / "s.tar")


@pytest.mark.parametrize("name", ["s.tar", "s.tar.gz"])
def test_a_tar_that_ends_inside_a_member_gives_what_came_before(tmp_path, name):
    """Cut in the note of the third picture, and, where bytes are streamed, in the picture too."""
    members = [
        (f"{k}{end}", data)
        for k in range(4)
        for end, data in ((".txt", b"words"), (".png", png(k)))
    ]
    whole = write_tar(tmp_path / "whole.tar", members).read_bytes()
    for cut, sound in ((4 * 1024 + 512 + 3, 2), (5 * 1024 + 512 + 20, 2 + (name == "s.tar"))):
        packed = gzip.compress(whole[:cut]) if name.endswith("gz") else whole[:cut]
        for data in (packed, packed[:-9] if name.endswith("gz") else packed):
            (tmp_path / name).write_bytes(data)
            source = open_source(f"wds:{tmp_path / name}")
            keys = (
                [one.key for one in source.start()]
                if name.endswith("gz")
                else [source.key(i) for i in range(len(source))]
            )
            assert keys == [*(f"{name}/{k}.png" for k in range(sound)), f"{name}/(the rest)"]


@pytest.mark.parametrize("size", [-512, -1024, -4096, -(2**40)])
@pytest.mark.parametrize("in_pax", [False, True])
def test_a_member_of_less_than_no_bytes_ends_the_tar(tmp_path, size, in_pax):
    """Else the same headers are read for ever."""
    good = write_tar(tmp_path / "good.tar", [("0.png", png(1))]).read_bytes()[:1024]
    member = tarfile.TarInfo("1.png")
    if in_pax:
        member.pax_headers = {"size": str(size)}
        bad = member.tobuf(tarfile.PAX_FORMAT)
    else:
        member.size = size
        bad = member.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "s.tar").write_bytes(good + bad + b"\0" * 1024)
    (tmp_path / "s.tgz").write_bytes(gzip.compress(good + bad + b"\0" * 1024))
    source = open_source(tmp_path / "s.tar")
    assert [source.key(i) for i in range(len(source))] == ["s.tar/0.png", "s.tar/(the rest)"]
    assert len(list(open_source(f"wds:{tmp_path}/s.tgz").start())) == 2


def test_hidden_members_are_no_pictures(tmp_path):
    """As tars of macOS have them, between the members of one stem."""
    members = [
        ("./._0.png", b"x"),
        ("./0.png", png(1)),
        ("./._0.txt", b"x"),
        ("./0.txt", b"words"),
        ("__MACOSX/0.png", png(9)),
        (".git/0.png", png(9)),
        ("a/._0.png", b"x"),
    ]
    source = open_source(write_tar(tmp_path / "s.tar", members))
    assert shades(source) == [1]
    assert source.caption(0) == "words"
    (tmp_path / "s.tar.idx").write_bytes(b"no tar")
    assert shades(open_source(f"wds:{tmp_path}")) == [1]


def test_notes_that_no_class_can_have_do_no_harm(tmp_path):
    digits = "1" * 5000
    half = json.dumps({"label": "\ud800a", "caption": "\ud800b"}).encode()
    source = open_source(
        write_tar(
            tmp_path / "s.tar",
            [("0.png", png(1)), ("0.cls", digits.encode()), ("1.png", png(2)), ("1.json", half)],
        )
    )
    assert [source.label(i) for i in range(2)] == [digits, "?a"]
    assert source.caption(1) == "?b"  # half a character could not be written again
    (tmp_path / "labels.txt").write_text("daisy\nrose\n")
    assert open_source(tmp_path / "s.tar").label(0) == digits


def test_a_hostile_tar_writes_nothing_and_reads_nothing_else(tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(77))
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            link = tarfile.TarInfo(f"link-{ord(kind)}.png")
            link.type, link.linkname = kind, str(secret)
            tar.addfile(link)
        for name in ("../../up.png", "/abs.png", "a.png", "a.png"):
            member = tarfile.TarInfo(name)
            member.size = len(png(5))
            tar.addfile(member, io.BytesIO(png(5)))
    before = sorted(tmp_path.rglob("*"))
    source = open_source(tmp_path / "s.tar")
    assert shades(source) == [5] * 4
    assert len({source.key(i) for i in range(4)}) == 4
    assert sorted(tmp_path.rglob("*")) == before
    huge = tarfile.TarInfo("huge.png")
    huge.size = 2**40
    (tmp_path / "h.tar").write_bytes(
        (tmp_path / "s.tar").read_bytes()[:6144] + huge.tobuf(tarfile.GNU_FORMAT) + b"x" * 512
    )
    source = open_source(tmp_path / "h.tar")
    with pytest.raises(BadImage) as caught:
        source[4]
    assert caught.value.reason == "too-large"
    long = tarfile.TarInfo("x")
    long.size, long.type = 2**30, tarfile.XHDTYPE
    (tmp_path / "p.tar").write_bytes(long.tobuf(tarfile.USTAR_FORMAT) + b"x" * 512)
    with pytest.raises(DataError):
        open_source(tmp_path / "p.tar")


def settings(source, **data):
    return Config.model_validate(
        {
            "data": {"source": str(source), "image_size": 8, "heldout": 2, **data},
            "embedder": {"name": "labels"},
            "conditioning": {"bridge": "identity"},
            "model": {"down_chs": (8, 16), "blocks": 1, "t_embed_dim": 8},
        }
    )


def prepared(folder, source, **data):
    return finish(prepare(Run.create(folder, settings(source, **data))))


def same(one, other):
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.embeddings, other.embeddings)
    assert np.array_equal(one.heldout, other.heldout)
    assert np.array_equal(one.conditioner.bank, other.conditioner.bank)


@pytest.fixture
def twins(tmp_path):
    """The same pictures as a folder, as plain shards and as compressed ones."""
    rng, members = np.random.default_rng(0), []
    for k in range(24):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).save(out, "PNG")
        members.append((f"{'cat' if k < 12 else 'dog'}/{k:02d}.png", out.getvalue()))
    for name, data in members:
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for part in range(2):
        half = members[part * 12 : part * 12 + 12]
        tar = write_tar(tmp_path / "tars" / f"s-{part}.tar", half)
        (tmp_path / "gz").mkdir(exist_ok=True)
        (tmp_path / "gz" / f"s-{part}.tar.gz").write_bytes(gzip.compress(tar.read_bytes()))
    return tmp_path


@pytest.mark.slow
def test_a_training_on_tars_sees_what_one_on_the_folder_sees(twins):
    one = prepared(twins / "a", twins / "folder")
    same(one, prepared(twins / "b", f"wds:{twins}/tars"))
    same(one, prepared(twins / "c", f"wds:{twins}/gz", max_samples=24))
    kept = (twins / "c" / "pictures").stat().st_mtime_ns
    for path in (twins / "gz").iterdir():
        path.unlink()
    (twins / "gz").rmdir()
    same(one, prepared(twins / "c", f"wds:{twins}/gz", max_samples=24))  # it has its own by now
    assert (twins / "c" / "pictures").stat().st_mtime_ns == kept


@pytest.mark.slow
def test_above_the_memory_limit_embeddings_and_pixels_lie_in_a_file(twins, monkeypatch):
    plain = prepared(twins / "a", twins / "folder")

    def mapped(shape, dtype, what, *, home=None, memory_limit_mb=0):
        return allocate_array(shape, dtype, what, home=home, memory_limit_mb=0)

    monkeypatch.setattr("ddpm_clip.data.pictures.pixels.allocate_array", mapped)
    monkeypatch.setattr("ddpm_clip.training.prepare.preparation.allocate_array", mapped)
    files = prepared(twins / "b", twins / "folder")
    assert isinstance(files.pixels, np.memmap)
    same(plain, files)


def test_a_stream_says_how_it_is_to_be_used(twins, monkeypatch):
    gz = f"wds:{twins}/gz"
    with pytest.raises(UsageError, match=r"data\.max_samples"):
        prepared(twins / "x", gz)
    source = open_source(gz).first(5)
    assert [source.key(i) for i in range(3)][2] == "s-0.tar.gz/cat/02.png"
    assert source[3].size == (12, 9)
    with pytest.raises(UsageError, match="be read forward"):
        source[1]
    for place in ("pipe:cat x", "http://a/$(id).tar", "https://a/b;c.tar"):
        with pytest.raises(UsageError):
            open_source(f"wds:{place}")
    monkeypatch.setattr("ddpm_clip.data.remote.tar_streams.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install \"ddpm-clip\[webdataset\]\"") as caught:
        open_source("wds:https://a.test/{00..09}.tar")
    assert caught.value.exit_code == 2


def test_a_url_is_read_through_webdataset_and_a_break_is_no_smaller_data_set(twins):
    pytest.importorskip("webdataset")
    source = open_source(f"wds:file://{twins}/tars/s-{{0..1}}.tar").first(24)
    assert [source.label(i) for i in range(24)] == ["cat"] * 12 + ["dog"] * 12
    path = twins / "tars" / "s-1.tar"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(StorageError, match=r"reading .* failed"):
        list(open_source(f"wds:file://{twins}/tars/s-{{0..1}}.tar").start())
