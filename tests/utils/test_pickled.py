"""A .pth is read by a child that holds nothing but weights; anything else ends the child."""

import os
import pickle
import subprocess
import sys
import zipfile

import pytest
import torch

from ddpm_clip.utils import pickled, pickled_child
from ddpm_clip.utils.pickled import read_pickled


class Runs:
    """Unpickled, it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.slow
def test_weights_and_config_come_through_to_the_bit(tmp_path):
    weights = {"a.weight": torch.randn(3, 4).T, "b": torch.arange(5), "c": torch.randn(2).half()}
    config = {"diffusion": {"timesteps": 300}, "name": "x", "list": [1, 2.5, None]}
    thing = {
        "model": weights,
        "ema": {"a.weight": torch.zeros(4, 3)},
        "config": config,
        "optimizer": {"state": {0: {"m": torch.ones(9)}}},
        "epoch": 3,
    }
    torch.save(thing, tmp_path / "x.pth")
    found = read_pickled(tmp_path / "x.pth")
    assert set(found.groups) == {"model", "ema"}
    assert all(torch.equal(found.groups["model"][name], weights[name]) for name in weights)
    assert found.config == config


@pytest.mark.slow
def test_what_wants_to_run_is_refused_and_does_not(tmp_path):
    torch.save({"model": {"w": torch.ones(2)}, "x": Runs(tmp_path / "canary")}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"wants to run posix\.mkdir") as refused:
        read_pickled(tmp_path / "x.pth")
    assert "weights_only" not in str(refused.value), "nobody is told to read it all the same"
    assert not (tmp_path / "canary").exists()


def zipped(path, names, packed=False):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for name in names:
            file.writestr(name, bytes(5000))


@pytest.mark.parametrize(
    ("names", "packed", "why"),
    [
        (["a/data.pkl", "../../x"], False, "lead out"),
        (["a/data.pkl", "/etc/x"], False, "lead out"),
        (["a/data.pkl", "a/code/m.py"], False, "TorchScript"),
        (["a/x"], False, "not one of torch"),
        (["a/data.pkl"], True, "unpacks to more"),
    ],
)
def test_other_archives_are_refused_before_a_child_starts(
    tmp_path, monkeypatch, names, packed, why
):
    monkeypatch.setattr(pickled, "_run", None)
    zipped(tmp_path / "x.pth", names, packed)
    with pytest.raises(ValueError, match=why):
        read_pickled(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"7z\xbc\xaf....", "7z"),
        (b"<html>", "not a file of torch"),
        (b"\x02\0\0\0\0\0\0\0{}", "safetensors file already"),
        (b"PK\x03\x04....", "damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, monkeypatch, data, why):
    monkeypatch.setattr(pickled, "_run", None)
    (tmp_path / "x.pth").write_bytes(data)
    with pytest.raises(ValueError, match=why):
        read_pickled(tmp_path / "x.pth")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.pth")
    with pytest.raises(OSError, match="not a regular file"):
        read_pickled(tmp_path / "x.pth")


BROKEN = """
import pickle, sys
from ddpm_clip.utils import pickled_child
import torch
real, reads = torch.load, []
def load(path, **options):
    reads.append(path)
    if len(reads) < 4:  # the first three warm up
        return real(path, **options)
    return pickle.load(open(path, "rb"))
torch.load = load
sys.argv = ["x", *sys.argv[1:]]
pickled_child.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("attack", ["system", "open"])
def test_were_weights_only_broken_the_child_would_end_at_the_first_wrong_step(tmp_path, attack):
    """The wall behind the wall: torch's unpickler is put out of action, and the guard holds."""
    canary, out = tmp_path / "canary", tmp_path / "out"
    out.mkdir()
    things = {"system": Calls(os.system, f"touch {canary}"), "open": Calls(open, str(canary), "w")}
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"model": things[attack]}))
    words = [sys.executable, "-c", BROKEN, str(tmp_path / "x.pth"), str(out), "8192"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == pickled_child.CODE + 1, done.stderr
    assert "refused: pickle.find_class" in done.stderr
    assert not canary.exists()


class Calls:
    """Unpickled, it calls something."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.slow
def test_a_tensor_that_claims_more_than_it_holds_ends_the_child_only(tmp_path):
    small = torch.ones(1)
    torch.save({"model": {"w": small.as_strided((10**6, 10**6), (0, 0))}}, tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"."):
        read_pickled(tmp_path / "x.pth")
