"""Tar shards without random access, compressed or at a URL, read as a stream.

URLs are opened by the `webdataset` package, which is an optional extra. Commands (`pipe:`) are
refused, because a config must not be able to run programs.
"""

import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import IO

from ddpm_clip.data.local.file_source import portable
from ddpm_clip.data.pictures.left_out import LeftOut
from ddpm_clip.data.remote.streams import Incoming, Stream, missing_extra
from ddpm_clip.data.remote.tar_shards import REST, expanded
from ddpm_clip.data.remote.tars import Damaged, samples
from ddpm_clip.errors import MissingInput, StorageError, UsageError

_URL = re.compile(r"(https?|s3|gs|hf|file):/{1,3}[\w./:@%+=,~-]+")
"""Allows only characters without a meaning to a shell."""


def is_remote(place: str) -> bool:
    """Whether a place is a URL rather than a path."""
    return re.match(r"[a-z][a-z0-9]+:", place) is not None


def stream_tars(
    place: str, shards: Sequence[str] = (), *, split: str = "train", background: str = "white"
) -> Stream:
    """Return the stream of the pictures in some shards.

    Args:
        place: A URL, which may have a pattern such as {000..009}.
        shards: Local files to read instead of URLs; they belong to the requested split.
        split: Requested split; with URLs only "train".
        background: Colour behind transparent pixels.

    Raises:
        UsageError: `webdataset` is not installed, or the URL is of a kind that is not allowed.
        MissingInput: Another split than "train" is requested of URLs.
    """
    far = not shards
    if far and split != "train":
        raise MissingInput(
            f"no split {split!r} in wds:{place}",
            "URLs are all for training",
            "give the URLs of its shards",
        )
    urls = list(shards) or expanded(place)
    for url in urls if far else ():
        if not _URL.fullmatch(url):
            raise UsageError(
                f"wds:{url} cannot be opened",
                "shards must be paths or http, s3, gs or hf URLs of plain characters",
                "copy the shards to a folder",
            )
    if far and find_spec("webdataset") is None:
        raise missing_extra(f"wds:{place}", "webdataset")

    left_out = LeftOut()

    def start() -> Iterator[Incoming]:
        for url in urls:
            yield from _pictures(url, far, left_out)

    return Stream(f"wds:{place}", start, None, background, left_out)


def _pictures(url: str, far: bool, left_out: LeftOut) -> Iterator[Incoming]:
    shard = portable(url.rpartition("/")[2])
    try:
        with _opened(url, far) as file:
            for sample in samples(file, streamed=True, left_out=left_out):
                for part in sample.parts:
                    key = f"{shard}/{portable(part.name)}"
                    yield Incoming(key, part.data, sample.label, sample.caption)
    except (Damaged, OSError) as error:
        if far:  # a network failure must not silently shrink the data set
            raise StorageError(
                f"reading {url} failed", str(error)[:200], "run the command again"
            ) from error
        yield Incoming(f"{shard}/{REST}", b"")


def _opened(url: str, far: bool) -> IO[bytes]:
    if not far:
        return open(url, "rb")
    from webdataset import gopen

    file: IO[bytes] = gopen(url)
    return file
