"""`scan`: decodes every picture of a source and reports, without training."""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Source

if TYPE_CHECKING:
    from PIL.Image import Image

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
    as_json: AsJson = False,
) -> None:
    """Check a source of pictures: sizes, classes, bad files.

    ddpm-clip scan photos/
    ddpm-clip scan photos/ --json
    """
    from ddpm_clip.cli.interrupt import GracefulShutdown
    from ddpm_clip.cli.progress import NOTHING_WRITTEN, ProgressBars, follow
    from ddpm_clip.data.sources import open_source
    from ddpm_clip.data.subset import limit

    pictures = limit(open_source(source, split=split), max_samples)
    with GracefulShutdown("stopping after this picture") as shutdown, ProgressBars() as bars:
        work = _look_through(pictures, max_bad)
        report = follow(work, bars, shutdown, told=NOTHING_WRITTEN)
    if as_json:
        return console.result_json(report)
    _print(report)


class _Measured:
    """A source that records sizes and labels in passing: a stream can be read only once."""

    def __init__(self, source: "ImageSource"):
        self._source = source
        self.sizes: list[tuple[int, int]] = []
        self.labels: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> "Image":
        self.labels.update(label for label in [self._source.label(i)] if label is not None)
        image = self._source[i]
        self.sizes.append(image.size)
        return image


def _look_through(
    source: "ImageSource", max_bad: float
) -> "Generator[Progress, None, dict[str, Any]]":
    """Decode all pictures and count; return the report that `--json` prints."""
    from ddpm_clip.data.pictures.pixels import scan as decode_all

    measured = _Measured(source)
    bad = yield from decode_all(measured, max_bad=max_bad)
    return _report(source, measured, bad)


def _report(source: "ImageSource", measured: _Measured, bad: "list[BadFile]") -> dict[str, Any]:
    sizes = measured.sizes
    sides = [side for size in sizes for side in size]
    common = Counter(f"{width}x{height}" for width, height in sizes).most_common(5)
    return {
        "source": source.name,
        "pictures": len(source),
        "usable": len(sizes),
        "smallest_side": min(sides),
        "largest_side": max(sides),
        "common_sizes": dict(common),
        "classes": dict(sorted(measured.labels.items())),
        "other_files": getattr(source, "other_types", 0),
        "bad": [asdict(file) for file in bad],
    }


def _print(report: dict[str, Any]) -> None:
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
    for file in report["bad"]:
        console.result(f"{file['key']}: {file['reason']} {file['detail']}".rstrip())
