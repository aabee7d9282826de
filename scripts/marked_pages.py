"""Replace the text between two marks of a page, for pages that scripts write in part."""

import sys
from collections.abc import Callable
from pathlib import Path


def fill(page: Path, name: str, body: Callable[[], str]) -> int:
    """Fill a page, or with `--check` only compare it.

    Returns:
        The exit code: 1 if `--check` finds the page out of date.
    """
    text = page.read_text(encoding="utf-8")
    wanted = filled(text, name, body())
    if "--check" in sys.argv[1:]:
        return int(wanted != text)
    page.write_text(wanted, encoding="utf-8")
    return 0


def filled(text: str, name: str, inner: str) -> str:
    """Return the page with `inner` between `<!-- name: begin -->` and `<!-- name: end -->`.

    Raises:
        ValueError: the page does not contain both marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the page has no {begin} … {end}")
    return f"{before}{begin}\n{inner}\n{end}{after}"
