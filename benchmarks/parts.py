"""A measurement in parts, each saved to the JSON as soon as it is finished and repeated on its own.

Parts are kept together only if they come from the same weights, judge and settings; parts from
other ones are discarded, with a message.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reporting import provenance, write_results

Facts = dict[str, Any]
ABOUT = ("date", "commit", "uncommitted_changes", "cpu", "threads", "dtype")


class Parts:
    """The parts of one JSON file.

    Args:
        path: path of the file; its parts are kept if their `common` facts are the same.
        common: facts shared by all parts: model, settings and judge.
        names: names of the parts, in the order of the file.
        claims: computes the claims from the finished parts.
        more: computes further facts from the finished parts.
    """

    def __init__(
        self,
        path: Path,
        common: Mapping[str, Any],
        names: Sequence[str],
        claims: Callable[[Mapping[str, Any]], list[Facts]],
        more: Callable[[Mapping[str, Any]], Facts] = lambda found: {},
    ):
        self.path, self.common, self.names = path, _plain(common), tuple(names)
        self.claims, self.more = claims, more
        there = _read(path)
        changed = [key for key, one in self.common.items() if there.get(key) != one]
        if there and changed:
            print(f"measuring again, because {', '.join(changed)} changed: {path.name}")
            there = {}
        self.found: Facts = {name: there[name] for name in names if name in there}
        before = there.get("made", {}).get("uncommitted_changes", False)
        self.made: Facts = {  # parts of older results do not say it of themselves
            name: {"uncommitted_changes": before} | about
            for name, about in there.get("parts", {}).items()
            if name in self.found
        }

    def has(self, name: str, **asked: Any) -> bool:
        """Whether a part is finished, with exactly these settings."""
        return name in self.found and self.made.get(name, {}).get("asked") == _plain(asked)

    def measure(self, name: str, work: Callable[[], Facts], **asked: Any) -> None:
        """Do the work of a part, and write the file."""
        began = time.perf_counter()
        self.found[name] = _plain(work())
        made = provenance()
        about = {key: made[key] for key in ABOUT}
        seconds = round(time.perf_counter() - began, 1)
        self.made[name] = about | {"seconds": seconds, "asked": _plain(asked)}
        self.write()

    def write(self) -> list[Facts]:
        """Write all finished parts, and return the claims."""
        kept = self.claims(self.found)
        ordered = {name: self.found[name] for name in self.names if name in self.found}
        absent = [name for name in self.names if name not in self.found]
        write_results(
            self.path,
            {
                "claims": kept,
                **self.common,
                "parts": self.made,
                "not_measured": absent,
                **self.more(self.found),
                **ordered,
            },
        )
        return kept


def _read(path: Path) -> Facts:
    if not path.is_file():
        return {}
    facts: Facts = json.loads(path.read_text(encoding="utf-8"))
    return facts


def _plain(facts: Mapping[str, Any]) -> Facts:
    """The facts as JSON reads them back: tuples become lists, keys become strings."""
    plain: Facts = json.loads(json.dumps(facts, ensure_ascii=False))
    return plain
