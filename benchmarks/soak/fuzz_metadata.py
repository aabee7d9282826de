"""Claim: whatever the texts of a PNG contain, reading them gives parameters or a refusal.

python benchmarks/soak/fuzz_metadata.py                 10,000 files
python benchmarks/soak/fuzz_metadata.py --cases 200     a short run
python benchmarks/soak/fuzz_metadata.py --case 17       a single case, with its traceback
"""

import io
import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

from fuzzing import Fuzzer, main
from mutations import HOSTILE, spoilt, spoilt_tree
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ddpm_clip.data.pictures.png_texts import KEY, read_parameters
from ddpm_clip.reproducing.recipe import read_recipe

FACTS: dict[str, Any] = {
    "ddpm_clip": "0.1.0", "prompt": "a red rose", "negative": None, "seed": 7, "guidance": 2.0,
    "w": 1.0, "steps": 20, "sampler": "dpmpp_2m", "bridge": "knn", "clamp": "static",
    "interval": [0.15, 3.0], "rescale": 0.0, "unconditional": False, "size": "28x28",
    "model": "digits", "model_fingerprint": "0123456789abcdef", "embedder": "mini_clip",
    "dtype": "float32", "device": "cpu", "torch": "2.13.0", "threads": 1, "micro_batch": 64,
    "batch": 0, "position": 3, "batch_pictures": 5, "batch_guidance": [1.0, 2.0],
}  # fmt: skip


def prepare(home: Path) -> list[bytes]:
    """Create a few good pictures with their parameters."""
    made = []
    for packed in (False, True):
        info, out = PngInfo(), io.BytesIO()
        info.add_itxt("parameters", "a red rose\nSteps: 20", zip=packed)
        info.add_itxt(KEY, json.dumps(FACTS), zip=packed)
        info.add_text("note", "x" * 300, zip=packed)
        Image.new("RGB", (8, 8), (9, 99, 199)).save(out, "PNG", pnginfo=info)
        made.append(out.getvalue())
    return made


def attempt(rng: random.Random, corpus: list[bytes], home: Path) -> str:
    """Corrupt one picture, and read its texts."""
    how, path = rng.random(), home / "picture.png"
    if how < 0.35:
        path.write_bytes(spoilt(rng.choice(corpus), rng, corpus))
    else:
        text = json.dumps(_facts(rng)).encode("utf-8", "replace")
        if how < 0.5:
            text = spoilt(text, rng)
        elif how < 0.55:
            text = rng.choice(
                (
                    b"[" * 100_000,
                    b" " * 200_000,
                    b"NaN",
                    b"",
                    b"\xff\xfe{",
                    b"{}",
                    b'{"seed": 1e999}',
                    b'{"seed": ' + b"9" * 9_000 + b"}",
                )
            )
        path.write_bytes(_png(text, rng))
    facts = read_parameters(path)
    assert all(isinstance(value, str | int | float | list | None) for value in facts.values())
    read_recipe(path)
    return "a recipe"


def _facts(rng: random.Random) -> Any:
    tree = spoilt_tree(FACTS, rng)
    if rng.random() < 0.3 and isinstance(tree, dict):
        tree[rng.choice((*FACTS, "path", "clip_guide", "../x"))] = rng.choice(HOSTILE)
    return tree


def _png(text: bytes, rng: random.Random) -> bytes:
    """A picture with text chunks of all three kinds, sometimes too many, sometimes invalid."""
    key = rng.choice((KEY.encode(), KEY.encode(), KEY.encode(), b"", b"k" * 90))
    packed = zlib.compress(rng.choice((text, text, text, bytes(30_000_000))), 9)
    kinds = [
        (b"tEXt", key + b"\0" + text),
        (b"zTXt", key + b"\0\0" + packed),
        (b"iTXt", key + b"\0\0\0\0\0" + text),
        (b"iTXt", key + b"\0\1\0\0\0" + packed),
        (b"iTXt", key),
    ]
    chosen = [rng.choice(kinds)] * rng.choice((1, 1, 1, 2, 200))
    body = b"".join(_chunk(kind, content[:100_000_000]) for kind, content in chosen)
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main(Fuzzer("fuzz_metadata", "PNG texts", prepare, attempt))
