"""A folder has one writer; the lock ends with its holder, and leaves nothing behind."""

import os
import subprocess
import sys

import pytest

from ddpm_clip.utils.locks import LOCK, locked

HOLD = """
import sys
from pathlib import Path
from ddpm_clip.utils.locks import locked
with locked(Path(sys.argv[1]), RuntimeError):
    print("held", flush=True)
    sys.stdin.read()
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
    import fcntl

    real, turns = fcntl.flock, []

    def flock(handle, how):
        real(handle, how)
        if not turns:  # another one, which was faster, ends and takes its file away
            (tmp_path / LOCK).unlink()
        turns.append(handle)

    monkeypatch.setattr(fcntl, "flock", flock)
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


def test_where_the_file_system_knows_no_locks_work_goes_on(tmp_path, monkeypatch):
    import errno
    import fcntl

    def flock(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path, RuntimeError):
        assert (tmp_path / LOCK).exists()


def test_looking_for_the_lock_loads_nothing_heavy():
    code = "import sys, ddpm_clip.cli.commands.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
