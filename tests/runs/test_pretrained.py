"""Finding and opening models: what is no model of ours is named."""

import json

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.build import EMBEDDER_FOLDER
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner
from ddpm_clip.config.resolve import resolve
from ddpm_clip.errors import DataError
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import CARD, describe, load
from ddpm_clip.runs.run import Run

SMALL = ["data.image_size=8", "data.channels=1"]


@pytest.mark.parametrize(
    "card", [{}, [], {"format": 1, "ddpm_clip": "0.1.0"}, {"model_type": "clip"}], ids=str
)
def test_a_folder_whose_card_is_not_ours_is_named(tmp_path, card):
    (tmp_path / CARD).write_text(json.dumps(card))
    for ask in (load, describe):
        with pytest.raises(DataError, match="is not a model card"):
            ask(tmp_path)


def test_a_model_of_a_later_version_says_to_upgrade(tmp_path):
    (tmp_path / CARD).write_text(json.dumps({"format": 99, "ddpm_clip": "9.0", "config": {}}))
    with pytest.raises(DataError, match=r"made by ddpm_clip 9\.0") as refused:
        load(tmp_path)
    assert "upgrade" in refused.value.fix


LEADING_OUT = [
    "..", "/..", "a/..", "../x", "~", "~root", "/etc/x", "/", "folder:/etc/x", "folder:../x",
    "folder:..", "npz:/etc/x:x", "wds:{..,a}/x", "wds:{,a}/etc/x", "wds:{~,a}/x",
    "wds:{.,a}{.,a}/x", "wds:" + "{a,b}" * 30,
]  # fmt: skip


@pytest.mark.parametrize("path", LEADING_OUT)
def test_no_path_of_a_packed_model_leads_out(tmp_path, path):
    config = {"data": {"source": path}, "embedder": {"model": path}}
    (tmp_path / CARD).write_text(json.dumps({"format": 1, "name": "m", "config": config}))
    told = describe(tmp_path)["config"]
    for name in (told["data"]["source"], told["embedder"]["model"]):
        assert name in (None, "x", "folder:x", "npz:x:x")


@pytest.mark.parametrize("path", ["x", "a/x", "npz:a/x.npz:test", "wds:a/{000..009}.tar", "hf:a/b"])
def test_a_path_that_leads_nowhere_else_is_kept(tmp_path, path):
    (tmp_path / CARD).write_text(json.dumps({"format": 1, "config": {"data": {"source": path}}}))
    assert describe(tmp_path)["config"]["data"]["source"] == path


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_what_is_a_link_in_a_run_is_not_packed(tmp_path, linked):
    config = resolve(assignments=SMALL, environ={})[0]
    run = Run.create(tmp_path / "run", config)
    rows = F.normalize(torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), dim=1)
    save_conditioner(run.folder, Conditioner.fit(rows, rows))
    run.save(Checkpoint(1, {"ema": {"w": torch.zeros(2)}}, {}))
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "config.json").write_text('{"password": "hunter2"}')
    own = run.folder / EMBEDDER_FOLDER
    if linked == "folder":
        own.symlink_to(tmp_path / "secrets")
    else:
        own.mkdir()
        (own / "config.json").symlink_to(tmp_path / "secrets" / "config.json")
    packed = pack(run.folder, tmp_path / "packed")
    files = [path for path in packed.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not any(b"hunter2" in path.read_bytes() for path in files)
