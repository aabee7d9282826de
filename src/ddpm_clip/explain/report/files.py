"""All files of a report in one folder.

NAME-1.png ...              one picture per panel; tables are in the page and in the JSON
analysis_generation.gif     one picture being denoised
report.html                 everything on one self-contained page
report.json                 every verdict and figure
"""

from pathlib import Path
from typing import Any

from ddpm_clip.explain.report.animation import frames
from ddpm_clip.explain.report.page import as_html, pictures_of
from ddpm_clip.explain.report.run_all import Findings
from ddpm_clip.reports.as_json import json_text
from ddpm_clip.reports.folder import write_files
from ddpm_clip.reports.provenance import provenance
from ddpm_clip.utils.visualization import encoded_gif

FORMAT = 1
FILES = JSON, HTML, GIF = "report.json", "report.html", "analysis_generation.gif"


def as_json(findings: Findings) -> dict[str, Any]:
    """Return the JSON form: model, prompt and settings, and every analysis with its verdict."""
    target, how = findings.target, findings.target.settings
    model = target.model
    skipped = [
        {"name": one.name, "verdict": "inconclusive", "why": one.why, "fix": one.fix}
        for one in findings.skipped
    ]
    return {
        "format": FORMAT,
        "made": provenance(),
        "seconds": round(findings.seconds, 1),
        "quick": findings.quick,
        "model": target.name,
        "model_fingerprint": None if model is None else model.fingerprint,
        "prompt": target.prompt,
        "asked_for": target.asked_name,
        "classes": list(target.classes),
        "seeds": list(target.seeds),
        "guidance": target.guidance,
        "steps": how.steps,
        "sampler": how.sampler,
        "about": dict(target.about),
        "analyses": [*(one.as_dict() for one in findings.found), *skipped],
    }


def write_report(findings: Findings, out: Path) -> list[Path]:
    """Write all files and return their paths; the JSON is last, so if it exists, the others do.

    Raises:
        CannotCreate: nothing can be written there.
    """
    drawn = {one.name: pictures_of(one) for one in findings.found}
    gif = encoded_gif(frames(findings.target, findings.recording), interval=250)
    files: dict[str, str | bytes | None] = {
        f"{name}-{number}.png": picture
        for name, pictures in drawn.items()
        for number, picture in enumerate(pictures, 1)
    }
    files |= {GIF: gif, HTML: as_html(findings, drawn, gif), JSON: json_text(as_json(findings))}
    return write_files(out, files)
