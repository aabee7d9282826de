"""What an analysis hands back: panels of data, numbers, and the verdict of a test that could fail.

Data only; `explain/panels/drawing.py` makes pictures of them. Knows nothing of models or files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from PIL.Image import Image

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.panels.drawing import display, draw, sheet
from ddpm_clip.explain.panels.kinds import Panel
from ddpm_clip.reports.as_json import json_text, jsonable
from ddpm_clip.reports.folder import write_files
from ddpm_clip.utils.visualization import encoded_png

Verdict = Literal["pass", "fail", "inconclusive"]
"""Of a falsification test: it held, it did not, or there was too little to tell."""


SIGNS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}
"""Verdicts in words."""

TAKEN = ("name", "title", "caption", "test", "verdict", "seconds", "panels")
"""Keys of an explanation's JSON that its numbers may not have."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One analysis: what it shows, the figures, and the verdict of its falsification test.

    Attributes:
        name: as in `EXPLANATIONS`.
        title: in words.
        caption: what it shows and how to read it, in plain words.
        panels: at least one.
        test: what would have made it fail, and what was found, in a sentence or two.
        verdict: of that test.
        numbers: figures for JSON, with n and intervals; plain Python values.
        seconds: that it took; 0 where nobody looked at the clock.

    Raises:
        UsageError: no panel, an unknown verdict, or numbers that JSON cannot hold.
    """

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
    test: str
    verdict: Verdict
    numbers: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.verdict not in ("pass", "fail", "inconclusive") or not self.panels:
            raise UsageError(
                f"{self.name}: no explanation with the verdict {self.verdict!r} "
                f"and {len(self.panels)} panels"
            )
        clash = [key for key in self.numbers if key in TAKEN]
        if clash:
            raise UsageError(f"{self.name}: the numbers cannot have the key {clash[0]!r}")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: name, verdict, words, and the numbers beside them."""
        return {
            "name": self.name,
            "title": self.title,
            "verdict": self.verdict,
            "test": self.test,
            "caption": self.caption,
            "seconds": round(self.seconds, 2),
            **{key: jsonable(value) for key, value in self.numbers.items()},
        }

    def timed(self, seconds: float) -> "Explanation":
        """The same, and how long it took."""
        return replace(self, seconds=seconds)

    def save(self, folder: str | Path) -> list[Path]:
        """Draw every panel into a folder as NAME-1.png and so on, and write NAME.json beside them.

        Raises:
            CannotCreate: nothing can be written there.
        """
        pictures = {
            f"{self.name}-{number}.png": encoded_png(draw(panel))
            for number, panel in enumerate(self.panels, 1)
        }
        return write_files(
            Path(folder), pictures | {f"{self.name}.json": json_text(self.as_dict())}
        )

    def image(self) -> Image:
        """All panels on one sheet, with the title above and the verdict below."""
        said = f"Test {SIGNS[self.verdict]}. {self.test}"
        return sheet(self.title, self.caption, self.panels, said)

    def show(self) -> None:
        """Show the sheet: in a notebook below the cell, elsewhere in the system's viewer."""
        display(self.image(), self.title)
