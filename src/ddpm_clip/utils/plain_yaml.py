"""YAML as plain data of bounded size: no tags, no bombs, and one class of error.

An alias repeats what its anchor stands for, so that ten lines can mean a billion entries; what a
text would become is counted before it is built. Leaf: imports nothing of ours.
"""

from collections.abc import Iterator
from typing import Any

import yaml

MAX_TEXT = 2**18
"""Characters; the longest config of ours has 4,000."""

MAX_DEPTH = 32
MAX_NODES = 20_000
"""Keys, values and lists, aliases written out."""

LONGEST_NUMBER = 100
"""Characters of a whole number; 2**64 has twenty."""


class _Loader(yaml.SafeLoader):
    """The safe loader, without numbers of a size that nothing can print."""


def _whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > LONGEST_NUMBER:  # sixties take long, and `0xfff…` has no other limit
        raise ValueError(f"a number has {len(node.value):,} digits")
    return int(loader.construct_yaml_int(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)


def parse_yaml(text: str) -> Any:
    """What the safe loader makes of a text, if that is small and plain.

    Raises:
        ValueError: it is no YAML, or too large, too deep or too repetitive.
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
    ) as error:  # its loader fails in many classes
        raise ValueError(" ".join(str(error).split()) or "it is nested too deeply") from error


def _measure(events: Iterator[Any]) -> None:
    """Count the nodes that a text stands for, each alias as large as its anchor.

    Raises:
        ValueError: too many, or too deep.
    """
    anchors: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchor of each list or mapping, nodes before it
    total = 0
    for event in events:
        match event:
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    raise ValueError(f"*{event.anchor} stands inside itself or for nothing")
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
        raise ValueError(f"it stands for more than {MAX_NODES:,} entries")
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
