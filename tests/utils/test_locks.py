"""A folder has one writer; the lock ends with its holder, and leaves nothing behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from ddpm_clip.utils.locks import LOCK, holder, locked

HOLD = """
import sys
from pathlib import Path
from ddpm_clip.utils.locks import locked
with locked(Path(sys.argv[1]), RuntimeError):
    print("held", flush=True)
    sys.stdin.read()
"""


TURNS = 40
RACE = f"""
import sys
from pathlib import Path
from ddpm_clip.utils.locks import locked
folder, number = map(Path, sys.argv[1:])
turns = 0
while turns < {TURNS}:
    try:
        with locked(folder, RuntimeError):
            number.write_text(str(int(number.read_text()) + 1))
            turns += 1
    except RuntimeError:
        pass
"""


def test_a_second_writer_is_told_who_the_first_is(tmp_path):
    with (
        locked(tmp_path, RuntimeError),
        pytest.raises(RuntimeError) as refused,
        locked(tmp_path, RuntimeError),
    ):
        pytest.fail("two writers")
    assert f"process {os.getpid()} on {os.uname().nodename}, since 20" in str(refused.value)


def test_a_killed_holder_holds_nothing_any_more(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with (
            pytest.raises(RuntimeError, match=f"process {other.pid}"),
            locked(tmp_path, RuntimeError),
        ):
            pass
        other.kill()
        other.wait()
    assert (tmp_path / LOCK).exists(), "nobody cleared it away"
    with locked(tmp_path, RuntimeError):
        pass
    assert not (tmp_path / LOCK).exists()


def test_what_was_made_for_the_lock_goes_with_it_unless_something_came_into_it(tmp_path):
    with locked(tmp_path / "a" / "b", RuntimeError):
        assert (tmp_path / "a" / "b" / LOCK).is_file()
    assert not list(tmp_path.iterdir())
    with locked(tmp_path / "a" / "b", RuntimeError):
        (tmp_path / "a" / "kept").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]


def test_a_lock_that_was_taken_away_between_opening_and_locking_is_not_taken_for_one(
    tmp_path, monkeypatch
):
    """Else two could hold two files of the same name."""
    real, turns = filelock.lock_descriptor, []

    def lock_descriptor(handle, *, blocking):
        mine = real(handle, blocking=blocking)
        if not turns:  # another one, which was faster, ends and takes its file away
            (tmp_path / LOCK).unlink()
        turns.append(handle)
        return mine

    monkeypatch.setattr(filelock, "lock_descriptor", lock_descriptor)
    with locked(tmp_path, RuntimeError):
        assert len(turns) == 2
        assert os.fstat(turns[1]).st_ino == (tmp_path / LOCK).stat().st_ino


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path):
    mine = tmp_path / "mine.txt"
    mine.write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).symlink_to(mine)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "run", RuntimeError):
        pass
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_where_no_locks_are_known_work_goes_on(tmp_path, monkeypatch, number):
    def lock_descriptor(handle, *, blocking):
        raise OSError(number, "no locks available")

    monkeypatch.setattr(filelock, "lock_descriptor", lock_descriptor)
    with locked(tmp_path, RuntimeError):
        assert (tmp_path / LOCK).exists()


def test_another_error_of_locking_is_told_and_leaves_nothing_open(tmp_path, monkeypatch):
    taken = []

    def lock_descriptor(handle, *, blocking):
        taken.append(handle)
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(filelock, "lock_descriptor", lock_descriptor)
    with pytest.raises(OSError, match="the disk is broken"), locked(tmp_path, RuntimeError):
        pass
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(taken[0])


@pytest.mark.slow
def test_of_processes_that_race_one_at_a_time_holds_the_folder(tmp_path):
    """Each adds 1 to a number as no two may do at once; none of it is lost."""
    (tmp_path / "run").mkdir()
    (tmp_path / "number").write_text("0")
    command = [sys.executable, "-c", RACE, str(tmp_path / "run"), str(tmp_path / "number")]
    racers = [subprocess.Popen(command) for _ in range(3)]
    assert [racer.wait(60) for racer in racers] == [0, 0, 0]
    assert int((tmp_path / "number").read_text()) == 3 * TURNS
    assert not list((tmp_path / "run").iterdir())


def test_where_an_open_file_cannot_be_taken_away_it_is_after_it_is_closed(tmp_path, monkeypatch):
    """As on Windows."""
    real, closed = os.close, []
    monkeypatch.setattr(os, "close", lambda handle: (closed.append(handle), real(handle)))

    def unlink(path, missing_ok=False):
        if not closed:
            raise PermissionError(13, "it is open")
        os.unlink(path)

    with locked(tmp_path, RuntimeError):
        monkeypatch.setattr(Path, "unlink", unlink)
    assert not (tmp_path / LOCK).exists()


def test_the_holder_can_be_read_where_the_first_byte_is_locked(tmp_path):
    """As on Windows, which locks it for readers too."""
    with locked(tmp_path, RuntimeError):
        content = (tmp_path / LOCK).read_bytes()
        (tmp_path / LOCK).write_bytes(b"\xff" + content[1:])
        assert holder(tmp_path / LOCK).startswith(f"process {os.getpid()} on ")


@pytest.mark.slow
def test_looking_for_the_lock_loads_nothing_heavy():
    code = "import sys, ddpm_clip.cli.commands.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
