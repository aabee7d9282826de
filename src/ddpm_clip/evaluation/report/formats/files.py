"""An evaluation as JSON, and all its files in one folder.

evaluation.md      the tables
evaluation.html    the same with pictures, as one self-contained page
nearest.png        the painted pictures nearest to training pictures, if copies were searched
evaluation.json    every figure, reason and seed
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
    """Return the JSON form; pictures are identified by prompt and seed."""
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
    """Write all files and return their paths; the JSON is last, so if it exists, the others do.

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
