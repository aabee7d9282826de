"""An evaluation as Markdown: tables that can be pasted into a README or an issue.

Knows nothing of files or HTML.
"""

from collections.abc import Sequence

from ddpm_clip.evaluation.report.evaluate import Evaluation
from ddpm_clip.evaluation.report.formats.sentences import INTERVALS, READ_REAL, facts_of_report
from ddpm_clip.evaluation.report.sections.figures import Figure, Section, Skipped

HEAD = "| figure | value | 95 % interval | real | best | n |\n|---|--:|---|--:|---|--:|"


def as_markdown(evaluation: Evaluation) -> str:
    """The whole report but for its pictures."""
    facts = [f"- **{name}**: {_cell(value)}" for name, value in facts_of_report(evaluation)]
    sections = [_section(section) for section in evaluation.sections]
    sections += [_skipped(evaluation.skipped)] if evaluation.skipped else []
    title = f"# Evaluation of {_cell(str(evaluation.model['name']))}"
    return "\n\n".join([title, "\n".join(facts), f"{READ_REAL} {INTERVALS}", *sections]) + "\n"


def table(figures: Sequence[Figure]) -> str:
    """Figures as a Markdown table, a row each."""
    return "\n".join([HEAD, *(_row(figure) for figure in figures)])


def _row(one: Figure) -> str:
    cells = (one.name, one.spoken(), one.spoken_interval(), one.spoken_real(), one.better, one.n)
    return "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |"


def _section(section: Section) -> str:
    notes = "\n".join(f"- {_cell(note)}" for note in section.notes)
    return "\n\n".join(
        filter(None, [f"## {section.title}", section.reads, table(section.figures), notes])
    )


def _skipped(skipped: Sequence[Skipped]) -> str:
    lines = [
        f"- **{one.title}**: {_cell(one.why)}" + (f" ({_cell(one.fix)})" if one.fix else "")
        for one in skipped
    ]
    return "## Not measured\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    """Text that cannot end a cell, a line or begin a tag."""
    for sign, spelt in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("\n", " "), ("`", "'")):
        text = text.replace(sign, spelt)
    return text
