"""Write docs/licences.md from what is installed: `python scripts/write_licences_page.py [--check]`.

With `--check` nothing is written, and the exit code is 1 if the page is out of date. Names,
versions and licences come from the metadata of each package.
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

Written by `scripts/write_licences_page.py` from the metadata of the installed packages; do not edit.

What ships is `MIT AND CC-BY-SA-3.0`: the code and the model `flowers` are under the MIT licence, the weights of `digits`, which were adapted from MNIST, and the digits that they painted for the course, under CC BY-SA 3.0. Both texts are in the package, and a `licence.json` beside all weights and beside these digits says whose work they come from; `ddpm-clip show` prints it. The package contains no code from other projects: its dependencies are installed beside it, at the versions in `constraints.txt`, each under its own licence. Libraries bundled inside a wheel (BLAS in numpy, codecs in Pillow) are listed in that wheel; this page shows what the packages declare for themselves. The extra `heif` is the one to know of: pillow-heif is BSD-3-Clause, but its wheel bundles libheif and libde265 (LGPL) and x265 (GPL); nothing of ddpm_clip needs it unless HEIC photos are read.

**A dagger (†) marks weak copyleft, the Mozilla Public License 2.0.** It covers the package's own files: whoever changes one of them and distributes it must publish that file under the same licence. Using or importing the package carries no obligation, and ddpm_clip neither changes nor ships it. No dependency is under the GPL, LGPL or AGPL; a test checks this.
"""  # noqa: E501
TITLES = {
    "runtime": "Needed to run",
    "extras": "Needed only for an extra",
    "development": "Needed to test, check and document",
}

PURPOSE = {
    "torch": "networks, gradients, all tensors",
    "numpy": "arrays",
    "pillow": "reading and writing pictures",
    "safetensors": "weight files that cannot contain code",
    "pyarrow": "the parquet manifest of embeddings",
    "pydantic": "types and ranges of config values",
    "pyyaml": "config files",
    "typer": "the command line",
    "rich": "progress bars and colours",
    "transformers": "pretrained CLIP and SigLIP",
    "matplotlib": "plots",
    "accelerate": "training in several processes, and loading sharded weights",
    "filelock": "one writer per run folder, on every system",
    "jinja2": "the HTML pages of reports, all text escaped",
    "faiss-cpu": "fast nearest-neighbour search, and the reference for our own search",
    "webdataset": "tar shards in the tests, written independently of our own code",
    "tensorboard": "curves of a training in a browser (`--track tensorboard`)",
    "pillow-heif": "HEIC photos of phones (see above)",
    "datasets": "data sets from the Hugging Face hub",
    "pytest-xdist": "the suite on several processors",
    "pytest": "tests",
    "hatchling": "builds the wheel, in the tests too",
    "hatch-fancy-pypi-readme": "README for a package index, in the wheel",
    "diffusers": "reference schedules and samplers for tests",
    "ruff": "formatting and linting",
    "mypy": "type checking",
    "types-pyyaml": "type stubs for PyYAML",
    "pre-commit": "checks before every commit",
    "jupytext": "notebooks of the course from percent scripts, and back",
    "nbclient": "runs the notebooks of the course",
    "ipykernel": "the kernel in which notebooks run",
    "jupyterlab": "where a student opens the notebooks of the course",
    "fastapi": "the HTTP interface of server and studio",
    "uvicorn": "serves it",
    "python-multipart": "pictures in the forms of the image API",
    "prometheus-client": "`/metrics`",
    "httpx": "asks the server in tests",
    "openai": "the client that the server has to answer to, in tests",
    "schemathesis": "fuzzes the server by its own schema",
    "playwright": "drives a browser in tests",
    "axe-playwright-python": "axe-core: accessibility of the studio, in tests",
    "mkdocs-material": "documentation theme",
    "mkdocstrings": "Python API reference",
}
"""What each of our direct dependencies is for."""

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD", "MIT License": "MIT",
    "ISC License (ISCL)": "ISC", "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}  # fmt: skip
SPOKEN = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "ISC License": "ISC",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
}
FILES = {"axe-playwright-python": "MIT AND MPL-2.0"}
"""Licences read in the files of packages whose metadata name none; the second is axe-core's."""

EXPRESSION = re.compile(r"[A-Za-z]+(-[A-Za-z0-9.]+)*( (AND|OR|WITH) [A-Za-z]+(-[A-Za-z0-9.]+)*)*")
WEAK = re.compile(r"\bMPL-")


def licence(found: Distribution) -> str:
    """The licence that a package declares: an expression, a one-line field or a classifier.

    Raises:
        ValueError: the package declares no known licence.
    """
    about = found.metadata
    if canonicalize_name(found.name) in FILES:
        return FILES[canonicalize_name(found.name)]
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
        raise ValueError(f"{found.name} {found.version} declares no known licence")
    return CLASSIFIERS[named[0]]


def rows(group: str) -> list[list[str]]:
    """One row per package of a group: direct dependencies first, then theirs."""
    chosen = [need for need in needs().values() if need.group == group]
    return [_row(need) for need in sorted(chosen, key=lambda need: OURS not in need.by)]


def _row(need: Need) -> list[str]:
    name, said = need.found.name, licence(need.found)
    purpose = PURPOSE.get(canonicalize_name(name), "") if OURS in need.by else ""
    mark = " †" if WEAK.search(said) else ""
    return [name + mark, need.version, said, purpose or f"needed by {', '.join(need.by)}"]


def page() -> str:
    """The whole page: one table per group."""
    head = ["package", "version", "licence", "for"]
    parts = [f"## {title}\n\n{table(head, rows(group), 'lrll')}" for group, title in TITLES.items()]
    return "\n".join([HEAD, "\n\n".join(parts), ""])


def behind(text: str) -> list[str]:
    """List what is missing from a page: installed packages with their licence, and pinned ones.

    This works even if some extras are not installed, when the page cannot be written: it does not
    look at the column that says which package needs which.
    """
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    shown = {tuple(row[:3]) for row in cells}
    named = {(canonicalize_name(row[0].removesuffix(" †")), row[1]) for row in cells}
    here = [row[:3] for group in TITLES for row in rows(group)]
    return [" ".join(row) for row in here if tuple(row) not in shown] + [
        f"{name} {version}" for name, version in pins().items() if (name, version) not in named
    ]


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        wrong = behind(PAGE.read_text(encoding="utf-8"))
        print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
        return int(bool(wrong))
    gone = sorted(direct_names() - needs().keys())
    if gone:
        print(f"not installed, so missing from the page: {', '.join(gone)}", file=sys.stderr)
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
