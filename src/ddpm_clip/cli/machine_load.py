"""What else keeps this machine busy, as far as its operating system tells."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")
WORTH_NAMING = 0.1
"""CPUs that a process must use to be named."""


@dataclass(frozen=True, slots=True)
class OtherProcesses:
    """What other processes use.

    Attributes:
        cpus: mean number of CPUs that they used.
        busiest: names and CPUs of the busiest, at most three.
    """

    cpus: float
    busiest: tuple[tuple[str, float], ...]


def machine_load(seconds: float = 0.2) -> dict[str, Any]:
    """Return the load average and what other processes use; only what can be known here.

    Args:
        seconds: how long other processes are watched.
    """
    found: dict[str, Any] = {}
    if hasattr(os, "getloadavg"):
        found["mean_last_minute"] = round(os.getloadavg()[0], 2)
    others = other_processes(seconds)
    if others is not None:
        found["cpus_used_by_others"] = round(others.cpus, 2)
        found["busiest"] = [f"{name} {cpus:.1f}" for name, cpus in others.busiest]
    return found


def other_processes(seconds: float = 0.2) -> OtherProcesses | None:
    """Watch other processes for a while; None where there is no /proc."""
    busy, each = busy_seconds(PROC), _each_process()
    if busy is None:
        return None
    began, own = time.monotonic(), time.process_time()
    time.sleep(seconds)
    passed, own = time.monotonic() - began, time.process_time() - own
    used = [(name, (spent - each[pid][1]) / passed)
            for pid, (name, spent) in _each_process().items() if pid in each]  # fmt: skip
    named = sorted((one for one in used if one[1] >= WORTH_NAMING), key=lambda one: -one[1])
    total = ((busy_seconds(PROC) or busy) - busy - own) / passed
    return OtherProcesses(max(0.0, total), tuple(named[:3]))


def busy_seconds(proc: Path = PROC) -> float | None:
    """Return the CPU seconds that all CPUs were busy since the machine started; None if unknown.

    Time that other virtual machines took counts as busy. Steps are 1/100 s.
    """
    try:
        words = (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        user, nice, system, _, _, irq, softirq, stolen = (int(word) for word in words[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int, proc: Path = PROC) -> float | None:
    """Return the CPU seconds that a process has used; None if it is gone or unknown."""
    found = _named_seconds(proc / str(pid))
    return None if found is None else found[1]


def _each_process() -> dict[int, tuple[str, float]]:
    """Return name and CPU seconds of every other process that can be seen."""
    if not (PROC / "stat").is_file():
        return {}
    pids = [int(one.name) for one in PROC.iterdir() if one.name.isdigit()]
    found = {pid: _named_seconds(PROC / str(pid)) for pid in pids if pid != os.getpid()}
    return {pid: one for pid, one in found.items() if one is not None}


def _named_seconds(process: Path) -> tuple[str, float] | None:
    """Read name and CPU seconds of a process; its name may hold spaces and brackets."""
    try:
        text = (process / "stat").read_text(encoding="utf-8", errors="replace")
        name, _, rest = text.partition("(")[2].rpartition(")")
        user, system = rest.split()[11:13]
        return name, (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
