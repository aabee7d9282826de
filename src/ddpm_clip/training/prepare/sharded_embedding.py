"""Embedding in several shards, and merging them into what a single job would have written.

The merge fills the same caches by the same code as a single job, reading from the shards instead
of encoding; so the bytes are the same.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.config.schema import Config
from ddpm_clip.data.cache.embeddings import EmbeddingCache, Located
from ddpm_clip.data.cache.filling import fill
from ddpm_clip.data.cache.parts import (
    Done,
    EmbeddingShard,
    Job,
    agree_on_job,
    complete_parts,
    read_done,
    write_done,
)
from ddpm_clip.data.pictures.pixels import BadFile, check_share
from ddpm_clip.errors import CannotCreate
from ddpm_clip.training.prepare.embedding import (
    CACHE,
    Embedded,
    Side,
    embed_side,
    identified,
    opened,
    sides,
)
from ddpm_clip.types import Embedder, ImageSource, Progress
from ddpm_clip.utils.storage import remove_folder, sweep

PARTS = "parts"
"""Folder of the shards, next to the caches."""


def embed_part(
    home: Path, config: Config, source: ImageSource, embedder: Embedder, part: EmbeddingShard
) -> Generator[Progress, None, list[BadFile]]:
    """Embed one shard of the pictures into its own folder; return the unusable pictures.

    A finished shard is not embedded again; only the hashes of its files are checked.

    Raises:
        CannotCreate: the folder holds a shard of another job.
    """
    job = {side: _job(config, source, embedder, side) for side in sides(config)}
    rows = part.rows(len(source), config.embedder.batch_size)
    digests: list[str | None] | None = None
    bad: list[BadFile] = []
    for side in sides(config):
        folder = part.folder(home / PARTS / side.name)
        agree_on_job(folder, job[side])
        cache = opened(folder / "cache", job[side].card)
        done = read_done(folder, rows)
        if done is None or not _holds(cache, source, rows, done):
            if digests is None:
                digests, bad = yield from identified(source, rows, embedder)
            done = yield from embed_side(cache, source, rows, digests, bad, embedder, config, side)
            write_done(folder, done)
        digests, bad = done.digests, done.bad
        yield Progress("embed", len(rows), len(rows))
    return bad


def merge_parts(
    home: Path, config: Config, source: ImageSource, embedder: Embedder, command: str
) -> Generator[Progress, None, Embedded]:
    """Merge all shards into what a single job would have written, and remove the shards.

    Args:
        home: folder in which the shards were made.
        config: the config used for the shards.
        source: the same source as for the shards; no picture is opened.
        embedder: the same embedder; it embeds nothing.
        command: the command that makes a shard when `--shard i/N` is added, for messages.

    Raises:
        MissingInput: shards are missing or unfinished; the message names them.
        CannotCreate: the shards belong to another job, or would not be merged.
        DataError: too many pictures are unusable, or a shard lacks some.
    """
    sweep(home / PARTS)
    _refuse_leftovers(home, config, command)
    result = Embedded([], [], [])
    for side in sides(config):
        job = _job(config, source, embedder, side)
        parts = complete_parts(home / PARTS / side.name, job, command)
        result = yield from _merge_side(home, config, source, job, parts, side)
    for side in sides(config):
        remove_folder(home / PARTS / side.name)  # at once: a half-deleted shard looks damaged
    with suppress(OSError):  # not empty: other files there are not ours to remove
        (home / PARTS).rmdir()
    return result


def _refuse_leftovers(home: Path, config: Config, command: str) -> None:
    """Raise if there are shards, mirrored or cropped, that this merge would ignore."""
    merged = {side.name for side in sides(config)}
    for folder in sorted((home / PARTS).glob(f"{CACHE}-*")):
        if folder.name not in merged:
            key, value = _made_with(folder.name, config)
            raise CannotCreate(
                f"{folder} would not be merged",
                f"the shards were made with {key}={value}, this merge runs without",
                f"{command} --set {key}={value} --merge, or remove that folder",
                param=key,
            )


def _made_with(name: str, config: Config) -> tuple[str, str]:
    """Return the config key, with its value, without which a side of this name is not embedded."""
    if "-mirrored" in name and not config.data.flip:
        return "data.flip", "true"
    return "data.random_crop", name.rpartition("-crop")[2]


def _merge_side(
    home: Path,
    config: Config,
    source: ImageSource,
    job: Job,
    parts: list[tuple[EmbeddingShard, Done]],
    side: Side,
) -> Generator[Progress, None, Embedded]:
    digests = [hash_ for _, done in parts for hash_ in done.digests]
    bad = [one for _, done in parts for one in done.bad]
    check_share(source, bad, config.data.max_bad)
    good = [i for i, hash_ in enumerate(digests) if hash_ is not None]
    keys, hashes = [source.key(i) for i in good], [str(digests[i]) for i in good]
    located, starts = [], []
    at = 0
    for part, done in parts:
        n = sum(hash_ is not None for hash_ in done.digests)
        cache = opened(part.folder(home / PARTS / side.name) / "cache", job.card)
        located.append(cache.located(keys[at : at + n], hashes[at : at + n]))
        starts.append(at)
        at += n
    work = fill(
        opened(home / side.name, job.card),
        _reader(located, starts, job.card.dim),
        keys,
        hashes,
        lambda row: row,
        places=good,
        batch_size=job.batch_size,
        keep_unfinished=False,
    )
    for n in work:
        yield Progress("merge", n, len(keys))
    return Embedded(keys, hashes, bad)


def _reader(located: list[Located], starts: list[int], dim: int) -> Callable[[list[int]], Tensor]:
    """Return a function: row numbers in the whole job -> embeddings (b, dim) from the shards."""

    def read(rows: list[int]) -> Tensor:
        wanted, out = np.asarray(rows), torch.empty(len(rows), dim)
        owner = np.searchsorted(starts, wanted, side="right") - 1
        for number in np.unique(owner):
            mine = owner == number
            out[torch.from_numpy(mine)] = located[number].rows(wanted[mine] - starts[number])
        return out

    return read


def _holds(cache: EmbeddingCache, source: ImageSource, rows: range, done: Done) -> bool:
    pairs = [(source.key(i), h) for i, h in zip(rows, done.digests, strict=True) if h is not None]
    return not cache.missing([key for key, _ in pairs], [hash_ for _, hash_ in pairs])


def _job(config: Config, source: ImageSource, embedder: Embedder, side: Side) -> Job:
    keys: Iterable[str] = (source.key(i) for i in range(len(source)))
    return Job.of(keys, config.embedder.batch_size, side.card(embedder, config.data))
