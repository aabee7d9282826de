"""An evaluation as JSON, and all its files in one folder.

    evaluation.md      the tables
    evaluation.html    the same with pictures, on one page that needs nothing else
    nearest.png        the painted pictures nearest to training pictures, where there are any
    evaluation.json    every figure, reason and seed

Knows nothing of how anything was measured.
"""

from pathlib import Path
from typing import Any

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.markdown import as_markdown
from ddpm_clip.evaluation.report.formats.page import as_html
from ddpm_clip.reports.as_json import json_text
from ddpm_clip.reports.folder import write_files
from ddpm_clip.utils.visualization import encoded_png

FORMAT = 1
FILES = JSON, MARKDOWN, HTML, NEAREST = (
    "evaluation.json",
    "evaluation.md",
    "evaluation.html",
    "nearest.png",
)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON form: every figure, reason and seed; pictures are named by prompt and seed."""
    return {
        "format": FORMAT,
        "made": dict(evaluation.made),
        "seconds": round(evaluation.seconds, 1),
        "model": dict(evaluation.model),
        "painted": evaluation.plan.as_dict(),
        "first_seed": evaluation.first_seed,
        "parts": {section.name: section.as_dict() for section in evaluation.sections},
        "not_measured": {
            one.name: {"title": one.title, "why": one.why, "fix": one.fix}
            for one in evaluation.skipped
        },
        "prompts": [{"prompt": case.prompt, "facts": case.facts} for case in evaluation.plan.cases],
        "shown": [
            {"prompt": one.prompt, "seed": one.seed, "verdict": one.verdict, "read": one.read}
            for one in evaluation.shown
        ],
    }


def write_evaluation(evaluation: Evaluation, out: Path) -> list[Path]:
    """Write all files, the JSON last, so that where it is the others are; returns their paths.

    Raises:
        CannotCreate: nothing can be written there.
    """
    sheets = [one.sheet for one in evaluation.sections if one.sheet]
    files = {
        MARKDOWN: as_markdown(evaluation),
        HTML: as_html(evaluation),
        NEAREST: encoded_png(sheets[0].image) if sheets else None,
        JSON: json_text(as_json(evaluation)),
    }
    return write_files(out, files)
