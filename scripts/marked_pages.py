"""Pages of which a part is written by a script: what stands between two marks is replaced.

Knows nothing of what is written there.
"""


def filled(text: str, name: str, inner: str) -> str:
    """A page with `inner` between `<!-- name: begin -->` and `<!-- name: end -->`.

    Raises:
        ValueError: the marks are not there.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the page has no {begin} … {end}")
    return f"{before}{begin}\n{inner}\n{end}{after}"
