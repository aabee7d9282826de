"""Show the sentences of older results in today's wording (`recorded_wording.yaml`)."""

import re
from pathlib import Path

import yaml

WORDING: dict[str, str] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
"""Pattern of a whole recorded sentence -> the sentence as it is worded today."""


def as_worded_now(sentence: str) -> str:
    """Return a recorded sentence in today's wording; one that is not listed stays as it is.

    >>> as_worded_now("5,000 rows open within 2 s"), as_worded_now("cold start: --help")
    ('time to open a cache of 5,000 rows', 'cold start: --help')
    """
    for recorded, today in WORDING.items():
        if found := re.fullmatch(recorded, sentence):
            return found.expand(today)
    return sentence
