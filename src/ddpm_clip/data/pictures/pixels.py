"""Decodes a whole source in one pass: good pictures into an array, bad ones into a list.

Nothing is skipped silently, and training sees only pictures that passed. Long passes are
generators that yield `Progress`.
"""

from array import array
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ddpm_clip.data.pictures.crops import Crop, RandomCrop, cropped
from ddpm_clip.data.pictures.images import REASONS
from ddpm_clip.data.pictures.sandbox import in_children
from ddpm_clip.data.storage.columns import LabelColumn, TextColumn, TextWriter
from ddpm_clip.data.storage.scratch import allocate_array
from ddpm_clip.errors import DataError
from ddpm_clip.types import ImageSource, Progress
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.resizing import AnySize, Size, resized


@dataclass(frozen=True, slots=True)
class BadFile:
    """A picture that was left out, with a stable reason and the decoder's message."""

    key: str
    reason: str
    detail: str

    @classmethod
    def of(cls, key: str, error: DataError) -> "BadFile":
        """Return the entry of picture `key`, which could not be read because of `error`."""
        reason = getattr(error, "reason", "damaged")
        return cls(key, reason, getattr(error, "detail", "") or error.why)

    def __str__(self) -> str:
        """Return key, reason and what the decoder adds to it, in words."""
        why = REASONS.get(self.reason, self.reason)
        more = f" ({self.detail})" if self.detail not in ("", why) else ""
        return f"{self.key}: {why}{more}"


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The good pictures of a source; `indices[row]` is the number of a picture in the source."""

    array: NDArray[np.uint8]  # (n, c, h, w), in memory or a memory map
    keys: Sequence[str]
    labels: Sequence[str | None]
    indices: Sequence[int]
    bad: list[BadFile]
    crops: tuple[NDArray[np.uint8], ...] = ()  # (n, c, h, w) each: random crops of the pictures


Seen = Callable[[int, Image.Image], None]
"""Looks at picture i in passing."""


def scan(
    source: ImageSource, *, max_bad: float = 0.2, seen: Seen | None = None
) -> Generator[Progress, None, list[BadFile]]:
    """Decode everything and show it to `seen`; return the pictures that cannot be used.

    Raises:
        DataError: There are no pictures, or the unusable share exceeds `max_bad`.
    """
    bad: list[BadFile] = []
    for i, image in _decoded(source, bad):
        if image is not None and seen is not None:
            seen(i, image)
        yield _progress(i, source, bad)
    check_share(source, bad, max_bad)
    return bad


def stream_pixels(
    source: ImageSource,
    *,
    size: AnySize,
    channels: int,
    crop: Crop = "centre",
    random_crops: Sequence[RandomCrop] = (),
    cache: Path | None = None,
    memory_limit_mb: int = 4096,
    max_bad: float = 0.2,
    seen: Seen | None = None,
) -> Generator[Progress, None, Pixels]:
    """Decode everything and keep the training crops as uint8.

    Args:
        source: The pictures.
        size: Side of the crops in pixels, or (height, width).
        channels: 1 for grey, 3 for colour.
        crop: "centre" for the middle in the shape of `size`, "none" to squeeze the whole picture.
        random_crops: Crops of that part which are kept besides it.
        cache: Folder for the memory map; by default the system's temporary folder.
        memory_limit_mb: The array is memory-mapped if it is larger than this many MiB.
        max_bad: Largest share of unusable pictures that is tolerated, 0 to 1.
        seen: Looks at each usable picture.

    Raises:
        DataError: There are no pictures, or too many are unusable.
        StorageError: There is no space for the memory map.
    """
    shape = (1 + len(random_crops), len(source), channels, *Size.of(size))
    made = allocate_array(shape, np.uint8, "pixels", home=cache, memory_limit_mb=memory_limit_mb)
    keys, labels, indices = TextWriter(), LabelColumn(), array("q")
    bad: list[BadFile] = []
    for i, image in _decoded(source, bad):
        if image is not None:
            whole = cropped(image, size, crop)
            parts = [whole, *(one.of(whole, source.key(i)) for one in random_crops)]
            for which, part in zip(made, parts, strict=True):
                which[len(keys)] = resized(part, size, channels)
            keys.append(source.key(i))
            labels.append(source.label(i))
            indices.append(i)
            if seen is not None:
                seen(i, image)
        yield _progress(i, source, bad)
    check_share(source, bad, max_bad)
    plain, *crops = (which[: len(keys)] for which in made)
    return Pixels(plain, TextColumn.written(keys), labels, indices, bad, tuple(crops))


def load_pixels(
    source: ImageSource,
    *,
    size: AnySize,
    channels: int,
    crop: Crop = "centre",
    cache: Path | None = None,
    memory_limit_mb: int = 4096,
    max_bad: float = 0.2,
) -> Pixels:
    """Run `stream_pixels` to its end."""
    return finish(
        stream_pixels(
            source,
            size=size,
            channels=channels,
            crop=crop,
            cache=cache,
            memory_limit_mb=memory_limit_mb,
            max_bad=max_bad,
        )
    )


def _decoded(source: ImageSource, bad: list[BadFile]) -> Iterator[tuple[int, Image.Image | None]]:
    """Yield every picture with its number, or None if it is unusable, and append it to `bad`."""
    with in_children():
        for i in range(len(source)):
            image = None
            try:
                image = source[i]
            except DataError as error:
                bad.append(BadFile.of(source.key(i), error))
            yield i, image


def _progress(i: int, source: ImageSource, bad: list[BadFile]) -> Progress:
    return Progress("scan", i + 1, len(source), f"{len(bad)} unusable" if bad else "")


def check_share(source: ImageSource, bad: list[BadFile], max_bad: float) -> None:
    """Raise `DataError` if too many pictures are unusable: it is probably the wrong folder."""
    if len(source) == 0:
        raise DataError(f"no images found in {source.name}")
    if not bad or (len(bad) < len(source) and len(bad) <= max_bad * len(source)):
        return
    named = ", ".join(f"{file.key} ({file.reason})" for file in bad[:5])
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    if len(bad) == len(source):
        fix = "give pictures that can be opened"
    else:
        fix = f"repair or remove them, or raise data.max_bad above {max_bad:g}"
    raise DataError(
        f"{len(bad)} of {len(source)} pictures cannot be used in {source.name}",
        named + more,
        fix,
        param="data.max_bad",
    )
