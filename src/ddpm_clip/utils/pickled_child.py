"""A program that reads one .pth file in its own process and writes plain tensors.

    python pickled_child.py IN OUT MEMORY_MB

IN is unpickled by torch in weights-only mode, which is not enough protection by itself. So this
process has limited memory, writes only into the folder OUT, gives up the network where the kernel
allows it, and ends at once if anything starts a program, opens a socket or runs code. OUT gets
tensors.safetensors and facts.json. Imports nothing from the package.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GROUPS = ("model", "ema", "state_dict", "network", "ddpm", "clip")
"""Keys of a checkpoint that may hold weights; others are ignored."""

FORBIDDEN = (
    "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.kill",
    "os.startfile", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod",
    "os.chown", "os.putenv", "os.truncate", "shutil.", "subprocess.", "socket.", "pty.", "ftplib.",
    "http.", "urllib.", "smtplib.", "telnetlib.", "poplib.", "imaplib.", "webbrowser.", "ctypes.",
    "pickle.find_class", "marshal.", "code.__new__", "exec", "compile", "import", "signal.",
    "sqlite3.", "mmap.", "tempfile.", "resource.setrlimit",
)  # fmt: skip
"""Prefixes of audit events (PEP 578) that reading weights never raises."""

MAX_FACTS = 100_000
CODE = 3
"""Exit code if the file is refused; facts.json says why."""


def main() -> None:
    """Read IN, write OUT."""
    source, out, memory = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    _leave_the_network()
    _bound(memory)
    import torch
    from safetensors.torch import save_file

    _warm_up(torch, save_file, out)
    sys.addaudithook(_guard(str(out.resolve())))
    try:
        loaded = torch.load(source, map_location="cpu", weights_only=True)
        tensors = {
            name: value.detach().contiguous().clone() for name, value in _tensors(torch, loaded)
        }
        facts = {"config": _plain(loaded.get("config"))} if isinstance(loaded, dict) else {}
        save_file(tensors, out / "tensors.safetensors")
        text = json.dumps(facts)
    except BaseException as error:
        reason = _sentence(" ".join(str(error).split())) or type(error).__name__
        (out / "facts.json").write_text(json.dumps({"refused": reason}), encoding="utf-8")
        os._exit(CODE)
    (out / "facts.json").write_text(text if len(text) <= MAX_FACTS else "{}", encoding="utf-8")
    os._exit(0)


def _tensors(torch: Any, loaded: Any) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a state dict, or of the groups in a checkpoint, as `group/name`."""
    if not isinstance(loaded, dict):
        raise ValueError(f"it holds a {type(loaded).__name__}, not weights")
    groups = {name: loaded[name] for name in GROUPS if isinstance(loaded.get(name), dict)}
    for group, tensors in (groups or {"": loaded}).items():
        for name, value in tensors.items():
            if isinstance(name, str) and isinstance(value, torch.Tensor):
                if value.layout != torch.strided or value.is_quantized or value.is_complex():
                    raise ValueError(f"tensor {name[:80]!r} is sparse, quantised or complex")
                yield f"{group}/{name}", value


def _sentence(text: str) -> str:
    """Shorten torch's message, without its advice to load the file anyway."""
    if wanted := re.search(r"GLOBAL ([\w.]+)", text):
        return f"it wants to run {wanted[1]}"
    return text.partition("WeightsUnpickler error:")[2].strip()[:160] or text[:160]


def _plain(value: Any, depth: int = 0) -> Any:
    """Return the part of a config that JSON can hold."""
    if depth > 6:
        return None
    if isinstance(value, dict):
        return {str(k)[:80]: _plain(v, depth + 1) for k, v in list(value.items())[:200]}
    if isinstance(value, list | tuple):
        return [_plain(one, depth + 1) for one in value[:200]]
    return value if type(value) in (int, float, bool, str, type(None)) else None


def _leave_the_network() -> None:
    """Enter an empty network namespace, where the kernel allows it."""
    import ctypes

    new_user, new_net = 0x10000000, 0x40000000
    # not Linux; the guard still forbids sockets
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).unshare(new_user | new_net)


def _bound(memory_mb: int) -> None:
    try:
        import resource
    except ImportError:
        return
    memory = memory_mb * 2**20
    limits = {"RLIMIT_AS": memory, "RLIMIT_FSIZE": memory, "RLIMIT_CORE": 0, "RLIMIT_CPU": 900}
    for name, limit in limits.items():
        which = getattr(resource, name)
        most = resource.getrlimit(which)[1]  # a limit cannot be raised above the hard limit
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(which, (limit, limit))


def _warm_up(torch: Any, save_file: Any, out: Path) -> None:
    """Do everything once, so that lazy imports happen before the guard."""
    for zipped in (True, False):
        sample = {"model": {"a": torch.ones(2, 2).half()}, "config": {"b": [1, 2.0]}}
        torch.save(sample, out / "sample", _use_new_zipfile_serialization=zipped)
        loaded = torch.load(out / "sample", map_location="cpu", weights_only=True)
        save_file({"a": loaded["model"]["a"].contiguous().clone()}, out / "sample")
    try:
        torch.load(out / "nothing", weights_only=True)
    except OSError:
        (out / "sample").unlink()
    (out / "facts.json").write_text(json.dumps({}), encoding="utf-8")


def _guard(folder: str) -> Any:
    """Return an audit hook that ends the process on anything but reading weights."""

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = (mode and set("wax+") & set(mode)) or flags & (os.O_WRONLY | os.O_RDWR)
            if not writes or os.path.abspath(os.fsdecode(path)).startswith(folder + os.sep):
                return
        elif not event.startswith(FORBIDDEN):
            return
        os.write(2, f"refused: {event}\n".encode())
        os._exit(CODE + 1)

    return guard


if __name__ == "__main__":
    main()
