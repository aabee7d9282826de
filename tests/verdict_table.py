"""The table of valid values in docs/errors.md: what is tried on every way in."""

import json
import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
SECTION = re.search(r"^## Valid values$(.+?)^## ", PAGE.read_text("utf-8"), re.M | re.S)[1]
WARNED = {"accepted with a warning", "reduced with a warning"}
VERDICTS = {"refused", "accepted", "random"} | WARNED


def lines():
    """(setting, its values as they are written, verdict) of every line."""
    for line in SECTION.splitlines():
        if line.startswith("| ") and not line.startswith("| setting |"):
            asked, values, verdict = (cell.strip() for cell in line.strip("|").split(" | "))
            yield asked, re.findall("`([^`]+)`", values), verdict


TABLE = list(lines())
CASES = [(asked, one, verdict) for asked, values, verdict in TABLE for one in values]


def read(written):
    """A value of the table."""
    times = re.fullmatch(r'(".*") \S (\d+)', written)
    return json.loads(times[1]) * int(times[2]) if times else json.loads(written)
