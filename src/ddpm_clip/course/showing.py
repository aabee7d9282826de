"""Pictures and tables below the cell of a notebook; where there is none, a lesson prints."""

import sys
from collections.abc import Sequence
from pathlib import Path


def in_notebook() -> bool:
    """Whether this runs in a notebook; IPython is not imported to find out."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return get_ipython() is not None


def show_picture(path: Path) -> None:
    """Show a PNG or GIF; its name is the text for those who cannot see it."""
    from IPython.display import Image, display

    display(Image(filename=str(path), alt=path.stem))


def show_markdown_table(cells: Sequence[Sequence[str]]) -> None:
    """Show a table whose first row holds the names of the columns."""
    from IPython.display import Markdown, display

    head, *rows = ["| " + " | ".join(line) + " |" for line in cells]
    display(Markdown("\n".join([head, "|---" * len(cells[0]) + "|", *rows])))
