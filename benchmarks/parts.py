"""A measurement in parts, each kept in the JSON as soon as it is there and made again alone.

Parts may stand side by side only where the same weights, judge and settings made them; what is
there of others is dropped, which is said. Knows nothing of what is measured.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reporting import provenance, write_results

Facts = dict[str, Any]


class Parts:
    """The parts of one JSON file.

    Args:
        path: of the file; what it holds of the same `common` facts stays.
        common: what all parts share: who painted, how, and who judged.
        names: of the parts, in the order of the file.
        claims: what follows from the parts that are there.
        more: facts that follow from them likewise.
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
            print(f"measured anew, as {', '.join(changed)} changed: {path.name}")
            there = {}
        self.found: Facts = {name: there[name] for name in names if name in there}
        self.made: Facts = {k: v for k, v in there.get("parts", {}).items() if k in self.found}

    def has(self, name: str, **asked: Any) -> bool:
        """Whether a part is there, made with just these settings of its own."""
        return name in self.found and self.made.get(name, {}).get("asked") == _plain(asked)

    def measure(self, name: str, work: Callable[[], Facts], **asked: Any) -> None:
        """Do the work of a part and write the file."""
        began = time.perf_counter()
        self.found[name] = _plain(work())
        about = {key: provenance()[key] for key in ("date", "commit", "cpu", "threads", "dtype")}
        seconds = round(time.perf_counter() - began, 1)
        self.made[name] = about | {"seconds": seconds, "asked": _plain(asked)}
        self.write()

    def write(self) -> list[Facts]:
        """Write all that is there, and return the claims."""
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
    """As it will be read back: lists for tuples, strings for keys."""
    plain: Facts = json.loads(json.dumps(facts, ensure_ascii=False))
    return plain
