"""A subset of the pictures of a source, and the content digest of a picture of any source."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from ddpm_clip.data.pictures.images import pixel_digest
from ddpm_clip.data.remote.streams import Stream
from ddpm_clip.types import ImageSource


class Subset:
    """Some pictures of a source, in the order of `indices`, under its name and classes."""

    def __init__(self, whole: ImageSource, indices: Iterable[int]):
        self.whole, self.indices = whole, np.fromiter(indices, dtype=np.int64)
        self.name, self.classes = whole.name, whole.classes

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i of the subset."""
        return self.whole[int(self.indices[i])]

    def key(self, i: int) -> str:
        """Return its key in the source."""
        return self.whole.key(int(self.indices[i]))

    def label(self, i: int) -> str | None:
        """Return its label."""
        return self.whole.label(int(self.indices[i]))

    def caption(self, i: int) -> str | None:
        """Return its caption."""
        return self.whole.caption(int(self.indices[i]))

    def facts(self, i: int) -> dict[str, str]:
        """Return its known attributes."""
        return self.whole.facts(int(self.indices[i]))

    def digest(self, i: int) -> str:
        """Return its content digest."""
        return digest(self.whole, int(self.indices[i]))


def limit(source: ImageSource, most: int | None, seed: int = 0) -> ImageSource:
    """Return at most `most` random pictures, in the source's order; of a stream, the first ones."""
    if most is not None and isinstance(source, Stream):
        return source.first(most)
    if most is None or most >= len(source):
        return source
    chosen = np.random.default_rng([seed, len(source)]).permutation(len(source))[:most]
    return Subset(source, sorted(chosen.tolist()))


def digest(source: ImageSource, i: int) -> str:
    """Return the SHA-256 of picture i: of its file if it has one, else of its pixels."""
    own = getattr(source, "digest", None)
    return str(own(i)) if own is not None else pixel_digest(source[i])
