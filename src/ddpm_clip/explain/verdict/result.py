"""The result of an analysis: panels of data, numbers, and the verdict of a test that can fail.

The panels are data; `explain/panels/drawing.py` draws them.
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
"""Outcome of a falsification test: passed, failed, or not enough data to decide."""


SIGNS = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}
"""Verdicts in words."""

TAKEN = ("name", "title", "caption", "test", "verdict", "seconds", "panels")
"""Keys of an explanation's JSON that its numbers must not use."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """One analysis: what it shows, the figures, and the verdict of its falsification test.

    Attributes:
        name: its name in `EXPLANATIONS`.
        title: title for people.
        caption: what it shows and how to read it, in plain words.
        panels: at least one panel.
        test: what would have made it fail, and what was found, in one or two sentences.
        verdict: outcome of that test.
        numbers: figures for JSON, with n and intervals; plain Python values.
        seconds: duration; 0 if it was not measured.

    Raises:
        UsageError: no panel, an unknown verdict, or a number under a reserved key.
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
                f"{self.name}: invalid verdict {self.verdict!r} or no panel "
                f"({len(self.panels)} panels)"
            )
        clash = [key for key in self.numbers if key in TAKEN]
        if clash:
            raise UsageError(
                f"{self.name}: the key {clash[0]!r} is reserved and cannot be a number"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: name, verdict, texts and numbers."""
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
        """Return a copy with its duration."""
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
        """Draw all panels on one sheet, with the title above and the verdict below."""
        verdict = f"Test {SIGNS[self.verdict]}. {self.test}"
        return sheet(self.title, self.caption, self.panels, verdict)

    def show(self) -> None:
        """Show the sheet: in a notebook below the cell, otherwise in the system's viewer."""
        display(self.image(), self.title)
