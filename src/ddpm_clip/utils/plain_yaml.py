"""Parses YAML as plain data within size limits: no tags, no bombs, and one class of error.

An alias repeats the value of its anchor, so ten lines can expand to a billion entries. So the
entries are counted before they are built.
"""

from collections.abc import Iterator
from typing import Any

import yaml

MAX_TEXT = 2**18
"""Most characters of a text; our longest config has 4,000."""

MAX_DEPTH = 32
MAX_NODES = 20_000
"""Most keys, values and lists, with aliases expanded."""

LONGEST_NUMBER = 100
"""Most characters of an integer; 2**64 has twenty."""


class _Loader(yaml.SafeLoader):
    """The safe loader, without integers that are too large to print."""


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > LONGEST_NUMBER:  # base 60 is slow, and `0xfff…` has no other limit
        raise ValueError(f"a number has {len(node.value):,} digits")
    return int(loader.construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def parse_yaml(text: str) -> Any:
    """Parse a text with the safe loader, if the result is small and plain.

    Raises:
        ValueError: The text is not YAML, or too large, too deep or too repetitive.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"it has {len(text):,} characters, more than {MAX_TEXT:,}")
    try:
        _measure(yaml.parse(text, Loader=_Loader))
        return _Loader(text).get_single_data()
    except (
        yaml.YAMLError,
        RecursionError,
        OverflowError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:  # the loader raises many exceptions
        raise ValueError(" ".join(str(error).split()) or "it is nested too deeply") from error


def _measure(events: Iterator[Any]) -> None:
    """Count the nodes of a text, each alias as large as its anchor.

    Raises:
        ValueError: There are too many nodes or levels.
    """
    anchors: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchor of each open collection, nodes before it
    total = 0
    for event in events:
        match event:
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    raise ValueError(f"alias *{event.anchor} is undefined or contains itself")
                total += anchors[event.anchor]
            case yaml.ScalarEvent():
                total += 1
                anchors[event.anchor] = 1
            case yaml.CollectionStartEvent():
                anchors.pop(event.anchor, 0)
                open_.append((event.anchor, total))
                total += 1
            case yaml.CollectionEndEvent():
                anchor, before = open_.pop()
                anchors[anchor] = total - before
        _check(total, len(open_))


def _check(nodes: int, depth: int) -> None:
    if nodes > MAX_NODES:
        raise ValueError(f"it expands to more than {MAX_NODES:,} entries")
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
