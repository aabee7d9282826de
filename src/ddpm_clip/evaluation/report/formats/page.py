"""An evaluation as one HTML page, with its pictures. Knows nothing of files."""

from itertools import groupby

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.sentences import (
    INTERVALS,
    READ_REAL,
    UNCURATED,
    facts_of_report,
)
from ddpm_clip.evaluation.report.shown import FAILURE, REJECTED, ShownPicture
from ddpm_clip.reports.figures import COLUMNS
from ddpm_clip.reports.page import data_url, render
from ddpm_clip.utils.visualization import encoded_png, zoom_for

MARKS = {FAILURE: "✗", REJECTED: "?"}

SIDE = 40
"""Pixels to which small pictures are about enlarged, by a whole number."""


def as_html(evaluation: Evaluation) -> str:
    """The whole page."""
    by_prompt = groupby(evaluation.shown, key=lambda one: one.prompt)
    nearest = evaluation.nearest
    return render(
        __package__,
        "page.html",
        title=f"Evaluation of {evaluation.model['name']}",
        facts=facts_of_report(evaluation),
        intro=f"{READ_REAL} {INTERVALS}",
        uncurated=UNCURATED,
        shown=[(prompt, [_picture(one) for one in group]) for prompt, group in by_prompt],
        sections=evaluation.sections,
        columns=COLUMNS,
        nearest="" if nearest is None else data_url(encoded_png(nearest)),
        skipped=evaluation.skipped,
    )


def _picture(one: ShownPicture) -> dict[str, str | int]:
    """What the template needs of a picture."""
    width = one.image.width * zoom_for(one.image.width, SIDE)
    return {
        "verdict": one.verdict,
        "said": one.said(),
        "mark": MARKS.get(one.verdict, ""),
        "url": data_url(encoded_png(one.image)),
        "width": width,
    }
