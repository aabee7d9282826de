"""Sees every picture of a source once, in passing, and keeps about two hundred bytes of it."""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ddpm_clip.data.checkup import findings
from ddpm_clip.data.checkup.duplicates import SIDE, copies, near_pairs
from ddpm_clip.data.checkup.findings import Finding
from ddpm_clip.data.checkup.written_text import looks_like_text
from ddpm_clip.data.pictures.crops import Crop
from ddpm_clip.data.remote.streams import Stream
from ddpm_clip.data.storage.columns import TextColumn, TextWriter
from ddpm_clip.data.storage.scratch import allocate_array
from ddpm_clip.data.subset import digest
from ddpm_clip.errors import DataError
from ddpm_clip.types import ImageSource
from ddpm_clip.utils.resizing import AnySize, Size

RATIO = 3.0
"""Longer over shorter side from which a shape is extreme: the middle square is a third of it."""

GREY = 3
"""Largest difference of the colours of a grey picture, in levels of 255: JPEG rounds."""

MEMORY_MB = 256
"""Thumbnails beyond this size (a million pictures) lie in a temporary file."""


class Checkup:
    """What is known of the pictures of a source that were seen so far.

    Args:
        source: the source; pictures are seen in its order, unusable ones not at all.
    """

    def __init__(self, source: ImageSource):
        self._source = source
        shape = (len(source), SIDE, SIDE, 3)
        self._thumbs = allocate_array(shape, np.uint8, "thumbnails", memory_limit_mb=MEMORY_MB)
        self._keys, self._indices = TextWriter(), array("q")
        self._widths, self._heights, self._texts = array("l"), array("l"), array("b")

    def see(self, i: int, image: Image.Image) -> None:
        """Note picture i of the source, which has just been decoded."""
        small = image.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=3.0)
        self._thumbs[len(self._indices)] = np.asarray(small.convert("RGB"))
        self._keys.append(self._source.key(i))
        self._indices.append(i)
        self._widths.append(image.width)
        self._heights.append(image.height)
        self._texts.append(looks_like_text(image))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Width and height of each picture, (n, 2)."""
        return np.stack([np.array(self._widths, np.int64), np.array(self._heights, np.int64)], 1)

    def findings(self, size: AnySize, channels: int = 3, crop: Crop = "centre") -> list[Finding]:
        """Return what was found, for a training at this size; call it once, at the end.

        Files of likely copies are read again, to tell exact ones from near ones; those of a stream
        cannot be, and count as near.
        """
        keys, sizes, wanted = TextColumn.written(self._keys), self.sizes, Size.of(size)
        small = np.any(sizes < np.array([wanted.width, wanted.height]), axis=1)
        shorter, longer = sizes.min(axis=1), sizes.max(axis=1)
        exact, near = self._copies(keys)
        long = longer > RATIO * shorter
        return [
            one
            for one in (
                findings.exact_copies(exact),
                findings.near_copies(near),
                findings.tiny(_named(keys, small), wanted),
                findings.extreme(_named(keys, long), RATIO, crop),
                self._mixed(keys, channels),
                findings.texts(_named(keys, np.array(self._texts, bool))),
            )
            if one.number
        ]

    def _mixed(self, keys: Sequence[str], channels: int) -> Finding:
        thumbs = self._thumbs[: len(self._indices)]
        grey = np.array(
            [np.ptp(one.astype(np.int16), axis=-1).max() <= GREY for one in thumbs], bool
        )
        are_grey = bool(grey.sum() * 2 <= len(grey))
        return findings.mixed(_named(keys, grey if are_grey else ~grey), are_grey, channels)

    def _copies(self, keys: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return exact and near copies, each as `key = key of the first`."""
        exact, near = list[str](), list[str]()
        groups = dict[int, dict[str, int]]()
        for copy, first in copies(near_pairs(self._thumbs[: len(self._indices)])).items():
            known = groups.setdefault(first, {self._content(first): first})
            original = known.setdefault(self._content(copy), copy)
            same = original != copy
            (exact if same else near).append(f"{keys[copy]} = {keys[original if same else first]}")
        return exact, near

    def _content(self, row: int) -> str:
        """Return the digest of a picture, or a unique text if it cannot be read again."""
        if isinstance(self._source, Stream):
            return f"row {row}"
        try:
            return digest(self._source, self._indices[row])
        except DataError:
            return f"row {row}"


def _named(keys: Sequence[str], which: NDArray[np.bool_]) -> list[str]:
    return [keys[int(i)] for i in np.flatnonzero(which)]
