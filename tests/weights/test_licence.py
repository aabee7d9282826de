"""Whose work weights were adapted from stays with them, wherever they are carried."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner
from ddpm_clip.config.resolve import resolve
from ddpm_clip.errors import DataError
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import describe
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.weights import shipped_folder, shipped_names
from ddpm_clip.weights.licence import LICENCE, read_notices

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SMALL = [
    "data.source=drawn-flowers:20",
    "data.image_size=16",
    "model.down_chs=[8, 8]",
    "model.blocks=1",
    "model.attention=0",
    "model.norm_groups=null",
]


def start(folder, *assignments, init=None):
    """A run with one checkpoint, as far as packing looks at it."""
    config = resolve(assignments=[*SMALL, *assignments], environ={})[0]
    run = start_run(folder, config, init=init)
    rows = F.normalize(torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    save_conditioner(run.folder, Conditioner.fit(rows, rows))
    run.save(Checkpoint(1, {"ema": {"w": torch.zeros(2)}}, {}))
    return run.folder


def test_all_weights_that_ship_have_a_licence_of_the_project_beside_them():
    allowed = set(PROJECT["license"].split(" AND "))
    used = set()
    for name in shipped_names():
        weights = sorted(shipped_folder(name).rglob("*.safetensors"))
        assert len(weights) >= 3
        for folder in {path.parent for path in weights}:
            (notice,) = read_notices(folder)
            used.add(notice["licence"])
            assert len(notice["attribution"]) > 40
    assert used == allowed


def test_the_text_of_every_licence_is_in_the_project():
    for name in set(PROJECT["license"].split(" AND ")) - {"MIT"}:
        text = (ROOT / "LICENSES" / f"{name}.txt").read_text(encoding="utf-8")
        assert len(text) > 15_000
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert PROJECT["license-files"] == ["LICENSE", "LICENSES/CC-BY-SA-3.0.txt"]


def test_the_page_of_models_says_the_same():
    page = (ROOT / "MODEL_CARDS.md").read_text(encoding="utf-8")
    said = re.findall(r"^\| \*\*Licence of the weights\*\* \| (.+?)(?:,| \|)", page, re.M)
    told = [describe(name)["licences"][0]["licence"] for name in ("digits", "flowers")]
    assert [one.replace(" ", "-") for one in said] == told


@pytest.mark.slow
def test_a_model_that_uses_or_began_from_such_weights_keeps_the_notice(tmp_path):
    (notice,) = read_notices(shipped_folder("digits"))
    own_clip = ("embedder.name=mini_clip", "embedder.model=digits", "data.channels=1")
    used = start(tmp_path / "used", *own_clip)
    begun = start(tmp_path / "begun", "embedder.name=labels", init="digits")
    for run in (used, begun):
        assert describe(run)["licences"] == [notice]
        packed = pack(run, tmp_path / f"{run.name}-packed")
        assert read_notices(packed) == [notice]
        assert describe(packed)["licences"] == [notice]
    again = start(tmp_path / "again", "embedder.name=labels", init=str(tmp_path / "begun-packed"))
    assert describe(again)["licences"] == [notice]


@pytest.mark.slow
def test_a_model_of_ones_own_has_none(tmp_path):
    run = start(tmp_path / "run", "embedder.name=labels")
    assert describe(run)["licences"] == []
    assert not (pack(run, tmp_path / "packed") / LICENCE).exists()


@pytest.mark.parametrize(
    "content", ["[]", "{", '{"notices": {}}', '{"notices": [{"licence": 3, "attribution": ""}]}']
)
def test_a_licence_that_is_none_is_named(tmp_path, content):
    shutil.copytree(
        shipped_folder("digits"), tmp_path / "m", ignore=shutil.ignore_patterns("*.sa*")
    )
    (tmp_path / "m" / LICENCE).write_text(content)
    with pytest.raises(DataError, match="cannot read the licence"):
        describe(tmp_path / "m")


@pytest.mark.slow
def test_show_prints_it(cli):
    assert (
        "licence:      CC-BY-SA-3.0. Adapted from MNIST by Yann LeCun" in cli("show", "digits").out
    )
    told = json.loads(cli("show", "flowers", "--json").out)["licences"]
    assert [one["licence"] for one in told] == ["MIT"]
