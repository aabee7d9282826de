"""Findings as files in one folder, each written whole or not at all.

    report.html                 everything on one page that needs nothing else
    report.json                 every verdict and figure
    NAME-1.png ...              a picture a panel; tables are in the page and in the JSON
    analysis_generation.gif     one picture on its way

Knows nothing of how anything was found out.
"""

import json
from pathlib import Path
from typing import Any

from ddpm_clip.errors import CannotCreate
from ddpm_clip.evaluation.report.provenance import provenance
from ddpm_clip.explain.report.animation import frames
from ddpm_clip.explain.report.page import as_html, pictures_of
from ddpm_clip.explain.report.run_all import Findings
from ddpm_clip.utils.storage import write_bytes, write_text
from ddpm_clip.utils.visualization import encoded_gif

HTML, JSON, GIF = "report.html", "report.json", "analysis_generation.gif"
FORMAT = 1


def check_folder(out: Path, overwrite: bool = False) -> None:
    """Make the folder, so that a slip is told before minutes of walking.

    Raises:
        CannotCreate: it cannot be made, or holds a report that may not be replaced.
    """
    if not overwrite and (out / JSON).exists():
        raise CannotCreate(
            f"{out} holds a report",
            f"{JSON} is there",
            "choose another --out, or --overwrite",
            param="out",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCreate(
            f"cannot create {out}", str(error), "choose another --out", param="out"
        ) from error


def as_json(findings: Findings) -> dict[str, Any]:
    """The JSON form: who was asked what, and every analysis with its verdict and figures."""
    target, how = findings.target, findings.target.settings
    model = target.model
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
        "analyses": [
            *(one.as_dict() for one in findings.found),
            *(one.as_dict() for one in findings.skipped),
        ],
    }


def write_report(findings: Findings, out: Path) -> list[Path]:
    """Write all files, the JSON last, so that where it is the others are; returns their paths.

    Raises:
        CannotCreate: nothing can be written there.
    """
    drawn = {one.name: pictures_of(one) for one in findings.found}
    gif = encoded_gif(frames(findings.target, findings.recording), interval=250)
    text = json.dumps(as_json(findings), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    written = []
    try:
        for name, pictures in drawn.items():
            for number, picture in enumerate(pictures, 1):
                if picture is not None:
                    written.append(out / f"{name}-{number}.png")
                    write_bytes(written[-1], picture)
        write_bytes(out / GIF, gif)
        write_text(out / HTML, as_html(findings, drawn, gif))
        write_text(out / JSON, text)
    except OSError as error:
        raise CannotCreate(
            f"cannot write into {out}", str(error), "choose another --out", param="out"
        ) from error
    return [*written, out / GIF, out / HTML, out / JSON]
