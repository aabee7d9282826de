"""Fixtures that more than one test file needs."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # tests are tiny: more threads cost more than they bring, and bits change


SLOW = re.compile(r"^pytestmark = .*pytest\.mark\.slow", re.M)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files in which all is slow where only quick tests are asked for.

    They are the ones that import browsers, servers and data sets.
    """
    quick = config.option.markexpr == "not slow" and collection_path.suffix == ".py"
    return bool(quick and SLOW.search(collection_path.read_text(encoding="utf-8"))) or None


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data packs; the test is skipped where there is none."""
    here = Path(__file__).resolve().parents[1]
    places = [Path(p) for p in (os.environ.get("DDPM_CLIP_DATA"),) if p]
    for place in [*places, here.parent / "shared" / "data", here / "data"]:
        if (place / "mnist").is_dir():
            return place
    pytest.skip("no real data packs here (DDPM_CLIP_DATA)")


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`cli("show", "digits")` runs `ddpm-clip show digits` in this process."""
    from ddpm_clip.cli.main import main

    def run(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return run
