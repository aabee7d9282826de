"""The file layer ends a process where it should, and a power cut takes what it may and no more."""

import os
import shutil

import pytest


def ended(soak, home, k, cut, act):
    """Run `act` in a child that ends at its k-th change; its exit code."""
    layer = soak("faulty_files")
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with layer.Disk(home, k, cut).watching():
                act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    ("k", "left"), [(1, None), (2, ""), (3, "four"), (4, "four and more"), (5, "four and more")]
)
def test_a_write_is_not_begun_then_half_done_then_whole(soak, tmp_path, k, left):
    home = tmp_path.resolve()

    def act():
        (home / "a").write_text("four and more"[:8])
        (home / "a").open("a").close()
        (home / "b").touch()

    code = ended(soak, home, k, "kill", act)
    assert code == soak("faulty_files").CRASHED
    found = (home / "a").read_text() if (home / "a").exists() else None
    assert found == (left if left is None else left[: {3: 4}.get(k, 8)])
    assert not (home / "b").exists()


def replaced(home, syncs_file, syncs_folder):
    """Write beside a file and rename over it, then one thing more."""
    temporary = home / "new"
    temporary.write_text("new")
    for path, wanted in ((temporary, syncs_file), (home, syncs_folder)):
        if path == home:
            os.replace(temporary, home / "a")
        if wanted:
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
    (home / "last").mkdir()


@pytest.mark.parametrize(
    ("syncs_file", "syncs_folder", "cut", "left"),
    [
        (True, True, "all lost", "new"),
        (True, False, "all lost", "old"),
        (True, False, "data lost", "new"),
        (False, False, "data lost", ""),
        (False, True, "all lost", ""),
        (False, False, "kill", "new"),
    ],
)
def test_a_power_cut_takes_what_was_not_synced(soak, tmp_path, syncs_file, syncs_folder, cut, left):
    home = tmp_path.resolve()
    (home / "a").write_text("old")
    k = 5 + syncs_file + syncs_folder  # open, write, its rest, rename, and the mkdir is the end
    code = ended(soak, home, k, cut, lambda: replaced(home, syncs_file, syncs_folder))
    assert code == soak("faulty_files").CRASHED
    assert (home / "a").read_text() == left
    assert not (home / "last").exists()


def test_what_lies_elsewhere_is_not_counted(soak, tmp_path):
    home = tmp_path.resolve() / "home"
    home.mkdir()
    assert ended(soak, home, 1, "kill", (tmp_path / "elsewhere").touch) == 0


@pytest.mark.slow
@pytest.mark.parametrize("cut", ["kill", "data lost", "all lost"])
def test_every_cut_has_the_same_points(soak, tmp_path, cut):
    """Two folders that are deleted one after the other: a cut in the second leaves the first."""

    def act():
        for name in ("a", "b"):
            os.rename(home / name, home / f".{name}")
            handle = os.open(home, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
            shutil.rmtree(home / f".{name}", ignore_errors=True)

    codes = []
    for k in range(1, 12):
        home = tmp_path.resolve() / str(k)
        for name in ("a", "b"):
            (home / name).mkdir(parents=True)
            (home / name / "x").touch()
        codes.append(ended(soak, home, k, cut, act))
    assert codes == [soak("faulty_files").CRASHED] * 8 + [0] * 3


def test_a_file_that_took_another_s_name_gives_it_back(soak, tmp_path):
    """Deleted, and a new one renamed to its name, none of it synced: then the old one is there."""
    home = tmp_path.resolve()
    (home / "a").write_text("old")

    def act():
        (home / "a").unlink()
        (home / "new").write_text("new")
        os.replace(home / "new", home / "a")
        (home / "last").mkdir()

    assert ended(soak, home, 6, "all lost", act) == soak("faulty_files").CRASHED
    assert [(path.name, path.read_text()) for path in home.iterdir()] == [("a", "old")]


@pytest.mark.parametrize(("synced", "left"), [(False, []), (True, ["there/x", "there/y"])])
def test_a_rename_that_was_synced_stays_with_what_was_synced_in_it(soak, tmp_path, synced, left):
    home = tmp_path.resolve()

    def act():
        (home / "half").mkdir()
        (home / "half" / "x").touch()
        (home / "half" / "y").touch()
        if synced:
            for path in (home / "half" / "x", home / "half"):
                handle = os.open(path, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)
        (home / "half" / "z").touch()
        os.rename(home / "half", home / "there")
        handle = os.open(home, os.O_RDONLY)
        if synced:
            os.fsync(handle)
        os.close(handle)
        (home / "last").mkdir()

    k = 9 if synced else 6
    assert ended(soak, home, k, "all lost", act) == soak("faulty_files").CRASHED
    found = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert found == left
