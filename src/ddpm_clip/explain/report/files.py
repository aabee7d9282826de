"""Findings as files in one folder.

    NAME-1.png ...              a picture a panel; tables are in the page and in the JSON
    analysis_generation.gif     one picture being denoised
    report.html                 everything on one page that needs nothing else
    report.json                 every verdict and figure

Knows nothing of how anything was found out.
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
    """The JSON form: who was asked what, and every analysis with its verdict and figures."""
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
    """Write all files, the JSON last, so that where it is the others are; returns their paths.

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
