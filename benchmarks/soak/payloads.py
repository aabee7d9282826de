"""Files that would run code in a program that trusts them: pickles, archives, tags, programs.

Each of them leaves a canary file if it is executed.
"""

import io
import json
import marshal
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from pyarrow import parquet


class Call:
    """Its pickle calls a function when it is unpickled."""

    def __init__(self, name: str, *arguments: Any):
        self.name, self.arguments = name, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        import pkgutil

        return pkgutil.resolve_name(self.name), self.arguments


SOURCES = {
    "open": "open({file!r}, 'w').close()",
    "importlib": "__import__('importlib').import_module('os').system({shell!r})",
    "pkgutil": "__import__('pkgutil').resolve_name('os:system')({shell!r})",
    "marshal": "exec(__import__('marshal').loads({code!r}))",
    "ctypes": "__import__('ctypes').CDLL(None).system({raw!r})",
    "asyncio": "__import__('asyncio').subprocess.subprocess.Popen({shell!r}, shell=True)",
    "tempfile": "__import__('tempfile').mkdtemp(dir={home!r})",
    "mock": "__import__('unittest.mock').mock._importer('os').system({shell!r})",
}
"""Expressions for `eval`."""


def calls(canary: Path) -> dict[str, Any]:
    """Objects whose pickles call something that creates the canary."""
    shell, code = f"touch {canary}", f"open({str(canary)!r}, 'w').close()"
    words = ["sh", "-c", shell]
    values = {
        "shell": shell,
        "file": str(canary),
        "home": str(canary.parent),
        "raw": shell.encode(),
        "code": marshal.dumps(compile(code, "x", "exec")),
    }
    handler = {"()": "os.system", "command": shell}
    logging = {"version": 1, "handlers": {"x": handler}, "root": {"handlers": ["x"]}}
    made = {
        "os.system": ("os:system", shell),
        "os.popen": ("os:popen", shell),
        "os.execv": ("os:execv", "/bin/sh", words),
        "posix.system": ("posix:system", shell),
        "os.spawn": ("os:spawnlp", 0, "sh", *words),
        "subprocess.Popen": ("subprocess:Popen", words),
        "subprocess.run": ("subprocess:run", words),
        "subprocess.check_output": ("subprocess:check_output", words),
        "subprocess.getoutput": ("subprocess:getoutput", shell),
        "builtins.exec": ("builtins:exec", code),
        "builtins.open": ("builtins:open", values["file"], "w"),
        "runpy": ("runpy:_run_code", code, {}),
        "pty.spawn": ("pty:spawn", words),
        "timeit": ("timeit:timeit", "pass", code),
        "cProfile": ("cProfile:run", code),
        "bdb": ("bdb:Bdb.run", None, code),
        "code": ("code:InteractiveInterpreter.runsource", None, code),
        "pickle in pickle": ("pickle:loads", pickle.dumps(Call("os:system", shell))),
        "torch.load": ("torch:load", f"{canary}.pth", None),
        "torch.hub": ("torch.hub:load", values["home"], "x"),
        "numpy.load": ("numpy:load", f"{canary}.npy", None, True),
        "socket": ("socket:create_connection", ("127.0.0.1", 9), 1),
        "getaddrinfo": ("socket:getaddrinfo", "canary.invalid", 80),
        "urllib": ("urllib.request:urlopen", "http://127.0.0.1:9/"),
        "webbrowser": ("webbrowser:open", "http://127.0.0.1:9/"),
        "shutil": ("shutil:copy", "/etc/hostname", values["file"]),
        "os.symlink": ("os:symlink", "/etc/passwd", values["file"]),
        "pathlib": ("pathlib:Path.touch", canary),
        "sqlite3": ("sqlite3:connect", values["file"]),
        "yaml": ("yaml:unsafe_load", f"!!python/object/apply:os.system ['{shell}']"),
        "multiprocessing": ("multiprocessing.util:spawnv_passfds", b"/bin/sh", words, ()),
        "logging": ("logging.config:dictConfig", logging),
        **{name: ("builtins:eval", text.format(**values)) for name, text in SOURCES.items()},
    }
    return {name: Call(*call) for name, call in made.items()}


def blobs(canary: Path) -> dict[str, bytes]:
    """More than sixty hostile files by name."""
    made = {f"{name}.pkl": _pickled(thing) for name, thing in calls(canary).items()}
    evil = calls(canary)["os.system"]
    for protocol in range(6):
        made[f"protocol {protocol}.pkl"] = pickle.dumps(evil, protocol)
    raw = pickle.dumps(evil)
    state = {"model": {"dense_emb.0.weight": torch.zeros(2, 2), "x": evil}}
    for zipped in (True, False):
        out = io.BytesIO()
        torch.save(state, out, _use_new_zipfile_serialization=zipped)
        made[f"torch zip {zipped}.pth"] = out.getvalue()
    made |= _archives(canary, raw) | _tables(canary, evil, raw) | _texts(canary) | _pictures(canary)
    return made


def _pickled(thing: Any) -> bytes:
    return pickle.dumps({"model": {"weight": thing}, "state": thing})


def _archives(canary: Path, raw: bytes) -> dict[str, bytes]:
    """Archives that are dangerous to unpack or open."""
    slip, code = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("archive/data.pkl", raw)
        archive.writestr(f"../../../../..{canary}", "slipped")
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("archive/data.pkl", raw)
        archive.writestr("archive/code/__torch__.py", "import os")
        archive.writestr("archive/constants.pkl", raw)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**8))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        link = tarfile.TarInfo("0.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        climbing = tarfile.TarInfo(f"../../../../..{canary}")
        climbing.size = 4
        archive.addfile(climbing, io.BytesIO(b"slip"))
        device = tarfile.TarInfo("1.png")
        device.type = tarfile.CHRTYPE
        archive.addfile(device)
    return {
        "zip slip.pth": slip.getvalue(),
        "torchscript.pt": code.getvalue(),
        "zip bomb.pth": bomb.getvalue(),
        "links.tar": tar.getvalue(),
        "7z.7z": b"7z\xbc\xaf\x27\x1c" + raw,
        "gzip.pth.gz": b"\x1f\x8b\x08" + zlib.compress(raw),
        "hdf5.h5": b"\x89HDF\r\n\x1a\n" + raw,
        "keras lambda.keras": slip.getvalue(),
    }


def _tables(canary: Path, evil: Call, raw: bytes) -> dict[str, bytes]:
    """Arrays and tables in formats that can contain pickles."""
    objects, npy, table = io.BytesIO(), io.BytesIO(), io.BytesIO()
    array = np.array([evil] * 2, dtype=object)
    np.savez(objects, image=array, text=array, images=array)
    np.save(npy, array)
    field = pa.field(
        "key",
        pa.binary(),
        metadata={
            b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": raw,
        },
    )
    parquet.write_table(pa.table([pa.array([b"x"])], schema=pa.schema([field])), table)
    header = json.dumps(
        {
            "__metadata__": {"format": "pt", "code": f"touch {canary}"},
            "x": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]},
        }
    ).encode()
    return {
        "objects.npz": objects.getvalue(),
        "objects.npy": npy.getvalue(),
        "py_extension.parquet": table.getvalue(),
        "huge.safetensors": struct.pack("<Q", len(header)) + header + bytes(4),
        "behind a header.safetensors": struct.pack("<Q", 2) + b"{}" + raw,
    }


def _texts(canary: Path) -> dict[str, bytes]:
    """Texts that can make a reader execute something, or read other files."""
    shell = f"touch {canary}"
    tags = {
        "apply": f"!!python/object/apply:os.system ['{shell}']\n",
        "new": f"!!python/object/new:os.system ['{shell}']\n",
        "name": "model: !!python/name:os.system\n",
        "module": "model: !!python/module:os\n",
        "nested": f"model: {{arch: !!python/object/apply:subprocess.Popen [['{shell}']]}}\n",
        "ruby": "--- !ruby/object:Gem::Installer\ni: x\n",
    }
    made = {f"yaml {name}.yaml": text.encode() for name, text in tags.items()}
    made["class.json"] = json.dumps(
        {"__reduce__": ["os.system", shell], "format": 1, "py/object": "os.system", "config": {}}
    ).encode()
    made["paths.json"] = json.dumps(
        {
            "format": 1,
            "config": {
                "embedder": {"name": "mini_clip", "model": str(canary.parent)},
                "data": {"source": "/etc"},
                "generation": {"clip_guide": str(canary.parent)},
            },
        }
    ).encode()
    made["formula.csv"] = f"=cmd|' /C {shell}'!A1,1,2\n../../etc/passwd,1,2\n".encode()
    return made


def _pictures(canary: Path) -> dict[str, bytes]:
    """Pictures in formats that are programs, or whose readers start other programs."""
    return {
        "eps.png": f"%!PS-Adobe-3.0 EPSF-3.0\n({canary}) (w) file\n".encode(),
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        "mvg.png": f"push graphic-context\nfill 'url(https://x/\"|{canary})'\n".encode(),
        "pdf.png": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>endobj",
    }
