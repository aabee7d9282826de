"""Looks through a whole source once: sizes, classes, bad files, and what may harm a training."""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from ddpm_clip.data.checkup.checking import Checkup
from ddpm_clip.data.checkup.findings import Finding
from ddpm_clip.data.pictures.left_out import left_out_of
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.data.pictures.pixels import scan as decode_all
from ddpm_clip.types import ImageSource, Progress


@dataclass(frozen=True, slots=True, eq=False)
class Scanned:
    """What was found in a source.

    Attributes:
        source: The source.
        sizes: (n, 2) width and height of the usable pictures.
        labels: How many pictures have each label.
        bad: Pictures that cannot be used.
        findings: What may harm a training.
    """

    source: ImageSource
    sizes: NDArray[np.int64]
    labels: Counter[str]
    bad: list[BadFile]
    findings: list[Finding]

    def as_dict(self) -> dict[str, Any]:
        """Return the report that `scan --json` prints."""
        left_out = left_out_of(self.source)
        return {
            "source": self.source.name,
            "pictures": len(self.source),
            "usable": len(self.sizes),
            "smallest_side": int(self.sizes.min()),
            "largest_side": int(self.sizes.max()),
            "common_sizes": self._common_sizes(),
            "classes": dict(sorted(self.labels.items())),
            "other_files": left_out.files,
            "left_out": left_out.as_dict(),
            "findings": [one.as_dict() for one in self.findings],
            "bad": [asdict(file) for file in self.bad],
        }

    def _common_sizes(self) -> dict[str, int]:
        sizes, counts = np.unique(self.sizes, axis=0, return_counts=True)
        rows = np.argsort(-counts, kind="stable")[:5]
        return {f"{sizes[i][0]}x{sizes[i][1]}": int(counts[i]) for i in rows}


def look_through(
    source: ImageSource, max_bad: float, side: int
) -> Generator[Progress, None, Scanned]:
    """Decode all pictures, count, and look for what harms a training at `side` pixels.

    Args:
        source: The pictures.
        max_bad: Largest share of unusable pictures that is tolerated, 0 to 1.
        side: Side of the training pictures: smaller ones are reported.

    Raises:
        DataError: There are no pictures, or too many are unusable.
    """
    labelled, checkup = _Labelled(source), Checkup(source)
    bad = yield from decode_all(labelled, max_bad=max_bad, seen=checkup.see)
    return Scanned(source, checkup.sizes, labelled.labels, bad, checkup.findings(side))


class _Labelled:
    """A source that counts labels in passing: a stream can be read only once."""

    def __init__(self, source: ImageSource):
        self._source = source
        self.labels: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> Image:
        self.labels.update(label for label in [self._source.label(i)] if label is not None)
        return self._source[i]
