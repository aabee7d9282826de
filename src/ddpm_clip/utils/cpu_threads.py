"""How many CPU threads compute, and how they wait for each other.

The threads of PyTorch wait for each other after every operation. OpenMP makes a waiting thread spin
for some milliseconds before it sleeps. On an idle machine that costs nothing. Beside another busy
process, though, spinning takes the CPU from the very thread that is waited for, and everything
takes many times as long. A thread that sleeps after some microseconds costs next to nothing on an
idle machine, and leaves a busy one to those who have work. `benchmarks/busy.py` measures both.
"""

import os
import sys
from collections.abc import Container, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar

SPINNING = {"GOMP_SPINCOUNT": "2000", "KMP_BLOCKTIME": "1"}
"""How long a waiting thread spins: in rounds of a loop (GNU's OpenMP, PyTorch's on Linux), and in
milliseconds (Intel's and LLVM's, elsewhere; they accept no less, but for 0: always sleep)."""

DECIDED = {
    "GOMP_SPINCOUNT": ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"),
    "KMP_BLOCKTIME": ("OMP_WAIT_POLICY", "KMP_BLOCKTIME", "KMP_LIBRARY"),
}
"""Variables by which a user may have decided this already."""

LIBRARIES = {"libgomp": "GOMP_SPINCOUNT", "libiomp5": "KMP_BLOCKTIME", "libomp": "KMP_BLOCKTIME"}
"""File names of OpenMP libraries, and the variable of `SPINNING` that each reads."""

COUNTED = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables by which a user, or a launcher of several processes, sets the number of threads."""

_set_here: set[str] = set()
_chosen: ContextVar[int | None] = ContextVar("threads of this command", default=None)


def limit_spinning(
    environ: MutableMapping[str, str] = os.environ, loaded: Container[str] = sys.modules
) -> None:
    """Set how long threads spin, for this process and its children, unless the user did.

    OpenMP reads it once, when it is loaded. Where torch is loaded already, nothing is changed.
    """
    if "torch" in loaded:
        return
    for name, value in SPINNING.items():
        if not any(environ.get(one) for one in DECIDED[name]):
            environ[name] = value
            _set_here.add(name)


def waiting(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that decide how threads wait, each with its value and who set it."""
    library = openmp_library()
    read = [LIBRARIES[library]] if library else list(SPINNING)
    names = dict.fromkeys(one for name in read for one in DECIDED[name])
    found = {
        name: f"{environ[name]} (set by {'ddpm_clip' if name in _set_here else 'the environment'})"
        for name in names
        if environ.get(name)
    }
    return found or {"OpenMP's default": "(torch was loaded before ddpm_clip)"}


def openmp_library(maps: str = "/proc/self/maps") -> str | None:
    """Return the OpenMP library in this process, as named in `LIBRARIES`; None if unknown."""
    try:
        with open(maps, encoding="utf-8", errors="replace") as file:
            loaded = file.read().split()
    except OSError:
        return None
    names = {os.path.basename(path).partition(".")[0].partition("-")[0] for path in loaded}
    return next((name for name in LIBRARIES if name in names), None)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Set the number of PyTorch threads inside the block, and restore it afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def command_threads(count: int | None) -> Iterator[None]:
    """Compute with `count` threads inside the block, here and in child processes; None: no change.

    Inside the block, neither a config nor `share_threads` changes the number.
    """
    if count is None:
        yield
        return
    before, token = os.environ.get("OMP_NUM_THREADS"), _chosen.set(count)
    os.environ["OMP_NUM_THREADS"] = str(count)  # torch reads it in each of its own threads as well
    try:
        with threads(count):
            yield
    finally:
        _chosen.reset(token)
        del os.environ["OMP_NUM_THREADS"]
        os.environ.update({} if before is None else {"OMP_NUM_THREADS": before})


def config_threads(count: int | None) -> None:
    """Compute with the number of threads of a config from now on, unless the command chose one."""
    import torch

    if count is not None and _chosen.get() is None:
        torch.set_num_threads(count)


def share_threads(processes: int, environ: Mapping[str, str] = os.environ) -> None:
    """Give each of several processes on this machine its share, unless somebody set a number."""
    import torch

    if threads_from(environ) == "PyTorch":
        torch.set_num_threads(max(1, torch.get_num_threads() // processes))


def threads_from(environ: Mapping[str, str] = os.environ) -> str:
    """Return who chose the number of threads: the command, a variable, or PyTorch."""
    if _chosen.get() is not None:
        return "the command"
    return next((name for name in COUNTED if environ.get(name)), "PyTorch")
