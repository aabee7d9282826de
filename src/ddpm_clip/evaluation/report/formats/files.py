"""An evaluation as files in one folder, each written whole or not at all.

    evaluation.json    every figure, reason and seed
    evaluation.md      the tables
    evaluation.html    the same with pictures, on one page that needs nothing else
    nearest.png        the painted pictures nearest to training pictures, where there are any

Knows nothing of how anything was measured.
"""

import io
import json
from pathlib import Path

from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.as_json import as_json
from ddpm_clip.evaluation.report.formats.html import as_html
from ddpm_clip.evaluation.report.formats.markdown import as_markdown
from ddpm_clip.utils.storage import write_bytes, write_text

JSON, MARKDOWN, HTML, NEAREST = (
    "evaluation.json",
    "evaluation.md",
    "evaluation.html",
    "nearest.png",
)


def check_folder(out: Path, overwrite: bool = False) -> None:
    """Make the folder, so that a slip is told before minutes of painting.

    Raises:
        CannotCreate: it cannot be made, or holds an evaluation that may not be replaced.
    """
    there = [name for name in (JSON, MARKDOWN, HTML, NEAREST) if (out / name).exists()]
    if there and not overwrite:
        raise CannotCreate(
            f"{out} holds an evaluation",
            f"{there[0]} is there",
            "choose another --out, or --overwrite",
            param="out",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCreate(
            f"cannot create {out}", str(error), "choose another --out", param="out"
        ) from error


def write_evaluation(evaluation: Evaluation, out: Path) -> list[Path]:
    """Write all files, the JSON last, so that where it is the others are; returns their paths."""
    written = [out / MARKDOWN, out / HTML]
    write_text(out / MARKDOWN, as_markdown(evaluation))
    write_text(out / HTML, as_html(evaluation))
    (out / NEAREST).unlink(missing_ok=True)
    if evaluation.nearest is not None:
        buffer = io.BytesIO()
        evaluation.nearest.save(buffer, "PNG")
        write_bytes(out / NEAREST, buffer.getvalue())
        written.append(out / NEAREST)
    text = json.dumps(as_json(evaluation), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(out / JSON, text + "\n")
    return [*written, out / JSON]
