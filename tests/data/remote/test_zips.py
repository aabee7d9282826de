"""A zip is read like the folder that it was made of, and one that was made to hurt cannot."""

import io
import json
import os
import random
import stat
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from PIL import Image

from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.data.pictures.images import MAX_BYTES, BadImage
from ddpm_clip.data.pictures.left_out import left_out_of
from ddpm_clip.data.pictures.pixels import load_pixels
from ddpm_clip.data.remote.zips import DamagedZip, UnreadableMember, content, members
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import DataError, DdpmClipError, MissingInput, UsageError
from ddpm_clip.utils.visualization import save_png


def png(shade, size=(8, 8)):
    out = io.BytesIO()
    Image.new("RGB", size, (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def write_zip(path, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return path


def zipped(folder, path, above=True):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            packed.write(file, file.relative_to(folder.parent if above else folder))
    return path


def keys(source):
    return [source.key(i) for i in range(len(source))]


def facts(source):
    rows = range(len(source))
    return {source.key(i): (source.label(i), source.caption(i), source.digest(i)) for i in rows}


@pytest.fixture
def photos(tmp_path):
    """Two classes with captions of both kinds, a film, hidden files and a run of ours."""
    folder = tmp_path / "photos"
    for name in ("rose", "daisy"):
        write_folder(folder / name, 3, size=16, seed=len(name))
        for path in (folder / name).glob("*.txt"):
            path.unlink()
    picture = sorted((folder / "rose").glob("*.png"))[0]
    picture.with_suffix(".txt").write_text("  a caption beside  ")
    other = sorted((folder / "daisy").glob("*.png"))[0]
    (folder / "metadata.jsonl").write_text(
        json.dumps({"file_name": f"daisy/{other.name}", "text": "from the metadata"})
    )
    (folder / "film.mp4").write_bytes(b"x")
    (folder / "lonely.txt").write_text("no picture")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.png").write_bytes(png(1))
    (folder / "run" / "samples").mkdir(parents=True)
    (folder / "run" / "run.json").write_text('{"format": 1, "ddpm_clip": "0.1.0"}')
    (folder / "run" / "samples" / "step.png").write_bytes(png(2))
    save_png(Image.new("RGB", (8, 8)), folder / "grid.png")
    return folder


@pytest.mark.parametrize("above", [True, False], ids=["in one folder", "without it"])
def test_a_zip_is_read_like_the_folder_it_was_made_of(photos, tmp_path, above):
    folder, source = open_source(photos), open_source(zipped(photos, tmp_path / "p.ZIP", above))
    assert facts(source) == facts(folder)
    assert source.classes == folder.classes == ("daisy", "rose")
    assert left_out_of(source).lines() == left_out_of(folder).lines()
    assert {source.caption(i) for i in range(6)} >= {"a caption beside", "from the metadata"}
    pixels = load_pixels(source, size=16, channels=3)
    assert (
        pixels.array
        == load_pixels(folder, size=16, channels=3).array[
            [pixels_row(folder, key) for key in pixels.keys]
        ]
    ).all()


def pixels_row(source, key):
    return keys(source).index(key)


def test_splits_are_folders_of_the_zip(tmp_path):
    parts = {f"all/{split}/rose/{k}.png": png(k) for split in ("train", "test") for k in range(3)}
    path = write_zip(tmp_path / "a.zip", parts)
    assert keys(open_source(path)) == [f"rose/{k}.png" for k in range(3)]
    assert len(open_source(path, split="test")) == 3
    with pytest.raises(MissingInput, match="no split 'val'"):
        open_source(path, split="val")
    with pytest.raises(MissingInput, match="no split 'test'"):
        open_source(write_zip(tmp_path / "b.zip", {"a.png": png(1)}), split="test")


def test_several_zips_are_one_source(tmp_path):
    (tmp_path / "parts").mkdir()
    for k in range(3):
        write_zip(tmp_path / "parts" / f"p-{k}.zip", {"Takeout/rose/a.png": png(k)})
    (tmp_path / "parts" / "readme.txt").write_text("x")
    names = [f"p-{k}.zip/rose/a.png" for k in range(3)]
    assert keys(open_source(f"zip:{tmp_path / 'parts'}")) == names
    assert keys(open_source(f"zip:{tmp_path / 'parts' / 'p-{0..1}.zip'}")) == names[:2]
    source = open_source(f"zip:{tmp_path / 'parts' / 'p-*.zip'}")
    assert keys(source) == names
    assert [source[i].getpixel((0, 0))[0] for i in range(3)] == [0, 1, 2]
    with pytest.raises(MissingInput, match="no zips: "):
        open_source(f"zip:{tmp_path / 'parts' / 'p-{0..9}.zip'}")
    with pytest.raises(UsageError, match="needs a zip"):
        open_source("zip:")


def test_a_folder_of_zips_says_how_to_read_them(tmp_path):
    write_zip(tmp_path / "a.zip", {"a.png": png(1)})
    (tmp_path / "b.png").write_bytes(png(2))
    assert left_out_of(open_source(tmp_path)).lines() == [
        "1 zip (give them as a source of their own: zip:FOLDER)"
    ]


def test_names_that_lead_elsewhere_name_nothing(tmp_path):
    names = ("../../x/a.png", "/etc/b.png", "..\\c.png", "./d.png", "same.png", "same.png")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for k, name in enumerate(names[:-1]):
            packed.writestr(name, png(k))
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr(names[-1], png(5))
    source = open_source(tmp_path / "a.zip")
    assert len(set(keys(source))) == 6
    assert not any(".." in key or key.startswith(("/", "\\")) for key in keys(source))
    assert set(source.classes) == {"x", "etc"}
    assert [source[i].getpixel((0, 0))[0] for i in range(6)] == list(range(6))


def test_links_are_no_pictures(tmp_path):
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
        packed.writestr("a.png", png(1))
    assert keys(open_source(tmp_path / "a.zip")) == ["a.png"]


def flagged(path, flag):
    """Set a flag of every member in the directory."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2")
    while at >= 0:
        data[at + 8] |= flag
        at = data.find(b"PK\1\2", at + 4)
    path.write_bytes(bytes(data))
    return path


def test_an_encrypted_zip_says_so(tmp_path):
    path = flagged(write_zip(tmp_path / "a.zip", {"a.png": png(1), "b.png": png(2)}), 1)
    with pytest.raises(DataError, match="all 2 pictures are encrypted") as caught:
        open_source(path)
    assert caught.value.exit_code == 65


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_named(tmp_path, method):
    source = open_source(write_zip(tmp_path / "a.zip", {"a.png": png(1)}, method))
    with pytest.raises(BadImage, match=r"compressed by (bzip2|LZMA); make a plain zip"):
        source[0]


def test_a_stored_member_is_read_as_well(tmp_path):
    source = open_source(write_zip(tmp_path / "a.zip", {"a.png": png(7)}, zipfile.ZIP_STORED))
    assert source[0].getpixel((0, 0)) == (7, 0, 248)


@pytest.mark.slow
def test_a_bomb_takes_no_memory(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.png": bytes(20_000_000), "b.png": png(1)})
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\1\2") + 24
    for claimed, reason in ((100, "damaged"), (MAX_BYTES + 1, "too-large"), (2**31, "too-large")):
        data[at : at + 4] = struct.pack("<L", claimed)
        path.write_bytes(bytes(data))
        tracemalloc.start()
        source = open_source(path)
        with pytest.raises(BadImage) as caught:
            source[0]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert caught.value.reason == reason
        assert peak < 2_000_000
    assert source[1].size == (8, 8)


def test_a_wrong_checksum_is_damage(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.png": png(1)}, zipfile.ZIP_STORED)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"IDAT", b"IDOT", 1))
    with pytest.raises(BadImage, match="its checksum is wrong"):
        open_source(path)[0]


@pytest.mark.parametrize("what", [b"", b"no zip at all", b"PK\3\4" + bytes(100), b"PK\5\6"])
def test_what_is_no_zip_is_an_error_that_says_so(tmp_path, what):
    (tmp_path / "a.zip").write_bytes(what)
    with pytest.raises(DataError, match=r"cannot read .*a.zip") as caught:
        open_source(tmp_path / "a.zip")
    assert caught.value.exit_code == 65


def test_a_zip_without_pictures_says_what_is_in_it(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.pdf": b"x", "b.zip": b"x"})
    with pytest.raises(DataError, match=r"no images found in zip:[\s\S]*1 zip .*1 pdf"):
        open_source(path)


def test_a_zip_behind_a_program_is_read(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.png": png(1)})
    path.write_bytes(b"#!/bin/sh\n" * 50 + path.read_bytes())
    assert open_source(path)[0].size == (8, 8)


@pytest.mark.parametrize("program", [b"", b"#!/bin/sh\n" * 50], ids=["alone", "behind a program"])
def test_the_directory_of_a_zip_with_very_many_members_is_found(tmp_path, monkeypatch, program):
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)  # from there on it is zip64
    path = write_zip(tmp_path / "b.zip", {f"{k}.png": png(k) for k in range(9)})
    path.write_bytes(program + path.read_bytes())
    assert b"PK\6\6" in path.read_bytes()
    source = open_source(path)
    assert [source[i].getpixel((0, 0))[0] for i in range(9)] == list(range(9))


def test_sizes_beyond_32_bits_are_read_from_the_extra_field(tmp_path):
    write_zip(tmp_path / "a.zip", {"a.png": png(9)}, zipfile.ZIP_STORED)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    at, sizes = data.find(b"PK\1\2"), struct.pack("<QQ", len(png(9)), len(png(9)))
    name, extra = data[at + 46 : at + 51], struct.pack("<HH", 1, 16) + sizes
    head = data[at : at + 46]
    head[20:28], head[30:32] = b"\xff" * 8, struct.pack("<H", len(extra))
    whole = bytes(data[:at] + head + name + extra)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46 + 5 + len(extra), at, 0)
    (tmp_path / "b.zip").write_bytes(whole + end)
    assert open_source(tmp_path / "b.zip")[0].getpixel((0, 0))[0] == 9


@pytest.mark.slow
def test_damaged_zips_end_in_our_errors_only(tmp_path, photos):
    whole = zipped(photos, tmp_path / "a.zip").read_bytes()
    rng, path, outcomes = random.Random(0), tmp_path / "b.zip", set()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3, 20))):
            at = rng.randrange(rng.choice((0, len(data) - 2000)), len(data))
            data[at] = rng.choice((0, 255, rng.randrange(256)))
        path.write_bytes(bytes(data[: rng.choice((len(data), rng.randrange(len(data))))]))
        try:
            source = open_source(path)
            for i in range(len(source)):
                source.caption(i)
                source._read(i)
            outcomes.add("read")
        except DdpmClipError as error:
            outcomes.add(error.code)
    assert outcomes == {"read", "E-DATA", "E-IMAGE"}


def test_reading_beyond_what_is_allowed_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.txt", "word " * 100)
    (member,) = members(packed)
    assert content(packed, member, 500) == b"word " * 100
    with pytest.raises(UnreadableMember, match="too-large"):
        content(packed, member, 499)
    assert member.crc == zlib.crc32(b"word " * 100)
    with pytest.raises(DamagedZip):
        list(members(io.BytesIO(packed.getvalue()[:-30])))


def test_a_zip_that_went_away_is_an_unreadable_picture(tmp_path):
    source = open_source(write_zip(tmp_path / "a.zip", {"a.png": png(1)}))
    os.remove(tmp_path / "a.zip")
    with pytest.raises(BadImage, match="does not let us read it"):
        source[0]
