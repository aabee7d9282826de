"""Texts in a PNG are read without a decoder, within limits, and only plain values come out."""

import io
import json
import struct
import time
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.images import BadImage
from ddpm_clip.data.pictures.png_texts import (
    MAX_CHUNKS,
    MAX_TEXT,
    MAX_TEXTS,
    read_parameters,
    read_texts,
)
from ddpm_clip.errors import DataError

FACTS = {
    "ddpm_clip": "0.1.0",
    "prompt": "eine Blüte 花",
    "seed": 7,
    "guidance": 2,
    "w": 1.5,
    "interval": [0.1, 3],
    "negative": None,
    "unconditional": False,
}


def picture(path, texts, packed=False):
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text, zip=packed)
    Image.new("RGB", (3, 3)).save(path, pnginfo=info)
    return path


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(path, *chunks):
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in (*chunks, (b"IEND", b"")))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_written_is_read(tmp_path, packed):
    texts = {"ddpm_clip": json.dumps(FACTS, ensure_ascii=False), "parameters": "a\nb"}
    path = picture(tmp_path / "a.png", texts, packed)
    assert read_texts(path) == texts == Image.open(path).text
    assert read_parameters(path) == FACTS


def test_all_three_kinds_of_text_are_read_and_the_first_of_a_key_counts(tmp_path):
    packed = b"b\0\0" + zlib.compress(b"x")
    path = png(
        tmp_path / "a.png",
        (b"tEXt", b"a\0caf\xe9"),
        (b"zTXt", packed),
        (b"iTXt", b"c\0\0\0de\0C\0\xc3\xa4"),
        (b"tEXt", b"a\0later"),
    )
    assert read_texts(path) == {"a": "café", "b": "x", "c": "ä"}


def test_of_very_many_texts_the_first_are_read_even_where_all_have_one_key(tmp_path):
    packed = b"a\0\0" + zlib.compress(b"x" * MAX_TEXT)
    path = png(tmp_path / "a.png", *[(b"zTXt", packed)] * MAX_TEXTS, (b"zTXt", b"a\0\0not packed"))
    assert read_texts(path) == {"a": "x" * MAX_TEXT}


@pytest.mark.slow
def test_a_picture_of_nothing_but_empty_chunks_is_left_soon(tmp_path):
    path = png(tmp_path / "a.png", *[(b"none", b"")] * 10)
    whole = path.read_bytes()
    empty = whole[8:20] * (MAX_CHUNKS // 10) * 11
    path.write_bytes(whole[:8] + empty)
    start = time.process_time()
    with pytest.raises(DataError, match="chunks"):
        read_texts(path)
    assert time.process_time() - start < 5  # some 0.5


BOMB = zlib.compress(bytes(50_000_000), 9)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"zTXt", b"ddpm_clip\0\0" + BOMB),
        (b"iTXt", b"ddpm_clip\0\1\0\0\0" + BOMB),
        (b"tEXt", b"ddpm_clip\0" + b" " * (MAX_TEXT + 1)),
        (b"tEXt", b"no key"),
        (b"tEXt", b"\0"),
        (b"tEXt", b"k" * 80 + b"\0"),
        (b"iTXt", b"k\0\0\0\0\0\xff"),
        (b"zTXt", b"k\0\0not packed"),
    ],
)
def test_texts_that_are_too_long_or_damaged_are_refused(tmp_path, kind, body):
    with pytest.raises(DataError, match=r"the texts in .* are damaged"):
        read_texts(png(tmp_path / "a.png", (kind, body)))


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path):
    import tracemalloc

    path = png(tmp_path / "a.png", (b"zTXt", b"ddpm_clip\0\0" + BOMB))
    tracemalloc.start()
    with pytest.raises(DataError):
        read_texts(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_wrong_checksum_a_cut_file_and_other_files_are_refused(tmp_path):
    path = picture(tmp_path / "a.png", {"ddpm_clip": "{}"})
    whole = path.read_bytes()
    at = whole.index(b"ddpm_clip")
    for data in (whole[: at + 4], whole[:at] + b"D" + whole[at + 1 :], whole[:-12]):
        path.write_bytes(data)
        with pytest.raises(DataError):
            read_texts(path)
    out = io.BytesIO()
    Image.new("L", (2, 2)).save(out, "JPEG")
    path.write_bytes(out.getvalue())
    with pytest.raises(DataError, match="not a PNG"):
        read_texts(path)
    with pytest.raises(BadImage, match="none"):
        read_texts(tmp_path / "none.png")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "7"},
        {"seed": True},
        {"seed": 7.5},
        {"guidance": float("nan")},
        {"prompt": None},
        {"prompt": "x" * 4001},
        {"w": {"a": 1}},
        {"interval": [[1]]},
        {"interval": [0] * 65},
        {"unconditional": 1},
        {"w": float("inf")},
        {"seed": [7]},
    ],
)
def test_parameters_of_the_wrong_kind_are_refused(tmp_path, change):
    path = picture(tmp_path / "a.png", {"ddpm_clip": json.dumps(FACTS | change)})
    with pytest.raises(DataError, match=r"parameters in .* are damaged"):
        read_parameters(path)


def test_a_picture_without_parameters_says_so(tmp_path):
    with pytest.raises(DataError, match="does not say how"):
        read_parameters(picture(tmp_path / "a.png", {"parameters": "x"}))
    with pytest.raises(DataError, match="damaged"):
        read_parameters(picture(tmp_path / "a.png", {"ddpm_clip": "[1]"}))


@pytest.mark.slow
def test_our_own_pictures_are_read(cli, tmp_path):
    ended = cli(
        "generate",
        "a six",
        "--model",
        "digits",
        "-n",
        1,
        "--steps",
        2,
        "--out",
        tmp_path / "six.png",
    )
    assert ended.code == 0
    facts = read_parameters(tmp_path / "six.png")
    assert (facts["prompt"], facts["steps"], facts["model"]) == ("a six", 2, "digits")
