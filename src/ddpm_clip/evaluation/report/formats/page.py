"""An evaluation as one HTML page, with its pictures."""

from itertools import groupby

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.sentences import (
    INTERVALS,
    READ_REAL,
    UNCURATED,
    facts_of_report,
)
from ddpm_clip.evaluation.report.shown import FAILURE, REJECTED
from ddpm_clip.reports.figures import COLUMNS
from ddpm_clip.reports.page import render
from ddpm_clip.utils.visualization import zoom_for

MARKS = {FAILURE: "✗", REJECTED: "?"}

SIDE = 40
"""Small pictures are enlarged by a whole number to about this many pixels."""


def as_html(evaluation: Evaluation) -> str:
    """Return the whole page."""
    by_prompt = groupby(evaluation.shown, key=lambda one: one.prompt)
    return render(
        __package__,
        "page.html",
        title=f"Evaluation of {evaluation.model['name']}",
        facts=facts_of_report(evaluation),
        intro=f"{READ_REAL} {INTERVALS}",
        uncurated=UNCURATED,
        shown=[(prompt, list(group)) for prompt, group in by_prompt],
        width=lambda image: image.width * zoom_for(max(image.size), SIDE),
        marks=MARKS,
        sections=evaluation.sections,
        columns=COLUMNS,
        skipped=evaluation.skipped,
    )
