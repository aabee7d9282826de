"""Turns executed lessons into pages: a hook of MkDocs (`hooks` in mkdocs.yml).

For every notebook in `course/` there is a page `course/NN_name.md` with its pictures; answers are
below their exercises, collapsed. A lesson that has not been run in full has no page. The pages are
made while the site is built and are not kept, so they cannot differ from the notebooks.
"""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_worth import PICTURE, worth_page, worth_picture

from ddpm_clip.course.answers import source
from ddpm_clip.course.catalogue import LESSONS, LessonFile
from ddpm_clip.course.exercises import EXERCISES

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
COURSE = ROOT / "course"
RESULTS = "results.json"
SEEDS = "seeds.json"
SECTION = "Course"
"""The section of the navigation that the pages are added to."""

WORTH = "What each idea buys"
CHECK = re.compile(r'L\.check\("(?P<id>[\w.]+)"')
ENDINGS = {"image/png": "png", "image/gif": "gif"}


@dataclass(slots=True)
class Page:
    """One page of the site.

    Attributes:
        name: file name without an ending.
        title: in the navigation.
        text: Markdown.
        pictures: file name -> bytes, in the folder of the page's name.
    """

    name: str
    title: str
    text: str = ""
    pictures: dict[str, bytes] = field(default_factory=dict)


def lesson_page(lesson: LessonFile, notebook: dict[str, Any]) -> Page:
    """Return the page of an executed lesson."""
    page = Page(lesson.name, f"{lesson.id} {lesson.title}")
    page.text = "\n\n".join(_parts(page, notebook)) + "\n"
    return page


def _parts(page: Page, notebook: dict[str, Any]) -> Iterator[str]:
    for number, cell in enumerate(notebook["cells"]):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield text
        else:
            yield f"```python\n{text}\n```"
            for output in cell.get("outputs", ()):
                yield from _output(page, output)
            for found in CHECK.finditer(text):
                yield _answer(found["id"])
        if number == 0:
            yield _how_it_was_run(notebook["metadata"]["course"])


def _output(page: Page, output: dict[str, Any]) -> Iterator[str]:
    """Yield one output: a picture, a table or text."""
    data = output.get("data", {})
    for kind, ending in ENDINGS.items():
        if kind in data:
            named = output.get("metadata", {}).get(kind, {}).get("alt", "")
            name = f"{named or f'figure-{len(page.pictures) + 1}'}.{ending}"
            page.pictures[name] = base64.b64decode("".join(data[kind]))
            yield f"![{named or 'a figure'}: {page.title}]({page.name}/{name})"
            return
    if "text/markdown" in data:
        yield "".join(data["text/markdown"]).strip("\n")
        return
    text = "".join(output.get("text", data.get("text/plain", ""))).strip("\n")
    if text:
        yield f"```{{ .text .output }}\n{text}\n```"


def _answer(id: str) -> str:
    """Return hints, the reference answer and its explanation, collapsed."""
    asked = EXERCISES[id]
    hints = [f"{number}. {hint}" for number, hint in enumerate(asked.hints, start=1)]
    answer = ["```python", *source(id).rstrip().splitlines(), "```"]
    return "\n\n".join(
        (
            _collapsed(f"Hints for {id}", hints),
            _collapsed(f"An answer to {id}", [*answer, "", asked.explanation]),
        )
    )


def _collapsed(title: str, lines: list[str]) -> str:
    body = [f"    {line}".rstrip() for line in lines]
    return "\n".join([f'??? note "{title}"', "", *body])


def _how_it_was_run(facts: dict[str, Any]) -> str:
    return (
        f"*Run in full on {facts['date']} in {facts['seconds']} s, {facts['cpu_seconds']} s of CPU "
        f"time ({facts['machine']}), at commit `{facts['commit']}`. "
        "`ddpm-clip course start` writes this lesson as a notebook and as a script.*"
    )


def pages(course: Path = COURSE) -> list[Page]:
    """Return the pages of all lessons that have been run in full, and of what they measured."""
    found = []
    for lesson in LESSONS.values():
        path = course / f"{lesson.name}.ipynb"
        if path.is_file():
            notebook = json.loads(path.read_text(encoding="utf-8"))
            if not notebook["metadata"]["course"]["smoke"]:
                found.append(lesson_page(lesson, notebook))
    if found:
        results = json.loads((course / RESULTS).read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            picture = worth_picture(results, Path(folder) / PICTURE)
            drawn = {PICTURE: picture.read_bytes()} if picture else {}
        name = "what_each_idea_buys"
        path = course / SEEDS
        seeds = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        text = worth_page(results, f"{name}/{PICTURE}" if drawn else "", seeds)
        found.append(Page(name, WORTH, text, drawn))
    return found


MADE: list[Page] = []
"""The pages of this build."""


def on_config(config: "MkDocsConfig") -> "MkDocsConfig":
    """Add the pages to the navigation."""
    MADE[:] = pages()
    section = next(part[SECTION] for part in config.nav or [] if SECTION in part)
    known = {path for entry in section for path in entry.values()}
    entries = [{page.title: f"course/{page.name}.md"} for page in MADE]
    section[1:1] = [entry for entry in entries if not known & set(entry.values())]
    return config


def on_files(files: "Files", *, config: "MkDocsConfig") -> "Files":
    """Add the pages and their pictures to the site."""
    from mkdocs.structure.files import File

    for page in MADE:
        files.append(File.generated(config, f"course/{page.name}.md", content=page.text))
        for name, data in page.pictures.items():
            place = f"course/{page.name}/{name}"
            files.append(File.generated(config, place, content=data))
    return files
