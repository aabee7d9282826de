"""`scan`: decode every picture of a source and report, without training anything."""

from collections import Counter
from collections.abc import Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddpm_clip.cli import console
from ddpm_clip.cli.options import AsJson, Source

if TYPE_CHECKING:
    from PIL.Image import Image

    from ddpm_clip.data.pixels import BadFile
    from ddpm_clip.types import ImageSource, Progress

SHOWN = 20


def scan(
    source: Source,
    split: Annotated[str, typer.Option(help="Which part of a data set.")] = "train",
    max_bad: Annotated[
        float, typer.Option(min=0, max=1, help="Share of unusable pictures that is put up with.")
    ] = 0.2,
    as_json: AsJson = False,
) -> None:
    """Look through pictures: how many, how large, which unusable.

    ddpm-clip scan photos/
    ddpm-clip scan photos/ --json
    """
    from ddpm_clip.cli.interrupt import Patience
    from ddpm_clip.cli.progress import Bars, follow
    from ddpm_clip.data.sources import open_source

    pictures = open_source(source, split=split)
    with Patience("leaving after this picture") as patience, Bars() as bars:
        report = follow(_look_through(pictures, max_bad), bars, patience)
    if as_json:
        return console.result_json(report)
    _print(report)


class _Measured:
    """A source that remembers how large the pictures were that went through it."""

    def __init__(self, source: "ImageSource"):
        self._source = source
        self.sizes: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, i: int) -> "Image":
        image = self._source[i]
        self.sizes.append(image.size)
        return image


def _look_through(
    source: "ImageSource", max_bad: float
) -> "Generator[Progress, None, dict[str, Any]]":
    """Decode all and count; the result is the report as `--json` prints it."""
    from ddpm_clip.data.pixels import scan as decode_all
    from ddpm_clip.types import Progress

    measured = _Measured(source)
    work = decode_all(measured, max_bad=max_bad)
    while True:
        try:
            at = next(work)
        except StopIteration as end:
            return _report(source, measured.sizes, end.value)
        yield Progress("scan", at.done, at.total, f"{at.bad} unusable" if at.bad else "")


def _report(
    source: "ImageSource", sizes: list[tuple[int, int]], bad: "list[BadFile]"
) -> dict[str, Any]:
    sides = [side for size in sizes for side in size]
    common = Counter(f"{width}x{height}" for width, height in sizes).most_common(5)
    labels = Counter(label for i in range(len(source)) if (label := source.label(i)) is not None)
    return {
        "source": source.name, "pictures": len(source), "usable": len(sizes),
        "smallest_side": min(sides), "largest_side": max(sides), "common_sizes": dict(common),
        "classes": dict(sorted(labels.items())), "other_files": getattr(source, "other_types", 0),
        "bad": [asdict(file) for file in bad],
    }  # fmt: skip


def _print(report: dict[str, Any]) -> None:
    console.result(
        f"{report['usable']} of {report['pictures']} pictures are usable in {report['source']}"
    )
    sizes = ", ".join(f"{size} ({n})" for size, n in report["common_sizes"].items())
    console.result(
        f"sides from {report['smallest_side']} to {report['largest_side']}; mostly {sizes}"
    )
    if report["classes"]:
        named = ", ".join(f"{name} ({n})" for name, n in list(report["classes"].items())[:SHOWN])
        console.result(f"{len(report['classes'])} classes: {named}")
    for file in report["bad"]:
        console.result(f"{file['key']}: {file['reason']} {file['detail']}".rstrip())
