"""Read the weights of an untrusted .pth file: only a child process ever unpickles it.

The file's structure is checked first; then `pickled_child` unpickles it in weights-only mode, with
limited resources, and writes a safetensors file, which is all that comes back. Files that this
refuses cannot be read in any other way.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ddpm_clip.utils import pickled_child
from ddpm_clip.utils.tensors import load_tensors
from ddpm_clip.utils.untrusted import kind_by_content, read_object

MAX_FILE = 16 * 2**30
SECONDS = 600
MEMORY_MB = 4096
"""Address space of the child in MB, beyond three times the file: torch alone takes 2 GB."""

MAX_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Unpickled:
    """The content of a file: tensors by group ("model", "ema", or "" without groups); config."""

    groups: dict[str, dict[str, Tensor]]
    config: dict[str, Any]


def read_pickled(path: Path) -> Unpickled:
    """Read the weights in a file that torch.save wrote.

    Raises:
        OSError: it is missing or not a regular file, or the child cannot be started.
        ValueError: it is another kind of file, or its pickle is refused; the text says why.
    """
    size = _look_at(path)
    with tempfile.TemporaryDirectory(prefix="ddpm-clip-") as out:
        memory = MEMORY_MB + 3 * (size // 2**20)
        command = [sys.executable, "-P", pickled_child.__file__, str(path.resolve()), out]
        _run([*command, str(memory)], Path(out))
        tensors = load_tensors(Path(out) / "tensors.safetensors")
        config = read_object(Path(out) / "facts.json").get("config")
    groups: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        group, _, own = name.partition("/")
        groups.setdefault(group, {})[own] = value
    if not groups:
        raise ValueError("it holds no named tensors")
    return Unpickled(groups, config if isinstance(config, dict) else {})


def _run(command: list[str], out: Path) -> None:
    """Run the child with a minimal environment.

    Raises:
        ValueError: the child refused the file, was killed, or took too long.
    """
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")}
    kept |= {"OMP_NUM_THREADS": "1", "HOME": str(out), "TMPDIR": str(out)}
    try:
        done = subprocess.run(
            command,
            env=kept,
            cwd=out,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"reading it takes more than {SECONDS} seconds") from error
    if done.returncode == 0:
        return
    message = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    if done.returncode == pickled_child.CODE:
        raise ValueError(str(read_object(out / "facts.json").get("refused", message)))
    if message.startswith("refused: "):
        raise ValueError(f"it tried something that weights never do ({message[9:]})")
    raise ValueError(f"the process that read it ended with {done.returncode} {message}".strip())


def _look_at(path: Path) -> int:
    """Check a file from outside; return its size in bytes.

    Raises:
        OSError, ValueError: as in `read_pickled`.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise OSError(f"{path} is not a regular file")
    size = path.stat().st_size
    if size > MAX_FILE:
        raise ValueError(f"it has {size:,} bytes, more than {MAX_FILE:,}")
    with open(path, "rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        _look_into(path, size)
    elif not start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        what = kind_by_content(start) or ("empty" if not start else "not a file of torch.save")
        table = start[8:9] == b"{"
        raise ValueError("it is a safetensors file already" if table else f"it is {what}")
    return size


def _look_into(path: Path, size: int) -> None:
    """Check that a zip archive is one of torch.save: uncompressed, with a pickle, without code.

    Raises:
        ValueError: it is another kind of archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise ValueError(f"its archive is damaged ({str(error)[:100]})") from error
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > size:
        raise ValueError("its archive unpacks to more than it holds")
    if any(name.startswith("/") or ".." in name.split("/") or "\\" in name for name in names):
        raise ValueError("its archive has paths that lead outside it")
    if any(part in ("code", "constants.pkl") for name in names for part in name.split("/")[1:]):
        raise ValueError("it is a TorchScript program, not weights")
    if not any(name.split("/")[1:] == ["data.pkl"] for name in names):
        raise ValueError("it is a zip archive, but not one of torch.save")
