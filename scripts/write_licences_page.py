"""Write docs/licences.md from what is installed: `python scripts/write_licences_page.py [--check]`.

With `--check` nothing is written, and the exit code is 1 where the page has fallen behind. Names,
versions and licences are what each package says of itself.
"""

import re
import sys
from importlib.metadata import Distribution
from pathlib import Path

from installed import OURS, Need, direct_names, needs, pins
from packaging.utils import canonicalize_name
from page_tables import table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "licences.md"
HEAD = """# Licences

Written by `scripts/write_licences_page.py` from the metadata of what is installed; do not edit.

ddpm_clip is under the MIT licence; of the models that ship with it `MODEL_CARDS.md` speaks. It ships no line of another project: what it needs is installed beside it, at the versions of `constraints.txt`, each under its own licence. What a wheel bundles inside (BLAS in numpy, codecs in Pillow) is listed in that wheel; here is what the packages say of themselves.

**A dagger (†) marks weak copyleft, the Mozilla Public License 2.0.** It is about the package's own files: who changes one of them and passes it on has to publish that file under the same licence. Using or importing it asks for nothing, and ddpm_clip neither changes nor ships it. There is nothing under the GPL, LGPL or AGPL, and a test sees to that.
"""  # noqa: E501
TITLES = {
    "runtime": "Needed to run",
    "extras": "Needed by an extra only",
    "development": "Needed to test, check and document",
}

PURPOSE = {
    "torch": "networks, gradients, all tensors",
    "numpy": "arrays of pictures and figures",
    "pillow": "reading and writing pictures",
    "safetensors": "weights on disk, without code in them",
    "pyarrow": "the parquet manifest of embeddings",
    "pydantic": "configs, their types and ranges",
    "pyyaml": "config files",
    "typer": "the commands",
    "rich": "progress bars and colours",
    "transformers": "pretrained CLIP and SigLIP",
    "matplotlib": "plots",
    "accelerate": "several processes, and loading weights by parts",
    "jinja2": "the HTML pages of reports, all text escaped",
    "faiss-cpu": "a quick index of nearest pictures, and what the own one is compared with",
    "webdataset": "shards that the tests write as others do",
    "datasets": "data sets of the hub",
    "pytest": "the suite",
    "diffusers": "schedules and samplers that ours are compared with",
    "ruff": "form and lint",
    "mypy": "types",
    "types-pyyaml": "types of PyYAML",
    "pre-commit": "the check on every commit",
    "mkdocs-material": "the look of the pages",
    "mkdocstrings": "the page of the Python interface",
}
"""What each package that we ask for ourselves is for."""

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD", "MIT License": "MIT",
    "ISC License (ISCL)": "ISC", "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}  # fmt: skip
SPOKEN = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "ISC License": "ISC",
    "BSD 3-Clause License": "BSD-3-Clause",
}
EXPRESSION = re.compile(r"[A-Za-z]+(-[A-Za-z0-9.]+)*( (AND|OR|WITH) [A-Za-z]+(-[A-Za-z0-9.]+)*)*")
WEAK = re.compile(r"\bMPL-")


def licence(found: Distribution) -> str:
    """The licence as a package says it: an expression, a field of one line, or a classifier.

    Raises:
        ValueError: it says none.
    """
    about = found.metadata
    said = about.get("License-Expression")
    if said:
        return said
    field = (about.get("License") or "").strip()
    field = SPOKEN.get(field, field)
    if EXPRESSION.fullmatch(field) and field not in ("UNKNOWN", "BSD"):
        return field
    named = [
        one.rpartition(" :: ")[2]
        for one in about.get_all("Classifier") or []
        if one.startswith("License :: ")
    ]
    if not named or named[0] not in CLASSIFIERS:
        raise ValueError(f"{found.name} {found.version} says no licence that is known here")
    return CLASSIFIERS[named[0]]


def rows(group: str) -> list[list[str]]:
    """A row a package of one group: what we ask for first, then what that needs."""
    chosen = [need for need in needs().values() if need.group == group]
    return [_row(need) for need in sorted(chosen, key=lambda need: OURS not in need.by)]


def _row(need: Need) -> list[str]:
    name, said = need.found.name, licence(need.found)
    purpose = PURPOSE.get(canonicalize_name(name), "") if OURS in need.by else ""
    mark = " †" if WEAK.search(said) else ""
    return [name + mark, need.version, said, purpose or f"needed by {', '.join(need.by)}"]


def page() -> str:
    """The whole page: a table a group."""
    head = ["package", "version", "licence", "for"]
    parts = [f"## {title}\n\n{table(head, rows(group), 'lrll')}" for group, title in TITLES.items()]
    return "\n".join([HEAD, "\n\n".join(parts), ""])


def behind(text: str) -> list[str]:
    """What a page lacks: something installed with its licence, or something pinned.

    Where not every extra is installed, the page cannot be written, and still be compared; only who
    needs a package is then not known, and not looked at.
    """
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    shown = {tuple(row[:3]) for row in cells}
    named = {(canonicalize_name(row[0].removesuffix(" †")), row[1]) for row in cells}
    here = [row[:3] for group in TITLES for row in rows(group)]
    return [" ".join(row) for row in here if tuple(row) not in shown] + [
        f"{name} {version}" for name, version in pins().items() if (name, version) not in named
    ]


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv[1:]:
        wrong = behind(PAGE.read_text(encoding="utf-8"))
        print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
        return int(bool(wrong))
    gone = sorted(direct_names() - needs().keys())
    if gone:
        print(f"not installed, so that the page would lack it: {', '.join(gone)}", file=sys.stderr)
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
