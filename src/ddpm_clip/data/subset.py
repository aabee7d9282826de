"""Some pictures of a source, and the digest of one picture of any source.

Knows nothing of where the pictures come from.
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from ddpm_clip.data.pictures.images import pixel_digest
from ddpm_clip.data.remote.streams import Stream
from ddpm_clip.types import ImageSource


class Subset:
    """Some pictures of a source, in the order of `indices`; name and classes are the whole's."""

    def __init__(self, whole: ImageSource, indices: Iterable[int]):
        self.whole, self.indices = whole, np.fromiter(indices, dtype=np.int64)
        self.name, self.classes = whole.name, whole.classes

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Image.Image:
        """Picture i of the subset."""
        return self.whole[int(self.indices[i])]

    def key(self, i: int) -> str:
        """Its key in the whole."""
        return self.whole.key(int(self.indices[i]))

    def label(self, i: int) -> str | None:
        """Its label."""
        return self.whole.label(int(self.indices[i]))

    def caption(self, i: int) -> str | None:
        """Its caption."""
        return self.whole.caption(int(self.indices[i]))

    def facts(self, i: int) -> dict[str, str]:
        """Its facts."""
        return self.whole.facts(int(self.indices[i]))

    def digest(self, i: int) -> str:
        """Its digest."""
        return digest(self.whole, int(self.indices[i]))


def limit(source: ImageSource, most: int | None, seed: int = 0) -> ImageSource:
    """At most `most` pictures by lot, in the source's order; of a stream the first."""
    if most is not None and isinstance(source, Stream):
        return source.first(most)
    if most is None or most >= len(source):
        return source
    chosen = np.random.default_rng([seed, len(source)]).permutation(len(source))[:most]
    return Subset(source, sorted(chosen.tolist()))


def digest(source: ImageSource, i: int) -> str:
    """SHA-256 of the content of picture i: of its file where there is one, else of its pixels."""
    own = getattr(source, "digest", None)
    return str(own(i)) if own is not None else pixel_digest(source[i])
