"""An evaluation as Markdown: tables that can be pasted into a README or an issue."""

from collections.abc import Sequence

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.sentences import INTERVALS, READ_REAL, facts_of_report
from ddpm_clip.reports.figures import COLUMNS, Figure, Section, Skipped

HEAD = f"| {' | '.join(COLUMNS)} |\n|---|--:|---|--:|---|--:|"
ESCAPED = str.maketrans({"\\": r"\\", "|": r"\|", "[": r"\[", "<": "&lt;", "\n": " ", "`": "'"})


def as_markdown(evaluation: Evaluation) -> str:
    """Return the whole report, without pictures."""
    facts = [f"- **{name}**: {_cell(value)}" for name, value in facts_of_report(evaluation)]
    sections = [_section(section) for section in evaluation.sections]
    sections += [_skipped(evaluation.skipped)] if evaluation.skipped else []
    title = f"# Evaluation of {_cell(str(evaluation.model['name']))}"
    return "\n\n".join([title, "\n".join(facts), f"{READ_REAL} {INTERVALS}", *sections]) + "\n"


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a Markdown table, one row each."""
    return "\n".join([HEAD, *(_row(figure) for figure in figures)])


def _row(figure: Figure) -> str:
    return "| " + " | ".join(_cell(cell) for cell in figure.cells) + " |"


def _section(section: Section) -> str:
    notes = "\n".join(f"- {_cell(note)}" for note in section.notes)
    head = f"## {_cell(section.title)}"
    return "\n\n".join(filter(None, [head, _cell(section.reads), table(section.figures), notes]))


def _skipped(skipped: Sequence[Skipped]) -> str:
    lines = [f"- **{_cell(one.title)}**: {_cell(one.reason())}" for one in skipped]
    return "\n".join(["## Not measured\n", *lines])


def _cell(text: str) -> str:
    """Escape text, so that it cannot end a cell or line, or begin a tag, link or picture."""
    return text.translate(ESCAPED)
