"""Opens the source that a config names, and decodes its training crops."""

import shlex
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.checkup.checking import Checkup
from ddpm_clip.data.checkup.findings import summary
from ddpm_clip.data.pictures.crops import RandomCrop
from ddpm_clip.data.pictures.left_out import has_files, warn_of_left_out
from ddpm_clip.data.pictures.pixels import Pixels, stream_pixels
from ddpm_clip.data.remote.streams import Stream, keep, kept
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.subset import limit
from ddpm_clip.errors import DdpmClipWarning, UsageError
from ddpm_clip.types import ImageSource, Progress

KEPT = "pictures"
"""Folder in the run where the pictures of a stream are kept."""


def open_data(
    config: DataConfig, split: str = "train", *, streams: bool = False, says: bool = True
) -> ImageSource:
    """Open the source of a config, reduced to `max_samples` random pictures.

    Warns of what is left out of it; of a stream that is known only when it has been read.

    Args:
        config: the data section of the config.
        split: split of the source.
        streams: whether the caller can use a `Stream`, which can be read only once, forwards.
        says: whether to warn; False if the same source is opened again later.

    Raises:
        UsageError: the config names no source, or a stream although `streams` is False.
    """
    if config.source is None:
        raise UsageError(
            "there are no pictures to train on",
            "data.source is empty",
            "name a folder of pictures: ddpm-clip train FOLDER",
            param="data.source",
        )
    source = open_source(
        config.source,
        split=split,
        size=max(config.image_size),
        draw=config.draw,
        seed=config.draw_seed,
        background=config.background,
    )
    if says:
        warn_of_left_out(source)
    source = limit(source, config.max_samples)
    if isinstance(source, Stream) and not streams:
        fix = "train on it, or give its pictures as files"
        raise UsageError(f"{source.name} can be read only once", "it is a stream", fix)
    len(source)  # raises here if the stream has no length
    return source


def open_kept(config: DataConfig, home: Path) -> Generator[Progress, None, ImageSource]:
    """Open the source of a config; the pictures of a stream are first stored in `home`.

    Once they are stored, the stream is not read again.
    """
    size, most = max(config.image_size), config.max_samples
    stored = kept(
        home / KEPT, config.source or "", size=size, most=most, background=config.background
    )
    if stored is not None:
        return stored
    source = open_data(config, streams=True)
    if isinstance(source, Stream):
        stored = yield from keep(source, home / KEPT, size=size, most=most)
        warn_of_left_out(source)
        return stored
    return source


def decode(
    source: ImageSource,
    config: DataConfig,
    home: Path | None = None,
    random_crops: Sequence[RandomCrop] = (),
    *,
    checks: bool = False,
) -> Generator[Progress, None, Pixels]:
    """Decode the training crops of a source; a memory map, if needed, is written to `home`.

    With `checks`, warns in one line of what in a user's files may harm the training.
    """
    checkup = Checkup(source) if checks and has_files(source) else None
    pixels = yield from stream_pixels(
        source,
        size=config.image_size,
        channels=config.channels,
        crop=config.crop,
        random_crops=random_crops,
        cache=home,
        memory_limit_mb=config.memory_limit_mb,
        max_bad=config.max_bad,
        seen=None if checkup is None else checkup.see,
    )
    if checkup is not None:
        found = checkup.findings(config.image_size, config.channels, config.crop)
        if text := summary(found, len(pixels.keys)):
            more = f"; ddpm-clip scan {shlex.quote(config.source or '')} shows which"
            warnings.warn(text + more, DdpmClipWarning, stacklevel=2)
    return pixels


def half_of(rows: np.ndarray, half: int | None) -> np.ndarray:
    """Return every other row, so that two networks can be trained on disjoint pictures.

    Args:
        rows: (n,) row numbers of pictures.
        half: 1 for the even rows, 2 for the odd ones, None for all.
    """
    return rows if half is None else rows[rows % 2 == half - 1]
