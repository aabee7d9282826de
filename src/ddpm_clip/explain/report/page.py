"""Findings as one HTML page that needs nothing else: pictures inside, no request anywhere.

Light or dark as the reader's system is, readable on a phone; drawings of lines turn with it.
Knows nothing of files.
"""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from ddpm_clip.evaluation.report.formats.html import page, png_url
from ddpm_clip.explain.panels.drawing import cell, plotted, strip_picture
from ddpm_clip.explain.panels.kinds import Heatmap, Panel, Strip, Table
from ddpm_clip.explain.report.run_all import Findings, Skipped
from ddpm_clip.explain.verdict.result import SIGNS, Explanation
from ddpm_clip.utils.visualization import encoded_png

STYLE = "report.css"

READ = (
    "Every analysis below states the test that it had to stand, and how it came out. Failed means "
    "that the panels do not show what the title promises; inconclusive, that too little could be "
    "measured, most often because the pictures do not follow the prompt."
)
MOVING = (
    "One picture on its way: what the network sees, the picture that it foresees, what it takes "
    "for noise (grey is none), and what the words add to the foreseen picture (red brighter, blue "
    "darker). Below, the curves grow with the walk."
)


def as_html(findings: Findings, drawn: Mapping[str, Sequence[bytes | None]], gif: bytes) -> str:
    """The whole page.

    Args:
        findings: all analyses.
        drawn: of each, a PNG a panel, None for tables; from `pictures_of`.
        gif: the animation.
    """
    target = findings.target
    title = f"“{target.prompt}” by {target.name}, explained"
    body = [
        f"<h1>{escape(title)}</h1>",
        _facts(findings),
        f"<p>{escape(READ)}</p>",
        _summary(findings),
        _moving(gif),
    ]
    body += [_section(one, drawn[one.name]) for one in findings.found]
    body += [_skipped(findings.skipped)] if findings.skipped else []
    style = files(__package__).joinpath(STYLE).read_text(encoding="utf-8")
    return page(title, body, style)


def pictures_of(explanation: Explanation) -> list[bytes | None]:
    """A PNG a panel; a table is written, not drawn."""
    return [_picture(panel) for panel in explanation.panels]


def _picture(panel: Panel) -> bytes | None:
    if isinstance(panel, Table):
        return None
    return encoded_png(strip_picture(panel)) if isinstance(panel, Strip) else plotted(panel)


def _moving(gif: bytes) -> str:
    inside = base64.b64encode(gif).decode("ascii")
    return (
        f'<figure class="panel"><img src="data:image/gif;base64,{inside}" alt="the walk">'
        f"<figcaption>{escape(MOVING)}</figcaption></figure>"
    )


def _facts(findings: Findings) -> str:
    target, how = findings.target, findings.target.settings
    rows = {
        "asked for": target.asked_name or "no class that a judge knows",
        "seeds": _span(target.seeds),
        "guidance": f"{target.guidance:g}",
        "steps": f"{how.steps} of {how.sampler}",
        "judged by": target.about.get("judged_by") or "nobody",
        "embedded by": target.about.get("embedded_by") or "nobody",
        "sizes": "quick" if findings.quick else "full",
        "took": f"{findings.seconds:.0f} s",
    }
    told = "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in rows.items())
    return f"<dl>{told}</dl>"


def _span(seeds: Sequence[int]) -> str:
    first, last = seeds[0], seeds[-1]
    whole = list(seeds) == list(range(first, last + 1)) and len(seeds) > 1
    return f"{first} to {last}" if whole else ", ".join(map(str, seeds))


def _summary(findings: Findings) -> str:
    rows = "".join(
        f'<tr><th scope="row"><a href="#{one.name}">{escape(one.title)}</a></th>'
        f"<td>{_mark(one.verdict)}</td></tr>"
        for one in findings.found
    )
    head = '<tr><th scope="col">analysis</th><th scope="col">verdict</th></tr>'
    return f'<table class="summary"><thead>{head}</thead><tbody>{rows}</tbody></table>'


def _section(explanation: Explanation, pictures: Sequence[bytes | None]) -> str:
    shown = "".join(
        _panel(panel, picture) for panel, picture in zip(explanation.panels, pictures, strict=True)
    )
    return (
        f'<section id="{explanation.name}"><h2>{escape(explanation.title)} '
        f"{_mark(explanation.verdict)}</h2><p>{escape(explanation.caption)}</p>{shown}"
        f'<p class="test"><b>Test {SIGNS[explanation.verdict]}.</b> {escape(explanation.test)}</p>'
        f"{_numbers(explanation.as_dict())}</section>"
    )


def _mark(verdict: str) -> str:
    return f'<span class="mark {verdict}">{escape(verdict)}</span>'


def _panel(panel: Panel, picture: bytes | None) -> str:
    note = escape(panel.note)
    if isinstance(panel, Table) or picture is None:
        assert isinstance(panel, Table)
        return (
            f'<figure class="panel"><figcaption><b>{escape(panel.title)}</b></figcaption>'
            f"{_table(panel)}<figcaption>{note}</figcaption></figure>"
        )
    strip = isinstance(panel, Strip)
    # colours of a map mean something, so they do not turn with the page
    kind = "strip" if strip else "panel" if isinstance(panel, Heatmap) else "panel plot"
    head = f"<figcaption><b>{escape(panel.title)}</b></figcaption>" if strip else ""
    image = f'<img src="{png_url(picture)}" alt="{escape(panel.title)}">'
    return f'<figure class="{kind}">{head}{image}<figcaption>{note}</figcaption></figure>'


def _table(panel: Table) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in panel.columns)
    rows = "".join(
        "<tr>"
        + f'<th scope="row">{escape(cell(row[0]))}</th>'
        + "".join(f"<td>{escape(cell(one))}</td>" for one in row[1:])
        + "</tr>"
        for row in panel.rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>'
        "</table></div>"
    )


def _numbers(told: Mapping[str, Any]) -> str:
    """The short figures of the JSON; what is a long list stays there."""
    words = ("name", "title", "verdict", "test", "caption")
    rows = [(k, v) for k, v in _flat(told) if k.split(".")[0] not in words]
    body = "".join(
        f'<tr><th scope="row">{escape(k.replace("_", " ").replace(".", ": "))}</th>'
        f"<td>{escape(cell(v))}</td></tr>"
        for k, v in rows
    )
    table = f'<div class="scroll"><table><tbody>{body}</tbody></table></div>'
    return f"<details><summary>{len(rows)} figures</summary>{table}</details>"


def _flat(value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, one in value.items():
        if isinstance(one, Mapping):
            rows += _flat(one, f"{before}{name}.")
        elif isinstance(one, list) and len(one) == 2 and all(isinstance(x, float) for x in one):
            rows.append((f"{before}{name}", " to ".join(cell(x) for x in one)))
        elif not isinstance(one, list) and one is not None:
            rows.append((f"{before}{name}", one))
    return rows


def _skipped(skipped: Sequence[Skipped]) -> str:
    rows = "".join(
        f"<li><b>{escape(one.name)}</b>: {escape(one.why)} <i>{escape(one.fix)}</i></li>"
        for one in skipped
    )
    return f'<section id="not-made"><h2>Not made</h2><ul>{rows}</ul></section>'
