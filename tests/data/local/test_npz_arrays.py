"""Arrays of a pack are the same from memory and from a file, and a spoilt pack is heard of."""

import struct
import zipfile

import numpy as np
import pytest

from ddpm_clip.data.local.npz_arrays import unpacked


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_lies_in_a_file_and_is_the_same(tmp_path, save, order):
    wanted = np.asarray(
        np.random.default_rng(0).integers(0, 256, (40, 7, 5), np.uint8), order=order
    )
    save(tmp_path / "a.npz", images=wanted, few=np.arange(5.0))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        mapped = unpacked(archive, "images", memory_limit_mb=0)
        assert isinstance(mapped, np.memmap)
        assert not isinstance(unpacked(archive, "images"), np.memmap)
        assert np.array_equal(mapped, wanted)
        assert np.array_equal(unpacked(archive, "images"), wanted)
        assert np.array_equal(unpacked(archive, "few", memory_limit_mb=0), np.arange(5.0))
        with pytest.raises(KeyError):
            unpacked(archive, "nosuch")


def test_a_header_that_promises_more_than_there_is_and_a_wrong_checksum_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((100, 8, 8), np.uint8))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole.replace(b"(100, 8, 8)", b"(900, 8, 8)"))
    (tmp_path / "c.npz").write_bytes(whole.replace(b"\0" * 64, b"\1" * 64, 1))
    for name in ("b.npz", "c.npz"):
        with zipfile.ZipFile(tmp_path / name) as archive:
            for limit in (0, 100):
                with pytest.raises((ValueError, zipfile.BadZipFile)):
                    unpacked(archive, "images", memory_limit_mb=limit)


def test_an_array_of_nothing_and_one_beyond_counting_are_refused(tmp_path):
    for number, (kind, shape) in enumerate(
        [("|S0", (10**12,)), ("|V0", (4,)), ("<f4", (0, 2**63))]
    ):
        header = {"descr": kind, "fortran_order": False, "shape": shape}
        text = repr(header).ljust(117) + "\n"
        with zipfile.ZipFile(tmp_path / f"{number}.npz", "w") as archive:
            npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
            archive.writestr("images.npy", npy)
        packed = zipfile.ZipFile(tmp_path / f"{number}.npz")
        with packed as archive, pytest.raises(ValueError, match="does not match"):
            unpacked(archive, "images")


def test_a_bomb_that_lies_about_its_packed_size_is_one(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros(4_000_000, np.uint8))
    whole = bytearray((tmp_path / "a.npz").read_bytes())
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        at = archive.start_dir + 20  # of the packed size in the entry of the first member
    whole[at : at + 4] = struct.pack("<I", 2**31)
    (tmp_path / "b.npz").write_bytes(whole)
    for name in ("a.npz", "b.npz"):
        packed = zipfile.ZipFile(tmp_path / name)
        with packed as archive, pytest.raises(ValueError, match="times its compressed size"):
            unpacked(archive, "images", memory_limit_mb=1)
