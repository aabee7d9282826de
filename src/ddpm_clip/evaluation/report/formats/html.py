"""An evaluation as one HTML page that needs nothing else: pictures inside, no request anywhere.

Light or dark as the reader's system is, readable on a phone. Knows nothing of files.
"""

import base64
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import groupby

from PIL import Image

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.sentences import (
    INTERVALS,
    READ_REAL,
    UNCURATED,
    facts_of_report,
)
from ddpm_clip.evaluation.report.sections.figures import Figure, Section, Skipped
from ddpm_clip.evaluation.report.shown import FAILURE, REJECTED, SUCCESS, UNJUDGED, ShownPicture
from ddpm_clip.utils.visualization import encoded_png

STYLE = "report.css"
MARKS = {SUCCESS: "", UNJUDGED: "", FAILURE: "✗", REJECTED: "?"}
COLUMNS = ("figure", "value", "95 % interval", "real", "best", "n")

SIDE = 40
"""Pixels to which small pictures are about enlarged, by a whole number."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What the page may load, said to the browser: nothing but what is inside it."""


def as_html(evaluation: Evaluation) -> str:
    """The whole page."""
    title = f"Evaluation of {evaluation.model['name']}"
    body = [f"<h1>{escape(title)}</h1>", _facts(evaluation)]
    body += [f"<p>{escape(READ_REAL)} {escape(INTERVALS)}</p>"]
    body += [_sheet(evaluation.shown)]
    for section in evaluation.sections:
        body.append(_section(section))
        if section.name == "copies" and evaluation.nearest is not None:
            body.append(
                _picture(
                    evaluation.nearest,
                    "The painted pictures nearest to a training picture, above their neighbours",
                    "wide",
                )
            )
    body += [_skipped(evaluation.skipped)] if evaluation.skipped else []
    return page(title, body)


def page(title: str, body: Sequence[str], style: str = "") -> str:
    """A page that needs nothing else, in the dress of every report.

    Args:
        title: of the window.
        body: HTML, what comes from outside escaped.
        style: CSS beside that of all reports.
    """
    css = files(__package__).joinpath(STYLE).read_text(encoding="utf-8") + style
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{css}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _facts(evaluation: Evaluation) -> str:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in facts_of_report(evaluation)
    )
    return f"<dl>{rows}</dl>"


def _sheet(shown: Sequence[ShownPicture]) -> str:
    """A row a prompt, its first seeds beside each other."""
    rows = []
    for prompt, group in groupby(shown, key=lambda one: one.prompt):
        pictures = "".join(_shown(one) for one in group)
        rows.append(
            f"<figure><figcaption>{escape(prompt)}</figcaption>"
            f'<div class="row">{pictures}</div></figure>'
        )
    return (
        f"<section><h2>Pictures</h2><p>{escape(UNCURATED)}</p>"
        f'<div class="sheet">{"".join(rows)}</div></section>'
    )


def _shown(one: ShownPicture) -> str:
    said = {
        SUCCESS: "read as asked",
        REJECTED: f"rejected; nearest: {one.read}",
        FAILURE: f"read as {one.read}",
        UNJUDGED: "not judged",
    }[one.verdict]
    told = escape(f"seed {one.seed}: {said}", quote=True)
    mark, width = MARKS[one.verdict], one.image.width * max(1, round(SIDE / one.image.width))
    sign = f"<b>{mark}</b>" if mark else ""
    image = f'<img src="{data_url(one.image)}" width="{width}" alt="{told}">'
    return f'<span class="{one.verdict}" title="{told}">{image}{sign}</span>'


def _section(section: Section) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in section.notes)
    notes = f'<ul class="notes">{notes}</ul>' if notes else ""
    more = ""
    if section.more:
        more = (
            f"<details><summary>{len(section.more)} more figures</summary>"
            f"{_table(section.more)}</details>"
        )
    head = f"<h2>{escape(section.title)}</h2><p>{escape(section.reads)}</p>"
    return f'<section id="{section.name}">{head}{_table(section.figures)}{notes}{more}</section>'


def _table(figures: Sequence[Figure]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in COLUMNS)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>'
        f"{''.join(_row(one) for one in figures)}</tbody></table></div>"
    )


def _row(one: Figure) -> str:
    cells = (one.spoken(), one.spoken_interval(), one.spoken_real(), one.better, str(one.n))
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(one.name)}</th>{rest}</tr>'


def _skipped(skipped: Sequence[Skipped]) -> str:
    rows = "".join(
        f"<li><b>{escape(one.title)}</b>: {escape(one.why)}"
        + (f" <i>{escape(one.fix)}</i>" if one.fix else "")
        + "</li>"
        for one in skipped
    )
    return f'<section id="not-measured"><h2>Not measured</h2><ul>{rows}</ul></section>'


def _picture(image: Image.Image, caption: str, kind: str) -> str:
    return (
        f'<figure class="{kind}"><img src="{data_url(image)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def data_url(image: Image.Image) -> str:
    """A picture as the text of a PNG that a page carries inside."""
    return png_url(encoded_png(image))


def png_url(png: bytes) -> str:
    """The bytes of a PNG as a text that a page carries inside."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
