"""Fill the figures of docs/server.md and docs/studio.md from the results in benchmarks/results/.

    python scripts/fill_studio.py [--check]

With `--check` nothing is written, and the exit code is 1 if a page is out of date.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from fill_reliability import NOTHING, RESULTS, ROOT, program_table
from marked_pages import fill
from page_tables import read_results, table

SERVER, STUDIO = ROOT / "docs" / "server.md", ROOT / "docs" / "studio.md"
MARK = "measured"


def server(folder: Path = RESULTS) -> str:
    """What the soaks of the server found, and pictures a second by number of clients."""
    found = read_results(folder, ["server", "server_memory"])
    if not found:
        return NOTHING
    parts = [program_table(name, facts) for name, facts in found.items()]
    facts = found.get("server", {"parts": {}})
    speed = facts["parts"].get("speed")
    if speed:
        rows = [[name, f"{one:.1f}"] for name, one in speed["pictures_a_second"].items()]
        head = [f"clients of `{facts['model']}`, 20 steps", "pictures a second"]
        parts.append(table(head, rows, "lr"))
    return "\n\n".join(parts)


def studio(folder: Path = RESULTS) -> str:
    """What a browser found, and how soon things follow."""
    facts = read_results(folder, ["studio_browser"]).get("studio_browser")
    if facts is None:
        return NOTHING
    rows = [row for story in facts["stories"].values() for row in _figures(story)]
    head = ["measured in the browser", "median", "95 %", "n"]
    return "\n\n".join([program_table("studio_browser", facts), table(head, rows, "lrrr")])


def _figures(story: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, one in story.items():
        said = name.replace("_", " ")
        if isinstance(one, dict) and "median" in one:
            yield [said, f"{one['median']:g}", f"{one['p95']:g}", str(one["n"])]
        elif isinstance(one, float) and name != "seconds":
            yield [said, f"{one:g}", "", "1"]


def main() -> int:
    """Fill the pages, or check them."""
    return max(fill(SERVER, MARK, server), fill(STUDIO, MARK, studio))


if __name__ == "__main__":
    sys.exit(main())
