"""`scan`: decodes every picture of a source and reports, without training."""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from ddpm_clip.data.checkup.findings import Finding
    from ddpm_clip.data.pictures.pixels import BadFile
    from ddpm_clip.types import ImageSource, Progress

SHOWN = 20


def scan(
    source: Source,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "train",
    max_bad: Annotated[
        float, typer.Option(min=0, max=1, help="Share of unusable pictures that is tolerated.")
    ] = 0.2,
    max_samples: Annotated[
        int | None,
        typer.Option(min=1, help="Scan a random subset of this size; of a stream the first."),
    ] = None,
    size: Annotated[
        int, typer.Option(min=4, help="Side of the training pictures: smaller ones are reported.")
    ] = 32,
    as_json: AsJson = False,
) -> None:
    """Check pictures: sizes, classes, bad files, and what may harm a training.

    ddpm-clip scan photos/
    ddpm-clip scan photos.zip --size 64 --json

    Reported are duplicates, pictures that are tiny, extremely long or likely text, and grey ones
    among coloured ones, with what a training makes of them; and what is left out of the source.
    Nothing is changed.
    """
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import NOTHING_WRITTEN, ProgressBars, follow
    from ddpm_clip.data.sources import open_source
    from ddpm_clip.data.subset import limit

    pictures = limit(open_source(source, split=split), max_samples)
    with GracefulShutdown("stopping after this picture") as shutdown, ProgressBars() as bars:
        work = _look_through(pictures, max_bad, size)
        scanned = follow(work, bars, shutdown, told=NOTHING_WRITTEN)
    report = scanned.as_dict()
    if as_json:
        return console.result_json(report)
    _print(report, scanned)


class _Labelled:
    """A source that counts labels in passing: a stream can be read only once."""

    def __init__(self, source: "ImageSource"):
        self._source = source
        self.labels: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> "Image":
        self.labels.update(label for label in [self._source.label(i)] if label is not None)
        return self._source[i]


def _look_through(
    source: "ImageSource", max_bad: float, side: int
) -> "Generator[Progress, None, Scanned]":
    """Decode all pictures, count, and look for what harms a training at `side` pixels."""
    from ddpm_clip.data.checkup.checking import Checkup
    from ddpm_clip.data.pictures.pixels import scan as decode_all

    labelled, checkup = _Labelled(source), Checkup(source)
    bad = yield from decode_all(labelled, max_bad=max_bad, seen=checkup.see)
    sizes = checkup.sizes
    return Scanned(source, sizes, labelled.labels, bad, checkup.findings(side))


@dataclass
class Scanned:
    """What a scan found; sizes are (n, 2), width and height."""

    source: "ImageSource"
    sizes: "NDArray[np.int64]"
    labels: Counter[str]
    bad: "list[BadFile]"
    findings: "list[Finding]"

    def as_dict(self) -> dict[str, Any]:
        """Return the report that `--json` prints."""
        from ddpm_clip.data.pictures.left_out import left_out_of

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
        import numpy as np

        sizes, counts = np.unique(self.sizes, axis=0, return_counts=True)
        rows = np.argsort(-counts, kind="stable")[:5]
        return {f"{sizes[i][0]}x{sizes[i][1]}": int(counts[i]) for i in rows}


def _print(report: dict[str, Any], scanned: Scanned) -> None:
    from ddpm_clip.data.pictures.left_out import left_out_of

    console.result(
        f"{report['usable']} of {report['pictures']} pictures are usable in {report['source']}"
    )
    sizes = ", ".join(f"{size} ({n})" for size, n in report["common_sizes"].items())
    console.result(
        f"sides from {report['smallest_side']} to {report['largest_side']} pixels; mostly {sizes}"
    )
    if report["classes"]:
        named = ", ".join(f"{name} ({n})" for name, n in list(report["classes"].items())[:SHOWN])
        console.result(f"{len(report['classes'])} classes: {named}")
    for line in left_out_of(scanned.source).lines():
        console.result(f"left out: {line}")
    for one in (*scanned.findings, *scanned.bad):
        console.result(str(one))
