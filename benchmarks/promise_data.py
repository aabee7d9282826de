"""Deals the pictures of a source into disjoint packs: one for each network of the promise.

The CLIP gets pictures with class names, the judge gets other pictures with class names, and the
denoiser gets further pictures and nothing else: its pack holds no label, so none can leak.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.sources import DATA_HOME
from ddpm_clip.errors import DataError, MissingInput, UsageError
from ddpm_clip.training.prepare.pictures import decode, open_data
from ddpm_clip.utils.generators import finish

SHARES = {"clip": 5, "denoiser": 5, "judge": 8}
"""Parts of the training pictures. The CLIP and the denoiser get equal ones; a judge that reads
85 % of photographs needs more of them than these two."""

HELD_OUT = 10
"""One picture in so many is for testing, where the source has no test split."""

SEED = 16


@dataclass(frozen=True, slots=True)
class Packs:
    """Packs of disjoint pictures, and what is told about them in the JSON."""

    clip: Path
    denoiser: Path
    judge: Path
    test: Path
    facts: dict[str, Any]


def cifar10() -> str:
    """The source that is used by default, where data sets are usually kept."""
    return f"npz:{Path(os.environ.get(DATA_HOME, 'data')) / 'cifar10' / 'cifar10_jpeg.npz'}"


def deal(source: str, size: int, folder: Path, seed: int = SEED) -> Packs:
    """Write the packs into a folder, unless they are there already.

    Args:
        source: spec of the pictures, with a class each.
        size: side of the pictures in pixels.
        folder: folder of the packs.
        seed: random seed of the dealing.

    Raises:
        DataError: the pictures have no classes, or other packs are in the folder.
    """
    paths = {name: folder / f"{name}.npz" for name in (*SHARES, "test")}
    card = folder / "dealt.json"
    asked = {"source": _named(source), "image_size": size, "seed": seed}
    if card.is_file():
        facts = json.loads(card.read_text(encoding="utf-8"))
        if facts["asked"] != asked:
            raise DataError(f"{folder} holds other packs", f"{facts['asked']}", "another --work")
        return Packs(**paths, facts=facts)
    train, test, classes = _pictures(source, size, seed)
    rows = dealt(len(train["images"]), seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, chosen in rows.items():
        pack = {f"train_{key}": one[chosen] for key, one in train.items()}
        if name == "denoiser":
            pack = {"train_images": pack["train_images"]}
        np.savez(paths[name], **pack)  # type: ignore[arg-type]
    tested = {f"test_{key}": one for key, one in test.items()}
    np.savez(paths["test"], **tested)  # type: ignore[arg-type]
    facts = {
        "asked": asked,
        "classes": classes,
        "pictures": {name: len(one) for name, one in rows.items()} | {"test": len(test["images"])},
        "in_two_parts": _in_two(rows),
        "equal_pictures_in_two_parts": _equal_in_two(train["images"], rows, test["images"]),
        "labels_for_the_denoiser": 0,
    }
    card.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return Packs(**paths, facts=facts)


def dealt(n: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """Row numbers of each part: a random permutation, cut.

    >>> {name: len(rows) for name, rows in dealt(27_000, 16).items()}
    {'clip': 7500, 'denoiser': 7500, 'judge': 12000}
    """
    order = np.random.default_rng(seed).permutation(n)
    ends = np.cumsum(list(SHARES.values())) * n // sum(SHARES.values())
    cut = np.split(order, ends[:-1])
    return {name: np.sort(rows) for name, rows in zip(SHARES, cut, strict=True)}


def _pictures(
    source: str, size: int, seed: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]], list[str]]:
    """Pictures (n, h, w, c) and class names (n,) for training and for testing, and the classes."""
    data = DataConfig(source=source, image_size=size, channels=3)
    train = _split(data, "train")
    try:
        test = _split(data, "test")
    except (MissingInput, UsageError):  # no such split
        order = np.random.default_rng(seed + 1).permutation(len(train["images"]))
        aside, rest = np.split(order, [len(order) // HELD_OUT])
        test = {key: one[aside] for key, one in train.items()}
        train = {key: one[np.sort(rest)] for key, one in train.items()}
    return train, test, sorted(set(train["labels"].tolist()))


def _split(data: DataConfig, split: str) -> dict[str, NDArray[Any]]:
    source = open_data(data, split)
    pixels = finish(decode(source, data))
    labels = [source.label(i) for i in pixels.indices]
    if None in labels:
        raise DataError(
            f"{data.source} has pictures without a class",
            "a judge learns classes from pictures that nothing else is trained on",
            "put the pictures into class folders",
        )
    images = np.ascontiguousarray(pixels.array.transpose(0, 2, 3, 1))
    return {"images": images, "labels": np.array(labels)}


def _named(source: str) -> str:
    """The source without the place of this machine's data sets."""
    home = os.environ.get(DATA_HOME)
    return source.replace(f"{home.rstrip('/')}/", "") if home else source


def _in_two(rows: Mapping[str, NDArray[np.int64]]) -> int:
    """Rows that are in more than one part."""
    every = np.concatenate(list(rows.values()))
    return len(every) - len(np.unique(every))


def _equal_in_two(
    train: NDArray[np.uint8], rows: Mapping[str, NDArray[np.int64]], test: NDArray[np.uint8]
) -> int:
    """Pictures of which another part, or the test pictures, hold an equal one."""
    home: dict[bytes, set[str]] = {}
    for name, chosen in rows.items():
        for i in chosen:
            home.setdefault(train[i].tobytes(), set()).add(name)
    for one in test:
        home.setdefault(one.tobytes(), set()).add("test")
    return sum(len(names) > 1 for names in home.values())
