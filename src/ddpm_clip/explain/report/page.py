"""The results of all analyses as one HTML page, with all panels and the animation."""

from collections.abc import Mapping, Sequence
from typing import Any

from ddpm_clip.explain.panels.drawing import cell, plotted, strip_picture
from ddpm_clip.explain.panels.kinds import Heatmap, Panel, Strip, Table
from ddpm_clip.explain.report.run_all import Findings
from ddpm_clip.explain.verdict.result import SIGNS, Explanation
from ddpm_clip.reports.page import render
from ddpm_clip.utils.visualization import encoded_png

READ = (
    "Every analysis below states a test that it could have failed, and the result. “Fail” means "
    "that the panels do not show what the title says; “inconclusive” means that too little could "
    "be measured, most often because the pictures do not follow the prompt."
)
MOVING = (
    "One picture being denoised: the noisy picture that the network sees, the picture that it "
    "predicts, the noise that it predicts (grey is none), and what the words add to the predicted "
    "picture (red is brighter, blue is darker). The curves below grow step by step."
)
WORDS = ("name", "title", "verdict", "test", "caption")
"""Keys of an explanation's JSON that are not figures."""


def as_html(findings: Findings, drawn: Mapping[str, Sequence[bytes | None]], gif: bytes) -> str:
    """Return the whole page.

    Args:
        findings: all analyses.
        drawn: for each analysis, a PNG per panel, None for tables; from `pictures_of`.
        gif: the animation.
    """
    target = findings.target
    return render(
        __package__,
        "page.html",
        title=f"“{target.prompt}” by {target.name}, explained",
        facts=_facts(findings),
        intro=READ,
        moving=MOVING,
        gif=gif,
        found=[_shown(one, drawn[one.name]) for one in findings.found],
        skipped=findings.skipped,
    )


def pictures_of(explanation: Explanation) -> list[bytes | None]:
    """Return a PNG per panel; None for a table, which is written as HTML."""
    return [_picture(panel) for panel in explanation.panels]


def _picture(panel: Panel) -> bytes | None:
    if isinstance(panel, Table):
        return None
    return encoded_png(strip_picture(panel)) if isinstance(panel, Strip) else plotted(panel)


def _facts(findings: Findings) -> list[tuple[str, str]]:
    target, how = findings.target, findings.target.settings
    return [
        ("requested", target.asked_name or "no class that the judge knows"),
        ("seeds", _span(target.seeds)),
        ("guidance", f"{target.guidance:g}"),
        ("steps", f"{how.steps} of {how.sampler}"),
        ("judged by", target.about.get("judged_by") or "no judge"),
        ("embedded by", target.about.get("embedded_by") or "no embedder"),
        ("sizes", "quick" if findings.quick else "full"),
        ("took", f"{findings.seconds:.0f} s"),
    ]


def _span(seeds: Sequence[int]) -> str:
    first, last = seeds[0], seeds[-1]
    whole = list(seeds) == list(range(first, last + 1)) and len(seeds) > 1
    return f"{first} to {last}" if whole else ", ".join(map(str, seeds))


def _shown(explanation: Explanation, pictures: Sequence[bytes | None]) -> dict[str, Any]:
    """Return an analysis for the template; figures that are long lists are only in the JSON."""
    figures = explanation.as_dict()
    return {word: figures.pop(word) for word in WORDS} | {
        "sign": SIGNS[explanation.verdict],
        "panels": [_panel(*pair) for pair in zip(explanation.panels, pictures, strict=True)],
        "figures": [(name.replace("_", " "), cell(value)) for name, value in _flat(figures)],
    }


def _panel(panel: Panel, picture: bytes | None) -> dict[str, Any]:
    shown = {"title": panel.title, "note": panel.note}
    if isinstance(panel, Table):
        rows = [[cell(one) for one in row] for row in panel.rows]
        return shown | {"kind": "table", "columns": panel.columns, "rows": rows}
    # the colours of a map have a meaning, so dark mode does not invert them
    kind = "strip" if isinstance(panel, Strip) else "map" if isinstance(panel, Heatmap) else "plot"
    return shown | {"kind": kind, "picture": picture}


def _flat(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, one in figures.items():
        name = f"{before}{key}"
        if isinstance(one, Mapping):
            rows += _flat(one, f"{name}: ")
        elif isinstance(one, list) and len(one) == 2 and all(isinstance(x, float) for x in one):
            rows.append((name, " to ".join(cell(x) for x in one)))
        elif not isinstance(one, list) and one is not None:
            rows.append((name, one))
    return rows
