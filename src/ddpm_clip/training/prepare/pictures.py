"""From the data section of a config to a source, and from a source to training crops.

Knows nothing of embeddings or optimisation.
"""

from collections.abc import Generator
from pathlib import Path

import numpy as np

from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.pictures.pixels import Pixels, stream_pixels
from ddpm_clip.data.remote.streams import Stream, keep, kept
from ddpm_clip.data.sources import open_source
from ddpm_clip.data.subset import limit
from ddpm_clip.errors import UsageError
from ddpm_clip.types import ImageSource, Progress

KEPT = "pictures"
"""The folder of a run in which a stream is kept."""


def open_data(config: DataConfig, split: str = "train", *, streams: bool = False) -> ImageSource:
    """The source of a config, cut to `max_samples` by an even choice.

    Args:
        config: of the data.
        split: of the source.
        streams: whether the caller can do with a `Stream`, which goes forward only.

    Raises:
        UsageError: the config names no source, or a stream where none will do.
    """
    if config.source is None:
        raise UsageError(
            "no pictures are named",
            "data.source is empty",
            "ddpm-clip train FOLDER",
            param="data.source",
        )
    source = open_source(
        config.source,
        split=split,
        size=config.image_size,
        draw=config.draw,
        seed=config.draw_seed,
        background=config.background,
    )
    source = limit(source, config.max_samples)
    if isinstance(source, Stream) and not streams:
        fix = "train on it, or give its pictures as files"
        raise UsageError(f"{source.name} can be read once only", "it is a stream", fix)
    len(source)  # a stream without a length says so now
    return source


def open_kept(config: DataConfig, home: Path) -> Generator[Progress, None, ImageSource]:
    """As `open_data`; of a stream, what of it is kept in `home`, which is filled first.

    Once it is filled, the stream is not asked again.
    """
    size, most = config.image_size, config.max_samples
    there = kept(
        home / KEPT, config.source or "", size=size, most=most, background=config.background
    )
    if there is not None:
        return there
    source = open_data(config, streams=True)
    if isinstance(source, Stream):
        return (yield from keep(source, home / KEPT, size=size, most=most))
    return source


def decode(
    source: ImageSource, config: DataConfig, home: Path | None = None
) -> Generator[Progress, None, Pixels]:
    """Every training crop of a source; `home` is where a memory map goes."""
    return stream_pixels(
        source,
        size=config.image_size,
        channels=config.channels,
        crop=config.crop,
        cache=home,
        memory_limit_mb=config.memory_limit_mb,
        max_bad=config.max_bad,
    )


def half_of(rows: np.ndarray, half: int | None) -> np.ndarray:
    """Every other row, so that two networks can learn from pictures that they do not share.

    Args:
        rows: (n,) numbers of pictures.
        half: 1 for the even ones, 2 for the odd ones; None for all.
    """
    return rows if half is None else rows[rows % 2 == half - 1]
