"""A file layer that ends the process at its k-th change of the disk, and simulates a power cut.

Inside a forked child, `Disk(home, k, cut).watching()` counts every change below `home`: opening
for writing, writing, fsync, rename, unlink, mkdir, rmdir, truncation. The k-th one does not happen,
and the process ends as if killed. A write counts twice: once before it begins, once half done.
`cut` decides what is lost in addition:

    kill         the system keeps running: everything done so far remains
    data lost    names remain, but content that was not synced is lost
    all lost     everything that was not synced is lost, names and content

A real power cut may leave any mixture of the last two, which are its extremes. Used by
`crash_points.py` and the tests.
"""

import builtins
import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

CUTS = ("kill", "data lost", "all lost")
CRASHED = 86
"""Exit code of a process ended by this layer."""

Undo = tuple[str, str, Any]
"""How to undo a change of a name that is lost: (kind, path, data needed)."""


@dataclass(slots=True)
class Disk:
    """Counts the changes below `home`, and ends the process before change number `k` (from 1).

    Attributes:
        note: file that receives the description of that change.
        n: number of changes so far.
        unsynced: files whose content is lost in a power cut.
        undos: how to undo the names that are lost in a power cut, the newest last.
    """

    home: Path
    k: int
    cut: str = "kill"
    note: Path | None = None
    n: int = 0
    unsynced: dict[str, bool] = field(default_factory=dict)
    undos: list[Undo] = field(default_factory=list)
    _real: dict[str, Callable[..., Any]] = field(default_factory=dict)

    @contextmanager
    def watching(self) -> Iterator["Disk"]:
        """Count the changes inside the `with` block."""
        names = (
            "open",
            "write",
            "fsync",
            "rename",
            "replace",
            "unlink",
            "remove",
            "mkdir",
            "rmdir",
            "truncate",
            "posix_fallocate",
        )
        self._real = {name: getattr(os, name) for name in names} | {"file": builtins.open}
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(patch.object(os, name, getattr(self, f"_{name}")))
            for place in (builtins, io):
                stack.enter_context(patch.object(place, "open", self._file))
            # a copy inside the kernel would not be seen
            stack.enter_context(patch.object(shutil, "_USE_CP_SENDFILE", False))
            stack.enter_context(self._parquet())
            yield self

    # A change

    def change(self, what: str, path: str) -> None:
        """Count one change, and end the process at the k-th."""
        self.n += 1
        if self.n == self.k:
            self.crash(f"{what} {os.path.relpath(path, self.home)}")

    def crash(self, before: str) -> None:
        """End like a killed process, after applying the losses of the power cut."""
        for name, real in self._real.items():
            if name != "file":
                setattr(os, name, real)
        builtins.open = io.open = self._real["file"]
        code = CRASHED
        try:
            self._lose()
        except BaseException as error:  # otherwise the code under test might catch it and continue
            code, before = 1, f"the power cut itself failed: {error!r}"
        if self.note is not None:
            self.note.write_text(before, encoding="utf-8")
        os._exit(code)

    def _lose(self) -> None:
        """Apply the losses of the cut."""
        while self.undos and self.cut == "all lost":
            self._undo(*self.undos.pop())
        for path in () if self.cut == "kill" else filter(os.path.isfile, self.unsynced):
            os.truncate(path, 0)

    def ours(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The absolute path, if it is below `home`; otherwise None."""
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        elif dir_fd is not None:
            path = os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}"), os.fspath(path))
        text = os.path.abspath(os.fsdecode(path))
        return text if text.startswith(f"{self.home}{os.sep}") or text == str(self.home) else None

    # What is watched

    def _file(self, path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        mine = None if isinstance(path, int) or not set(mode) & set("wax+") else self.ours(path)
        if mine is None:
            return self._real["file"](path, mode, *rest, **more)
        self._opened(mine, "w" in mode)
        return _Watched(self._real["file"](path, mode, *rest, **more), mine, self)

    def _opened(self, path: str, empties: bool) -> None:
        there = os.path.exists(path)
        self.change("empty" if there and empties else "open", path)
        if not there:
            self.undos.append(("uncreate", path, None))
        if not there or empties:
            self.unsynced[path] = True

    def _open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        mine = self.ours(path, more.get("dir_fd")) if flags & os.O_CREAT else None
        if mine is not None:
            self._opened(mine, bool(flags & os.O_TRUNC))
        return int(self._real["open"](path, flags, *rest, **more))

    def _write(self, handle: int, data: bytes) -> int:
        if (mine := self.ours(handle)) is not None:
            self.half_written(mine, lambda: self._real["write"](handle, data[: len(data) // 2]))
        return int(self._real["write"](handle, data))

    def half_written(self, path: str, write_half: Callable[[], object]) -> None:
        """Count a write twice: before it begins, and half done."""
        self.change("write", path)
        self.unsynced[path] = True
        if self.n + 1 == self.k:
            write_half()
        self.change("write the rest of", path)

    def _fsync(self, handle: int) -> None:
        if (mine := self.ours(handle)) is not None:
            self.change("sync", mine)
            self.unsynced.pop(mine, None)
            if os.path.isdir(mine):
                self._keep_names(mine)
        self._real["fsync"](handle)

    def _rename(self, source: Any, target: Any, **more: Any) -> None:
        a, b = self.ours(source), self.ours(target)
        if a is not None and b is not None:
            self.change("rename", b)
            replaced = Path(b).read_bytes() if os.path.isfile(b) else None
            self._moved(a, b)
            self.undos.append(("unrename", b, (a, replaced)))
        self._real["replace"](source, target, **more)

    _replace = _rename

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        if (mine := self.ours(path, dir_fd)) is not None:
            if os.path.lexists(mine):
                self.change("unlink", mine)
                content = Path(mine).read_bytes() if os.path.isfile(mine) else b""
                self.undos.append(("undelete", mine, content))
            self.unsynced.pop(mine, None)
        self._real["unlink"](path, dir_fd=dir_fd)

    _remove = _unlink

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if (mine := self.ours(path, dir_fd)) is not None and not os.path.exists(mine):
            self.change("mkdir", mine)
            self.undos.append(("unmake", mine, None))
        self._real["mkdir"](path, mode, dir_fd=dir_fd)

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        if (mine := self.ours(path, dir_fd)) is not None:
            self.change("rmdir", mine)
            self.undos.append(("unremove", mine, None))
        self._real["rmdir"](path, dir_fd=dir_fd)

    def _truncate(self, path: Any, length: int) -> None:
        if (mine := self.ours(path)) is not None:
            self.change("truncate", mine)
            self.unsynced[mine] = True
        self._real["truncate"](path, length)

    def _posix_fallocate(self, handle: int, offset: int, length: int) -> None:
        if (mine := self.ours(handle)) is not None:
            self.change("reserve", mine)
        self._real["posix_fallocate"](handle, offset, length)

    def _parquet(self) -> Any:
        """pyarrow does not write through Python, so its whole file counts as one write."""
        from pyarrow import parquet

        real = parquet.write_table

        def write_table(table: Any, where: Any, **more: Any) -> None:
            if (mine := self.ours(where)) is not None:
                self._opened(mine, True)

                def write_half() -> None:
                    real(table, where, **more)
                    self._real["truncate"](where, os.path.getsize(where) // 2)

                self.half_written(mine, write_half)
            real(table, where, **more)

        return patch.object(parquet, "write_table", write_table)

    # The power cut

    def _moved(self, a: str, b: str) -> None:
        """Rename the unsynced files at or below a path."""
        self.unsynced = {_under(path, a, b): True for path in self.unsynced if path != b}

    def _keep_names(self, folder: str) -> None:
        """A folder was synced: changes of names in it can no longer be undone.

        Each change is recorded under the names of its time, which are correct again once all later
        changes are undone. A rename that is never undone is therefore applied to earlier changes.
        """
        left: list[Undo] = []
        later: list[tuple[str, str]] = []
        durable: list[tuple[str, str]] = []
        for how, path, more in reversed(self.undos):
            stays = os.path.dirname(_through(path, later)) == folder
            if how == "unrename":
                source, replaced = more
                later.insert(0, (source, path))
                if stays:
                    durable.insert(0, (source, path))
                more = (_through(source, durable), replaced)
            if not stays:
                left.insert(0, (how, _through(path, durable), more))
        self.undos = left

    def _undo(self, how: str, path: str, more: Any) -> None:
        """Undo the newest change of a name whose folder was not synced."""
        if not os.path.isdir(os.path.dirname(path)):  # the removal of its folder was synced
            return
        if how == "unrename":
            source, replaced = more
            os.replace(path, source)
            self._moved(path, source)
            if replaced is not None:
                Path(path).write_bytes(replaced)
        elif how == "undelete":
            Path(path).write_bytes(more)
        elif how == "unremove":
            os.mkdir(path)
        elif how == "unmake":
            shutil.rmtree(path, ignore_errors=True)
        elif os.path.lexists(path):
            os.unlink(path)


class _Watched:
    """An open file whose writes are counted; everything else is passed on to the file."""

    def __init__(self, file: Any, path: str, disk: Disk):
        self._file, self._path, self._disk = file, path, disk

    def write(self, data: Any) -> Any:
        def write_half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        self._disk.half_written(self._path, write_half)
        written = self._file.write(data)
        self._file.flush()  # hand the data to the system, where it survives a kill
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self) -> "_Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _under(path: str, a: str, b: str) -> str:
    return b + path[len(a) :] if path == a or path.startswith(a + os.sep) else path


def _through(path: str, renames: list[tuple[str, str]]) -> str:
    """The name of a path after some renames."""
    for a, b in renames:
        path = _under(path, a, b)
    return path
