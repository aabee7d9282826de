"""Figures within a sentence: what stands between `<!--=name-->` and `<!--/=-->` is written here."""

import re
from collections.abc import Mapping

FIGURE = re.compile(r"<!--=([\w.-]+)-->(.*?)<!--/=-->", re.DOTALL)


def with_figures(text: str, values: Mapping[str, str]) -> str:
    """Return a page with every figure that it names.

    >>> with_figures("It takes <!--=time-->?<!--/=--> steps.", {"time": "3"})
    'It takes <!--=time-->3<!--/=--> steps.'

    Raises:
        ValueError: the page names a figure that there is not, or leaves one out.
    """
    named = {match[1] for match in FIGURE.finditer(text)}
    if named != values.keys():
        wrong = ", ".join(sorted(named ^ values.keys()))
        raise ValueError(f"figures named on the page or measured, and not both: {wrong}")
    return FIGURE.sub(lambda match: f"<!--={match[1]}-->{values[match[1]]}<!--/=-->", text)
