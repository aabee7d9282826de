"""Emoji in several styles, with their names and keywords, from one pack.

`emoji:noto` and `emoji:emojitwo` have the same names but different drawings, so that a CLIP
trained on one style can score a model trained on the other.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ddpm_clip.data.local.npz_arrays import unpacked
from ddpm_clip.data.pictures.images import pixel_digest
from ddpm_clip.errors import DataError, StorageError, UsageError

NEEDED = ("images", "captions", "keywords", "style", "codepoints")


@dataclass(slots=True, eq=False)
class Emoji:
    """Pictures (n, h, w, 3) uint8 with a name and keywords each."""

    name: str
    images: NDArray[np.uint8]
    names: list[str]
    keywords: list[str]
    keys: list[str]
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Image.Image:
        """Return picture i, RGB."""
        if not 0 <= i < len(self):
            raise IndexError(f"picture {i} of {len(self)}")
        return Image.fromarray(self.images[i])

    def key(self, i: int) -> str:
        """Return style and code points."""
        return self.keys[i]

    def label(self, i: int) -> str | None:
        """Return None: names are not classes, as most belong to a single picture."""
        return None

    def caption(self, i: int) -> str | None:
        """Return its name."""
        return self.names[i]

    def facts(self, i: int) -> dict[str, str]:
        """Return {"name": "red heart", "keywords": "love, heart"}."""
        return {"name": self.names[i], "keywords": self.keywords[i]}

    def digest(self, i: int) -> str:
        """Return the SHA-256 of the pixels."""
        return pixel_digest(self[i])


def read_emoji(path: Path, style: str = "") -> Emoji:
    """Read the emoji of one style, or of all styles.

    Raises:
        DataError: The pack is damaged or lacks an array.
        UsageError: There is no such style.
    """
    try:
        with zipfile.ZipFile(path) as pack:
            arrays: dict[str, NDArray[Any]] = {name: unpacked(pack, name) for name in NEEDED}
    except StorageError:
        raise
    except Exception as error:  # archives and headers fail in many classes
        raise DataError(f"cannot read the emoji in {path}", str(error)[:200]) from error
    styles = sorted(set(arrays["style"].tolist()))
    if style and style not in styles:
        raise UsageError(
            f"unknown emoji style {style!r}",
            f"choose from: {', '.join(styles)}",
            f"emoji:{styles[0]}",
            param="data.source",
        )
    rows = np.flatnonzero(arrays["style"] == style) if style else np.arange(len(arrays["style"]))
    keys = [f"{arrays['style'][i]}-{arrays['codepoints'][i]}" for i in rows]
    return Emoji(
        f"emoji:{style}" if style else "emoji",
        np.ascontiguousarray(arrays["images"][rows]),
        [str(arrays["captions"][i]) for i in rows],
        [str(arrays["keywords"][i]) for i in rows],
        keys if len(set(keys)) == len(keys) else [f"{key}-{i}" for i, key in enumerate(keys)],
    )
