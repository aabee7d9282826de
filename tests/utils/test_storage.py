"""Files and folders appear whole or not at all."""

import hashlib
import os
import resource
import signal

import pytest

from ddpm_clip.utils import storage
from ddpm_clip.utils.storage import (
    append_lines,
    published_folder,
    read_lines,
    remove_folder,
    reserve,
    sha256,
    sweep,
    write_bytes,
    write_text,
)


def test_a_file_is_written_and_replaced_in_one_step(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "eins")
    write_text(path, "zwölf")
    assert path.read_text(encoding="utf-8") == "zwölf"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_crash_before_the_rename_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def crash(*_):
        raise OSError("power cut")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="power cut"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_folder_is_published_whole(tmp_path):
    with published_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "out").exists(), "not before it is full"
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path, error):
    with published_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("old")

    def fill_half():
        with published_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("new")
            raise error

    with pytest.raises(error):
        fill_half()
    assert (tmp_path / "out" / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_published_folder_replaces_all_of_the_old_one(tmp_path):
    for name in ("a", "b"):
        with published_folder(tmp_path / "out") as folder:
            (folder / name).touch()
    assert os.listdir(tmp_path / "out") == ["b"]


def test_leftovers_of_a_crash_do_not_get_into_the_next_folder(tmp_path):
    leftover = tmp_path / ".tmp-out"
    leftover.mkdir()
    (leftover / "torn").touch()
    with published_folder(tmp_path / "out") as folder:
        (folder / "a").touch()
    assert os.listdir(tmp_path / "out") == ["a"]


def test_a_removed_folder_is_gone_with_its_files(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "z").touch()
    remove_folder(tmp_path / "x")
    assert os.listdir(tmp_path) == []


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()


# Lines


def test_lines_are_added_all_or_none(tmp_path, monkeypatch):
    path = tmp_path / "lines.jsonl"
    append_lines(path, [{"step": 1}])

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        append_lines(path, [{"step": 2}, {"step": 3}])
    assert path.read_text() == '{"step": 1}\n'


def test_a_torn_line_stays_by_itself_and_is_left_out(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"step": 1}\n{"ste')
    append_lines(path, [{"step": 2}])
    assert read_lines(path) == [{"step": 1}, {"step": 2}]
    assert read_lines(tmp_path / "absent") == []


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"[1, 2]", b"7", b"[" * 100_000])
def test_a_line_that_is_no_object_is_left_out(tmp_path, bad):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"step": 1}\n' + bad + b'\n{"step": 2}\n')
    assert read_lines(path) == [{"step": 1}, {"step": 2}]


# Room


def test_room_is_tried_out_and_given_back(tmp_path):
    reserve(tmp_path, 1_000_000)
    assert not list(tmp_path.iterdir())


def test_more_than_there_may_be_is_told_and_leaves_nothing(tmp_path):
    most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            reserve(tmp_path, 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.iterdir())


def test_sweeping_takes_half_made_files_and_folders_and_nothing_else(tmp_path):
    (tmp_path / ".tmp-a").mkdir()
    (tmp_path / ".tmp-a" / "x").touch()
    (tmp_path / ".del-b").touch()
    (tmp_path / "kept").touch()
    (tmp_path / ".tmp-link").symlink_to(tmp_path / "kept")
    sweep(tmp_path)
    assert os.listdir(tmp_path) == ["kept"]


def test_on_windows_folders_are_not_synced_and_files_are_opened_for_writing(tmp_path, monkeypatch):
    """It opens no folder, and refuses to sync what is open for reading."""
    monkeypatch.setattr(storage, "ON_WINDOWS", True)
    opened, real = [], os.open
    monkeypatch.setattr(
        os, "open", lambda path, flags: (opened.append(flags), real(path, flags))[1]
    )
    write_text(tmp_path / "file", "text")
    assert opened == [os.O_RDWR]
    assert (tmp_path / "file").read_text() == "text"
