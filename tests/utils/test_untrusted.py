"""Files of strangers: what is refused before memory is taken for it; what comes out is plain."""

import json
import os
import socket
import struct

import pytest
import torch
from torch import nn

from ddpm_clip.utils import untrusted
from ddpm_clip.utils.tensors import check_weights, load_tensors, save_tensors, skeleton
from ddpm_clip.utils.untrusted import (
    described,
    is_file,
    parse_json,
    read_bytes,
    read_object,
    user_path,
)


def with_header(path, header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def entry(shape=(2,), span=(0, 8), dtype="F32"):
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(span)}}


def test_a_sound_file_is_described_without_being_read(tmp_path):
    save_tensors(
        tmp_path / "t", {"a": torch.zeros(2, 3), "b": torch.zeros(0, 5).half()}, {"by": "us"}
    )
    assert described(tmp_path / "t") == {"a": (2, 3), "b": (0, 5)}


@pytest.mark.parametrize(
    ("header", "body", "why"),
    [
        (entry((10**9, 10**9)), bytes(8), "do not match"),
        (entry((-2, -1)), bytes(8), "do not match"),
        (entry((2.0,)), bytes(8), "do not match"),
        (entry((True,), (0, 4)), bytes(4), "do not match"),
        (entry([1] * 40 + [2]), bytes(8), "do not match"),
        (entry(dtype="C64"), bytes(8), "cannot be read"),
        (entry((0, 2**63), (0, 0)), b"", "do not match"),
        (entry((0, 2**40, 2**40), (0, 0)), b"", "do not match"),
        (entry((8,), dtype="F8_E4M3"), bytes(8), "cannot be read"),
        (entry(dtype=["F32"]), bytes(8), "cannot be read"),
        (entry(span=(0, 8, 16)), bytes(8), "cannot be read"),
        (entry(span=(8, 16)), bytes(16), "overlap or leave gaps"),
        (entry(), bytes(9), "has 9 bytes"),
        (entry(), bytes(7), "has 7 bytes"),
        ({**entry(), "y": entry()["x"]}, bytes(8), "overlap"),
        ({"x": None}, b"", "cannot be read"),
        ([], b"", "no table"),
        (b"[" * 100_000, b"", "nested too deeply"),
        (b'{"x": NaN}', b"", "NaN"),
        (b"\xff\xff", b"", "utf-8"),
    ],
)
def test_a_header_that_does_not_fit_its_bytes_is_refused(tmp_path, header, body, why):
    path = with_header(tmp_path / "t", header, body)
    with pytest.raises(ValueError, match=why):
        described(path)
    with pytest.raises(ValueError, match="not a valid safetensors file"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x80\x04", "pickle"),
        (b"PK\x03\x04", "torch.save"),
        (b"7z\xbc\xaf", "7z"),
        (b"GGUF", "GGUF"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"\x93NUMPY", "NumPy"),
        (b"\x1f\x8b", "gzip"),
    ],
)
def test_a_model_is_told_by_its_content_whatever_it_is_called(tmp_path, start, what):
    path = tmp_path / "model.safetensors"
    path.write_bytes(start + bytes(100))
    with pytest.raises(ValueError, match=what):
        load_tensors(path)


def test_a_header_may_not_be_as_large_as_it_likes(tmp_path):
    for size in (0, 1, 2**63, 2**64 - 1, untrusted.MAX_HEADER + 1):
        (tmp_path / "t").write_bytes(struct.pack("<Q", size) + b"{}")
        with pytest.raises(ValueError, match="header"):
            described(tmp_path / "t")


def test_pipes_devices_sockets_and_folders_are_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for name in ("pipe", "folder", "link", "socket"):
            with pytest.raises(OSError):  # noqa: PT011 - the system's own words
                read_bytes(tmp_path / name, 10)
            assert not is_file(tmp_path / name)


def test_a_file_of_more_bytes_than_allowed_is_not_read(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(ValueError, match="more than"):
        read_bytes(tmp_path / "large", 2**20)


@pytest.mark.parametrize("name", ["a" * 10_000, "nul\0", "\ud800", ""])
def test_a_name_that_no_file_can_have_is_no_file(tmp_path, name):
    assert not is_file(tmp_path / name)
    assert str(user_path("~nobody-of-this-name/x")) == "~nobody-of-this-name/x"


@pytest.mark.parametrize(
    "text", ["NaN", "[1e999]", "-Infinity", "[" * 5000, "[" * 100 + "]" * 100, "{", "", "nul"]
)
def test_json_that_is_not_plain_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_half_characters_are_replaced_so_that_a_text_can_be_written_again():
    value = parse_json('{"\\ud800k": ["a\\udfff", "\\ud83d\\ude00"]}')
    assert value == {"?k": ["a?", "😀"]}
    json.dumps(value, ensure_ascii=False).encode()


def test_an_object_is_wanted_and_nothing_else(tmp_path):
    (tmp_path / "x").write_text("[1]")
    with pytest.raises(ValueError, match="list"):
        read_object(tmp_path / "x")


def test_a_network_is_compared_before_it_is_built():
    def make(n=4):
        return nn.Linear(n, 2)

    good = make().state_dict()
    check_weights(make, good)
    with pytest.raises(ValueError, match="shape"):
        check_weights(lambda: make(10**9), good)
    with pytest.raises(ValueError, match="missing"):
        check_weights(make, {"weight": good["weight"]})
    with pytest.raises(ValueError, match="unexpected"):
        check_weights(make, {**good, "more": good["bias"]})
    with pytest.raises(ValueError, match="NaN"):
        check_weights(make, {**good, "bias": good["bias"] * torch.nan})
    with pytest.raises(ValueError, match=r"."):
        skeleton(lambda: nn.Linear(2**40, 2**40))
