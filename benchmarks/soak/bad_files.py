"""Claim: training works on a folder in which one file in twenty is bad, and reports every one.

Runs the training command on eight hundred pictures and forty-two files of eighteen kinds that are
not pictures. It must succeed and report each bad file with its reason, and no good one; the numbers
of pictures and embeddings must match its report.

    python benchmarks/soak/bad_files.py            a minute
    python benchmarks/soak/bad_files.py --smoke    a hundred pictures
"""

import argparse
import io
import json
import os
import random
import socket
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pyarrow import parquet
from toy import CONFIG, Child, command, one_thread
from trials import RESULTS, claim, parsed, print_claims, write_results

from ddpm_clip.data.local.drawn_flowers import write_folder

SHARE = 0.05
CLASSES = ("rose", "tulip", "daisy", "lily")


def picture(kind: str, seed: int, **more: Any) -> bytes:
    """An intact picture in a file format."""
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **more)
    return out.getvalue()


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG with any size in its header and any image data."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def not_numbers() -> bytes:
    """A TIFF of NaN values."""
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(out, "TIFF")
    return out.getvalue()


def flipped(data: bytes, at: float) -> bytes:
    """The data with a stretch of inverted bytes."""
    first = int(len(data) * at)
    return data[:first] + bytes(255 - b for b in data[first : first + 40]) + data[first + 40 :]


BYTES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "no bytes": (".png", lambda n: b""),
    "half a JPEG": (".jpg", lambda n: _half(picture("JPEG", n))),
    "half a PNG": (".png", lambda n: _half(picture("PNG", n))),
    "half a WebP": (".webp", lambda n: _half(picture("WEBP", n))),
    "half a GIF": (".gif", lambda n: _half(picture("GIF", n))),
    "half a TIFF": (".tif", lambda n: _half(picture("TIFF", n, compression="tiff_lzw"))),
    "a PNG with a broken stream": (".png", lambda n: flipped(picture("PNG", n), 0.5)),
    "a web page": (".jpg", lambda n: b"<!DOCTYPE html><title>404</title>" + bytes([n])),
    "text": (".png", lambda n: f"no picture {n}".encode()),
    "noise": (".bmp", lambda n: random.Random(n).randbytes(500)),
    "a format that is not allowed": (".png", lambda n: picture("PPM", n)),
    "a picture of 3,600 million pixels": (".png", lambda n: png(60_000, 60_000)),
    "a decompression bomb": (".png", lambda n: png(12_000, 12_000, zlib.compress(bytes(10**6)))),
    "a TIFF that is no numbers": (".tif", lambda n: not_numbers()),
}
"""kind -> (suffix, content of file number n)."""


def dangling(path: Path) -> None:
    """Create a dangling link."""
    path.symlink_to(path.with_name("nothing here"))


def outside(path: Path) -> None:
    """Create a link out of the folder, to a world-readable file."""
    path.symlink_to("/etc/hostname")


def pipe(path: Path) -> None:
    """Create a pipe, which would block a reader forever."""
    os.mkfifo(path)


def listening(path: Path) -> None:
    """Create a socket."""
    here = os.getcwd()
    os.chdir(path.parent)  # the full path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "a link to nothing": dangling,
    "a link out of the folder": outside,
    "a pipe": pipe,
    "a socket": listening,
}

KINDS = (*BYTES, *SPECIAL)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def spoil(folder: Path, n: int) -> dict[str, str]:
    """Put `n` bad files among the pictures; returns key -> kind."""
    found = {}
    for number in range(n):
        kind = KINDS[number % len(KINDS)]
        suffix, content = BYTES.get(kind, (".png", None))
        key = f"{CLASSES[number % len(CLASSES)]}/bad-{number:03d}{suffix}"
        if content is not None:
            (folder / key).write_bytes(content(number))
        else:
            SPECIAL[kind](folder / key)
        found[key] = kind
    return found


def trained_on(home: Path, pictures: int) -> dict[str, Any]:
    """Train on such a folder; returns what training reports, and what is true."""
    folder, run = home / "pictures", home / "run"
    for number, name in enumerate(CLASSES):
        write_folder(folder / name, pictures // len(CLASSES), size=16, seed=number)
    bad = spoil(folder, round(pictures * SHARE / (1 - SHARE)))
    (home / "toy.yaml").write_text(CONFIG, encoding="utf-8")
    words = ("train", folder, "--config", home / "toy.yaml", "--out", run)
    ended = Child(command(words), home / "log").wait()
    if ended.code:
        return {"code": ended.code, "said": ended.err[-2000:]}
    reported = json.loads((run / "bad_files.json").read_text(encoding="utf-8"))["bad"]
    named = {one["key"]: one["reason"] for one in reported}
    table = parquet.read_table(run / "embeddings" / "manifest.parquet")
    keys = {
        key.as_py().decode() if isinstance(key.as_py(), bytes) else key.as_py()
        for key in table["key"]
    }
    good = {f"{p.parent.name}/{p.name}" for p in folder.rglob("*.png")} - bad.keys()
    return {
        "code": 0,
        "pictures": len(good),
        "bad": len(bad),
        "kinds": len(set(bad.values())),
        "not_named": sorted(bad.keys() - named.keys()),
        "wrongly_named": sorted(named.keys() - bad.keys()),
        "embeddings": len(keys),
        "embeddings_agree": keys == good,
        "said": f"left out {len(bad)} unusable" in ended.err,
        "reasons": {
            kind: dict(Counter(named.get(key, "none") for key in bad if bad[key] == kind))
            for kind in KINDS
            if kind in bad.values()
        },
        "seconds": round(ended.seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=800, help="number of good pictures")
    parser.add_argument("--smoke", action="store_true", help="only a hundred pictures")
    parser.add_argument("--out", type=Path, default=RESULTS / "bad_files.json")
    options = parsed(parser)
    one_thread()
    with tempfile.TemporaryDirectory() as place:
        found = trained_on(Path(place), 100 if options.smoke else options.pictures)
    print(json.dumps(found, indent=1))
    fine = found["code"] == 0
    bad = found.get("bad", 0)
    kept = [
        claim("training on a folder with bad files succeeds", float(fine), 1.0),
        claim(
            f"bad files reported with a reason, of {bad} files of {found.get('kinds')} kinds",
            (bad - len(found["not_named"])) / bad if fine else None,
            1.0,
        ),
        claim(
            "good files reported as bad",
            len(found["wrongly_named"]) if fine else None,
            0,
            at_most=True,
            unit="files",
        ),
        claim(
            "numbers of pictures and embeddings match the report",
            float(fine and found["embeddings_agree"] and found["said"]),
            1.0,
        ),
    ]
    print_claims(kept)
    write_results(options.out, {"claims": kept, "share": SHARE, **found})


if __name__ == "__main__":
    main()
