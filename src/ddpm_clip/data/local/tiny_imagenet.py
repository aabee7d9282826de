"""Reads Tiny ImageNet in its original folders: pictures by wnid, class names in text files."""

import os
from collections.abc import Iterator
from pathlib import Path

from ddpm_clip.data.local.file_source import Files, FileSource
from ddpm_clip.data.local.folder import checked_folder, no_images, walk
from ddpm_clip.data.pictures.formats import is_picture
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.errors import MissingInput


def read_tiny_imagenet(
    root: str | Path, split: str = "train", *, background: str = "white"
) -> FileSource:
    """Read the official tree: `train/<wnid>/images/`, `val/` with annotations, `words.txt`.

    Raises:
        MissingInput: There is no such folder or split.
        DataError: There are no pictures.
    """
    root = checked_folder(root)
    tree = {"train": "train", "val": "val", "test": "val"}.get(split, split)
    if not (root / tree).is_dir():
        raise MissingInput(
            f"no folder {tree!r} in {root}", fix="give the root of tiny-imagenet-200"
        )
    names = _class_names(root)
    writer, labels = TextWriter(), LabelColumn()
    for path, wnid in _val_files(root) if tree == "val" else _train_files(root):
        writer.append(os.path.relpath(path, root))
        labels.append(names.get(wnid, wnid))
    if not len(writer):
        raise no_images(root / tree, LeftOut())
    classes = tuple(names.values()) or tuple(sorted(labels.names))
    files = Files(root, TextColumn.written(writer), labels)
    return FileSource("tiny-imagenet", root, files, classes, background)


def _class_names(root: Path) -> dict[str, str]:
    """Map each wnid to its first word, or to all its words if two classes share the first."""
    if not (root / "words.txt").is_file():
        return {}
    rows = [line.split("\t", 1) for line in _lines(root / "words.txt")]
    used = {row[0] for row in rows}
    if (root / "wnids.txt").is_file():
        used = set(_lines(root / "wnids.txt"))
    elif (root / "train").is_dir():
        used = set(os.listdir(root / "train"))
    words = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in used}
    return dict(zip(words, short_names(list(words.values())), strict=True))


def short_names(words: list[str]) -> list[str]:
    """Cut each list of synonyms to the first, unless two would become the same."""
    first = [text.split(",")[0].strip() for text in words]
    return [
        short if first.count(short) == 1 else full.strip()
        for short, full in zip(first, words, strict=True)
    ]


def _train_files(root: Path) -> Iterator[tuple[str, str]]:
    for folder, names in walk(root / "train"):
        wnid = os.path.relpath(folder, root / "train").split(os.sep)[0]
        yield from ((os.path.join(folder, n), wnid) for n in names if is_picture(n))


def _val_files(root: Path) -> Iterator[tuple[str, str]]:
    notes = root / "val" / "val_annotations.txt"
    if not notes.is_file():
        raise MissingInput(f"not found: {notes}", "it lists the classes of the val pictures")
    for line in _lines(notes):
        name, wnid = line.split("\t")[:2]
        yield os.path.join(root, "val", "images", os.path.basename(name)), wnid


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    return [line for line in text.splitlines() if line.strip()]
