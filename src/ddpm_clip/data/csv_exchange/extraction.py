"""Embeds picture files into a CSV, with any encoder.

Rows are appended batch by batch, so that an interrupted run resumes where it stopped.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor

from ddpm_clip.data.csv_exchange.embedding_csv import EmbeddingTable, csv_lines, read_csv
from ddpm_clip.data.pictures.images import BadImage, open_image
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import DataError, DdpmClipWarning, StorageError, UsageError


def extract_clip_embeddings(
    paths: Sequence[str | Path],
    clip_model: Any,
    preprocess: Callable[[Image], Tensor] | None,
    csv_path: str | Path,
    device: str | torch.device,
    batch_size: int = 64,
    skip_existing: bool = True,
    verbose: bool = True,
) -> tuple[int, float]:
    """Embed pictures into a CSV, one row `path,number,…` each, as `read_csv` reads it.

    Args:
        paths: Picture files; a path given twice is embedded once.
        clip_model: An embedder of this package (with `embed_images`), or any model with
            `encode_image`, whose output is stored unchanged.
        preprocess: Function from a PIL picture to a tensor, needed for `encode_image` only.
        csv_path: The CSV to write, or to continue with `skip_existing`.
        device: Device of the batches for `encode_image`.
        batch_size: Number of pictures encoded at once.
        skip_existing: Keep existing rows and skip their paths; otherwise start from scratch.
        verbose: Print progress to stderr.

    Returns:
        The number of pictures embedded by this call, and the seconds it took. Pictures that
        cannot be decoded are named in a warning and left out.

    Raises:
        UsageError: `clip_model` cannot embed pictures.
        DataError: The existing CSV is malformed, or was written by another encoder.
        StorageError: Writing failed.
    """
    encode = _encoder(clip_model, preprocess, device)
    csv_path = Path(csv_path)
    found = _continued(csv_path) if skip_existing else None
    if found is None:
        with replacing(csv_path) as temporary:
            temporary.touch()
    todo = _still_to_do(paths, set(found.keys) if found else set())
    start, done = time.perf_counter(), 0
    for i in range(0, len(todo), max(1, batch_size)):
        keys, pictures = _decoded(todo[i : i + max(1, batch_size)])
        if keys:
            rows = encode(pictures)
            _check_width(csv_path, found, rows)
            _append(csv_path, csv_lines(keys, rows))
        done += len(keys)
        if verbose:
            _say(done, len(todo), time.perf_counter() - start)
    return done, time.perf_counter() - start


def _still_to_do(paths: Sequence[str | Path], known: set[str]) -> list[str]:
    """Return the paths that are not known yet, in order and without repeats."""
    return [path for path in dict.fromkeys(os.fspath(p) for p in paths) if path not in known]


def _say(done: int, of: int, seconds: float) -> None:
    print(f"embedded {done} of {of}, {done / max(seconds, 1e-9):.0f} per second", file=sys.stderr)


def _encoder(
    model: Any, preprocess: Callable[[Image], Tensor] | None, device: str | torch.device
) -> Callable[[list[Image]], Tensor]:
    if hasattr(model, "embed_images"):
        return model.embed_images  # type: ignore[no-any-return]
    if not hasattr(model, "encode_image") or preprocess is None:
        raise UsageError(
            f"{type(model).__name__} cannot embed pictures",
            "it has no embed_images, and encode_image needs a preprocess function",
            "pass an embedder of ddpm_clip, or a model with encode_image and its preprocess",
        )

    @torch.no_grad()
    def encode(pictures: list[Image]) -> Tensor:
        batch = torch.stack([preprocess(picture) for picture in pictures])
        return model.encode_image(batch.to(device))  # type: ignore[no-any-return]

    return encode


def _decoded(paths: Sequence[str]) -> tuple[list[str], list[Image]]:
    """Return the pictures that can be decoded, with their paths; warn of the others."""
    keys, pictures = [], []
    for path in paths:
        try:
            with in_children():
                pictures.append(open_image(path))
            keys.append(path)
        except BadImage as error:
            warnings.warn(f"left out: {error.what}: {error.why}", DdpmClipWarning, stacklevel=3)
    return keys, pictures


def _continued(path: Path) -> EmbeddingTable | None:
    """Return the rows of the existing CSV; a last line without newline was cut off: remove it."""
    if not path.is_file() or not path.stat().st_size:
        return None
    if _cut_torn_line(path):
        warnings.warn(
            f"the last line of {path} was cut off and is left out", DdpmClipWarning, stacklevel=3
        )
    return read_csv(path) if path.stat().st_size else None


def _check_width(path: Path, found: EmbeddingTable | None, rows: Tensor) -> None:
    if found and found.embeddings.shape[1] != rows.shape[1]:
        raise DataError(
            f"{path} has embeddings of size {found.embeddings.shape[1]}, but this encoder makes "
            f"{rows.shape[1]}",
            "it was written by another encoder",
            "choose another csv_path, or skip_existing=False",
        )


def _cut_torn_line(path: Path) -> bool:
    with open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65_536)
            file.seek(start)
            tail = file.read(end - start)
            if b"\n" in tail:
                keep = start + tail.rindex(b"\n") + 1
                break
            end = start
        else:
            keep = 0
        if keep == path.stat().st_size:
            return False
        file.truncate(keep)
        return True


def _append(path: Path, lines: bytes) -> None:
    try:
        with open(path, "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(
            f"cannot write {path}", error.strerror or str(error), "free some space, and run again"
        ) from error
