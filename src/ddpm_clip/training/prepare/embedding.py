"""Embeds the pictures of a source into the embedding caches of a run.

The training crop is embedded, its random crops too if training uses some, and the mirror images of
all of these if training flips pictures: the condition is always the embedding of what the denoiser
sees. A run in the same folder finds and uses these caches.
"""

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image, Transpose
from torch import Tensor

from ddpm_clip.config.schema import Config, DataConfig
from ddpm_clip.data.cache.card import CacheCard
from ddpm_clip.data.cache.embeddings import EmbeddingCache
from ddpm_clip.data.cache.filling import fill
from ddpm_clip.data.cache.parts import Done
from ddpm_clip.data.pictures.crops import RandomCrop, cropped, random_crops
from ddpm_clip.data.pictures.pixels import BadFile, check_share
from ddpm_clip.data.pictures.prefetch import prefetched
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.subset import digest
from ddpm_clip.errors import DataError
from ddpm_clip.training.prepare.trim_memory import give_back
from ddpm_clip.types import Embedder, ImageSource, Item, Progress, SplitEmbedder

CACHE = "embeddings"
"""Folder of the embeddings in a run; the names of the other sides' folders begin like it."""

TRIM_EVERY = 128
"""Number of batches after which freed memory is returned to the system."""

WORKERS = min(8, os.cpu_count() or 1)
"""Number of threads that decode and resize while the encoder is busy."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Content of a cache after a job: keys and content hashes in order, and the unusable files."""

    keys: list[str]
    digests: list[str]
    bad: list[BadFile]


@dataclass(frozen=True, slots=True)
class Side:
    """The pictures as they are or mirrored, or one random crop of each, with a cache of its own."""

    mirror: bool = False
    crop: RandomCrop | None = None

    @property
    def name(self) -> str:
        """The name of the folder with the cache."""
        mirrored = "-mirrored" if self.mirror else ""
        return f"{CACHE}{mirrored}{'' if self.crop is None else f'-crop{self.crop.number}'}"

    def card(self, embedder: Embedder, data: DataConfig) -> CacheCard:
        """Return the card of the cache: the embedder, and how the pictures are preprocessed."""
        down, across = data.image_size.aspect
        shape = "" if data.crop == "none" or down == across else f" {across}:{down}"
        side = "mirrored" if self.mirror else "plain"
        crop = self.crop and f" crop {self.crop.number} margin {self.crop.margin:g}"
        look = f"{data.crop}{shape} {data.channels}ch {side} {data.background}{crop or ''}"
        return CacheCard(embedder.name, embedder.fingerprint, embedder.dim, look)

    def picture(self, image: Image, key: str, data: DataConfig) -> Image:
        """Return what is embedded of a picture, at its own resolution."""
        grey_or_rgb = image.convert("L" if data.channels == 1 else "RGB")
        part = cropped(grey_or_rgb, data.image_size, data.crop)
        part = part if self.crop is None else self.crop.of(part, key)
        return part.transpose(Transpose.FLIP_LEFT_RIGHT) if self.mirror else part


PLAIN = Side()


def open_cache(home: Path, embedder: Embedder, data: DataConfig, side: Side) -> EmbeddingCache:
    """Open the embedding cache of a run in `home`, or create it."""
    return opened(home / side.name, side.card(embedder, data))


def identity(source: ImageSource, i: int, embedder: Embedder) -> str:
    """Return a hash of what the embedding depends on: the picture, for `labels` also the label."""
    label = f":{source.label(i)}" if embedder.name.startswith("labels") else ""
    return digest(source, i) + label


def embed_missing(
    cache: EmbeddingCache,
    source: ImageSource,
    indices: Sequence[int],
    keys: Sequence[str],
    digests: Sequence[str],
    embedder: Embedder,
    config: Config,
    side: Side,
    bad: list[BadFile] | None = None,
) -> Generator[Progress, None, None]:
    """Embed the pictures `indices` of a source that are missing in the cache.

    Args:
        cache: the cache to fill.
        source: all pictures of the job.
        indices: ascending indices in the source; a picture's index is its place in the job.
        keys: keys of these pictures.
        digests: content hashes of these pictures.
        embedder: embeds the pictures.
        config: settings of the crop and the batch size.
        side: which crop of the pictures, and whether it is mirrored.
        bad: list to which unusable pictures are added; None raises an error instead.
    """

    def item(row: int) -> Item:
        i = indices[row]
        image = side.picture(source[i], keys[row], config.data)
        return Item(keys[row], image, source.label(i), source.caption(i))

    def ready(row: int) -> Any:
        try:
            return embedder.ready(item(row)) if isinstance(embedder, SplitEmbedder) else item(row)
        except DataError as error:
            if bad is None:
                raise
            bad.append(BadFile.of(keys[row], error))
            return None

    work = fill(
        cache,
        _encoder(embedder),
        keys,
        digests,
        ready,
        places=indices,
        batch_size=config.embedder.batch_size,
        workers=WORKERS,
    )
    with in_children():
        for batch, done in enumerate(work):
            if batch % TRIM_EVERY == TRIM_EVERY - 1:
                give_back()  # otherwise the memory that pyarrow keeps after each shard adds up
            yield Progress("embed", done, len(keys))


def embed_source(
    home: Path, config: Config, source: ImageSource, embedder: Embedder
) -> Generator[Progress, None, Embedded]:
    """Embed every usable picture, in one pass.

    Raises:
        DataError: more than the share `data.max_bad` is unusable; the others are stored.
    """
    rows = range(len(source))
    digests, bad = yield from identified(source, rows, embedder)
    for side in sides(config):
        cache = opened(home / side.name, side.card(embedder, config.data))
        found = yield from embed_side(cache, source, rows, digests, bad, embedder, config, side)
        digests, bad = found.digests, found.bad
    check_share(source, bad, config.data.max_bad)
    good = [i for i in rows if digests[i] is not None]
    return Embedded([source.key(i) for i in good], [str(digests[i]) for i in good], bad)


def embed_side(
    cache: EmbeddingCache,
    source: ImageSource,
    rows: range,
    digests: list[str | None],
    bad: list[BadFile],
    embedder: Embedder,
    config: Config,
    side: Side,
) -> Generator[Progress, None, Done]:
    """Embed one side of the pictures `rows`; return their digests and the unusable pictures."""
    good = [i for i, hash_ in zip(rows, digests, strict=True) if hash_ is not None]
    keys, found = [source.key(i) for i in good], list[BadFile]()
    hashes = [hash_ for hash_ in digests if hash_ is not None]
    yield from embed_missing(cache, source, good, keys, hashes, embedder, config, side, found)
    gone = {one.key for one in found}
    left = [
        None if hash_ is None or source.key(i) in gone else hash_
        for i, hash_ in zip(rows, digests, strict=True)
    ]
    order = {source.key(i): i for i in rows}
    return Done(left, sorted([*bad, *found], key=lambda one: order[one.key]))


def identified(
    source: ImageSource, rows: range, embedder: Embedder
) -> Generator[Progress, None, tuple[list[str | None], list[BadFile]]]:
    """Return the content hash of each picture, None for unusable ones, and a list of the latter."""
    bad: list[BadFile] = []

    def hashed(i: int) -> str | None:
        try:
            return identity(source, i, embedder)
        except DataError as error:
            bad.append(BadFile.of(source.key(i), error))
            return None

    digests: list[str | None] = []
    with in_children():
        for one in prefetched(hashed, rows, workers=WORKERS, window=256):
            digests.append(one)
            if len(digests) % 256 == 0:
                yield Progress("check", len(digests), len(rows))
    return digests, bad


def sides(config: Config) -> list[Side]:
    """Return the sides to embed: plain first, each of them also mirrored if training flips."""
    crops = (None, *random_crops(config.data.random_crop, config.data.crop_margin))
    mirrors = (False, True) if config.data.flip else (False,)
    return [Side(mirror, crop) for crop in crops for mirror in mirrors]


def opened(folder: Path, card: CacheCard) -> EmbeddingCache:
    """Open the cache in a folder, or create it."""
    return EmbeddingCache.open_or_create(
        folder,
        embedder_name=card.embedder,
        fingerprint=card.fingerprint,
        dim=card.dim,
        preprocessing=card.preprocessing,
    )


def _encoder(embedder: Embedder) -> Callable[[list[Any]], Tensor]:
    """Return the function that embeds what `ready` in `embed_missing` returns."""
    if isinstance(embedder, SplitEmbedder):
        split: SplitEmbedder = embedder
        return lambda made: split.embed_ready(torch.stack(made))
    return lambda items: embedder.embed_items(items)
