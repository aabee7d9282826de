"""The direct and indirect dependencies of ddpm_clip, from the metadata of installed packages."""

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
OURS = "ddpm-clip"
TOOLS = frozenset({"pip", "setuptools", "wheel", OURS})
"""Packages found in every environment, and ddpm_clip itself."""

DEVELOPMENT = ("test", "dev", "docs")
"""Extras that are only needed to develop ddpm_clip."""


@dataclass(frozen=True)
class Need:
    """An installed package that ddpm_clip depends on.

    Attributes:
        found: metadata of the package.
        group: "runtime", "extras" or "development", whichever needs it first.
        by: packages of that group that depend on it; contains `OURS` for a direct dependency.
    """

    found: Distribution
    group: str
    by: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version without a build suffix such as +cpu."""
        return self.found.version.partition("+")[0]


def pins(path: Path = ROOT / "constraints.txt") -> dict[str, str]:
    """Canonical name -> version, for every line of constraints.txt."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def needs() -> dict[str, Need]:
    """Canonical name -> installed dependency, each in the first group that needs it."""
    extras = distribution(OURS).metadata.get_all("Provides-Extra") or []
    groups = {"runtime": {""}, "extras": {*extras} - {*DEVELOPMENT}, "development": {*DEVELOPMENT}}
    found: dict[str, Need] = {}
    for group, wanted in groups.items():
        by = _reached(OURS, wanted)
        new = {name: parents for name, parents in by.items() if name not in found}
        for name, parents in sorted(new.items()):
            found[name] = Need(distribution(name), group, tuple(sorted(parents)))
    return found


def not_pinned() -> list[str]:
    """Describe each installed dependency that has no pin, or differs from its pin."""
    found, known = [], pins()
    for name, need in needs().items():
        if name not in known:
            found.append(f"{name} {need.version} has no pin; {', '.join(need.by)} needs it")
        elif known[name] != need.version:
            found.append(f"{name} {need.version} is installed, {known[name]} is pinned")
    return found


def strays() -> list[str]:
    """Installed packages that are neither needed nor pinned."""
    here = {canonicalize_name(one.name) for one in distributions()}
    return sorted(here - needs().keys() - pins().keys() - TOOLS)


def _reached(start: str, extras: set[str]) -> dict[str, set[str]]:
    """Canonical name -> dependents, for everything reachable from a package with these extras."""
    by: dict[str, set[str]] = {}
    waiting, seen = [(start, frozenset(extras))], set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        for child, its_extras in _children(name, wanted):
            by.setdefault(child, set()).add(name)
            waiting.append((child, its_extras))
    return by


def _children(name: str, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
    """The installed dependencies of a package with some extras, on this platform."""
    children = []
    for line in distribution(name).requires or []:
        one = Requirement(line)
        is_asked = one.marker is None or any(
            one.marker.evaluate({"extra": extra}) for extra in extras or {""}
        )
        child = canonicalize_name(one.name)
        if is_asked and _is_here(child):
            children.append((child, frozenset(one.extras) | {""}))
    return children


def _is_here(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def direct_names() -> set[str]:
    """Canonical names of our direct dependencies, in any extra."""
    lines = distribution(OURS).requires or []
    return {canonicalize_name(re.split(r"[\s\[<>=!~;]", line, maxsplit=1)[0]) for line in lines}
