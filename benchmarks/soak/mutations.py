"""Corrupt files: bytes flipped, cut, duplicated and spliced; values of a tree replaced by bad ones.

All random draws come from the given generator.
"""

import copy
import json
import random
import struct
from collections.abc import Sequence
from typing import Any

NUMBERS = (0, 1, -1, 7, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, -(2**31), 2**32 - 1, 2**63)
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3.5, 2**31, 2**63, 10**30, -(10**30), 1e308, -1e308, 1e-320,
    float("nan"), float("inf"), "", " ", "x" * 10_000, "../../../etc/passwd", "/dev/zero", "~",
    "\x1b[31mred", "a\nb", "\x00", "\ud800", "\u202e", "e\u0301", "unet", "labels", "centred",
    "null", "1e4", "!!python/object/apply:os.system [id]", [], {}, [[]], [0], [None] * 50,
    ["a", "a"], {"": {}}, {"__class__": "os"}, [1e9, 1e9], [10**9] * 3, "0x10", "-0", [[[[[[0]]]]]],
)  # fmt: skip
"""Values that an attacker or a broken disk may put anywhere."""


def spoilt(data: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """The bytes of a file after one to eight random changes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        rng.choice(ACCIDENTS)(out, rng)
    if others and rng.random() < 0.1:  # splice the beginning of this file and the end of another
        other = rng.choice(others)
        out = out[: rng.randrange(len(out) + 1)] + other[rng.randrange(len(other) + 1) :]
    return bytes(out)


def spoilt_tree(tree: Any, rng: random.Random) -> Any:
    """A copy of plain data after one to three random changes."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.choice((1, 1, 2, 3))):
        tree = _tree_accident(tree, rng)
    return tree


def as_json(tree: Any, rng: random.Random) -> bytes:
    """The tree as JSON, rarely with extremely deep nesting."""
    text = json.dumps(tree).encode("utf-8", "replace")
    if rng.random() < 0.02:
        depth = rng.choice((100, 5_000, 200_000))
        text = text[:-1] + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"
    return text


def hostile(rng: random.Random) -> Any:
    """A copy of one of the `HOSTILE` values, which can be changed safely."""
    return copy.deepcopy(rng.choice(HOSTILE))


def _tree_accident(tree: Any, rng: random.Random) -> Any:
    holders = list(_holders(tree))
    if not holders or rng.random() < 0.02:
        return hostile(rng)
    holder = rng.choice(holders)
    key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    what = rng.random()
    if what < 0.15:
        del holder[key]
    elif what < 0.25 and isinstance(holder, dict):
        holder[rng.choice(("x", "", "format", "mode", "../x", "a" * 5000))] = holder.pop(key)
    elif what < 0.35:
        holder[key] = [copy.deepcopy(holder[key]) for _ in range(rng.choice((0, 1, 2, 300)))]
    elif what < 0.5 and isinstance(holder[key], int | float):
        holder[key] = rng.choice((-holder[key], holder[key] * 1000, str(holder[key]), 0))
    else:
        holder[key] = hostile(rng)
    return tree


def _holders(tree: Any) -> Any:
    """Yield every non-empty dict and list in a tree."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for one in tree.values() if isinstance(tree, dict) else tree[:50]:
            yield from _holders(one)


def _flip(out: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)


def _flip_early(out: bytearray, rng: random.Random) -> None:
    """Change a byte near the start, where headers are."""
    if out:
        out[rng.randrange(min(len(out), 200))] = rng.randrange(256)


def _cut(out: bytearray, rng: random.Random) -> None:
    del out[rng.randrange(len(out) + 1) :]


def _remove(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out) + 1)
    del out[at : at + rng.randint(1, 64)]


def _insert(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out) + 1)
    out[at:at] = rng.randbytes(rng.randint(1, 64))


def _double(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out) + 1)
    out[at:at] = out[at : at + rng.randint(1, 512)] * rng.choice((1, 2, 50))


def _number(out: bytearray, rng: random.Random) -> None:
    """Overwrite a possible number with an extreme one."""
    form = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    at, size = rng.randrange(len(out) + 1), struct.calcsize(form)
    if len(out) >= size:
        at = min(at, len(out) - size)
        out[at : at + size] = struct.pack(form, rng.choice(NUMBERS) % 2 ** (8 * size))


def _zero(out: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(out) + 1)
    end = min(len(out), at + rng.randint(1, 256))
    out[at:end] = bytes(end - at)


ACCIDENTS = (_flip, _flip_early, _cut, _remove, _insert, _double, _number, _zero)
