"""The page of the maths is true: each equation names tests, and each of those tests exists."""

import ast
import re
from pathlib import Path

import pytest

from ddpm_clip.conditioning.conditioner import BRIDGES
from ddpm_clip.diffusion.guidance import CLAMPS
from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS, WEIGHTINGS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import NOISE_LEVELS, SCHEDULES
from ddpm_clip.embedders.mini_clip import LOSSES
from ddpm_clip.training.steps.optimizers import OPTIMIZERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "maths.md").read_text(encoding="utf-8")
SECTIONS = [part for part in re.split(r"^#{2,3} ", PAGE, flags=re.M)[1:] if "```" in part]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.partition("\n")[0])
def test_every_equation_names_its_test(section):
    assert re.search(r"Checked by `tests/", section)


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_named_test_exists(file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_what_looks_like_the_name_of_a_test_is_one():
    assert len(NAMED) == PAGE.count("::test_") > 40


@pytest.mark.parametrize(
    "family",
    [
        SCHEDULES,
        NOISE_LEVELS,
        PARAMETERIZATIONS,
        WEIGHTINGS,
        SAMPLERS,
        CLAMPS,
        BRIDGES,
        LOSSES,
        OPTIMIZERS,
    ],
    ids=lambda family: getattr(family, "family", "mini-CLIP loss"),
)
def test_every_entry_of_a_family_is_described(family):
    assert [
        name for name in family if not re.search(rf"^{name} |^### .*`{name}`", PAGE, re.M)
    ] == []
