"""Every warning of the package reaches the person at the command line, whatever the stack."""

import ast
import json
import shutil
import sys
import warnings
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import tracking
from legacy_files import clip_state, pooled_state
from tiny_clip import make_tiny_clip

import ddpm_clip
from ddpm_clip.cli import console
from ddpm_clip.conditioning.bridges import BRIDGES
from ddpm_clip.data.csv_exchange.dataset import CLIPDataset
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.data.pictures import sandbox
from ddpm_clip.embedders.pretrained import checksums
from ddpm_clip.errors import DdpmClipWarning, TruncatedText
from ddpm_clip.generation import picture_folder
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.training.distillation.methods import METHODS
from ddpm_clip.training.steps import prepared

ROOT = Path(ddpm_clip.__file__).parent
CLASSES = {"DdpmClipWarning", "TruncatedText"}
FORMER_NAMES = "moved.py"
"""Tells programmers, not users, that a name has moved; that is a `DeprecationWarning`."""

WORKS = {
    "data": {"source": "photos", "image_size": 16, "heldout": 0},
    "model": {"down_chs": [16, 32], "blocks": 1, "t_embed_dim": 16, "attention": 0},
    "training": {"steps": 2, "batch_size": 4, "sample_every": 0, "checkpoint_every": 1},
    "generation": {"steps": 1, "n": 1, "prompts": ["a"]},
}


@cache
def calls():
    """(file, function, call) of every `warnings.warn` of the package."""
    return list(_calls())


def _calls():
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("warnings.warn"):
                    yield path.relative_to(ROOT).as_posix(), function.name, node


def test_every_warning_has_a_class_of_ours():
    wrong = []
    for file, function, call in calls():
        given = [ast.unparse(one) for one in call.args[1:2]]
        given += [ast.unparse(one.value) for one in call.keywords if one.arg == "category"]
        if file != FORMER_NAMES and not (len(given) == 1 and given[0] in CLASSES):
            wrong.append(f"{file}: {function}")
    assert wrong == []
    assert all(issubclass(kind, DdpmClipWarning) for kind in (DdpmClipWarning, TruncatedText))


def test_warnings_are_raised_by_no_other_name():
    """`from warnings import warn` or `warn_explicit` would pass the test above unseen."""
    found = [
        str(path)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and node.module == "warnings")
        or (isinstance(node, ast.Attribute) and node.attr == "warn_explicit")
    ]
    assert found == []


def test_a_warning_is_printed_once_and_those_of_others_only_with_debug(capsys, monkeypatch):
    monkeypatch.setattr(console.verbosity, "debug", False)
    with console.spoken_warnings():
        for _ in range(2):
            warnings.warn("of ours", TruncatedText, stacklevel=1)
        warnings.warn("of others", UserWarning, stacklevel=1)
        monkeypatch.setattr(console.verbosity, "debug", True)
        warnings.warn("of others, too", UserWarning, stacklevel=1)
    err = capsys.readouterr().err
    assert err.splitlines() == ["warning: of ours", "warning: of others, too"]


@pytest.fixture
def shell(cli, tmp_path, monkeypatch):
    """A folder with pictures `photos` and a config `tiny.yaml`, in which commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    sandbox.warn_of_no_limits.cache_clear()
    write_folder(tmp_path / "photos" / "rose", 8, size=16, seed=1)
    config("tiny.yaml", embedder={"name": "labels"})

    def run(*words, code=0):
        ended = cli(*words)
        assert ended.code == code, ended.err
        return ended.err

    yield run
    sandbox.warn_of_no_limits.cache_clear()


def config(name, **changed):
    """Write a config file; its sections override those of `WORKS`."""
    sections = {key: WORKS.get(key, {}) | changed.get(key, {}) for key in {*WORKS, *changed}}
    Path(name).write_text(json.dumps(sections))


def trained(shell, *words, file="tiny.yaml", code=0):
    return shell("train", "--config", file, "--out", "run", "--no-animation", *words, code=code)


PAINT = ("generate", "rose", "--model", "run", "-n", 1, "--out", "rose.png")
LONG = "rose " * 200


def cut_by_a_mini_clip(shell, monkeypatch):
    told = shell("generate", LONG, "--model", "flowers", "-n", 1, "--steps", 1)
    return told, "is cut to its first"


def cut_by_a_legacy_clip(shell, monkeypatch):
    torch.save(pooled_state(), "mnist.pth")
    torch.save(clip_state(), "clip.pth")
    shell("import-legacy", "mnist.pth", "--clip", "clip.pth", "--out", "model")
    told = shell("generate", LONG, "--model", "model", "-n", 1, "--steps", 1)
    return told, "is longer than 10 letters"


def cut_by_a_pretrained_clip(shell, monkeypatch):
    make_tiny_clip(Path("clip").resolve())
    folder = str(Path("clip").resolve())
    config("clip.yaml", embedder={"name": "transformers_clip", "model": folder})
    trained(shell, file="clip.yaml")
    told = shell("generate", LONG, "--model", "run", "-n", 1)
    return told, "reads only the first 24"


def control_characters(shell, monkeypatch):
    trained(shell)
    return shell("generate", "ro\x07se", *PAINT[2:]), "control characters were removed"


def nothing_to_guide_by(shell, monkeypatch):
    config("guided.yaml", embedder={"name": "labels"}, generation={"clip_guidance": 1.0})
    trained(shell, "--set", "generation.prompts=[]", file="guided.yaml")
    told = shell("generate", "--unconditional", "--model", "run", "-n", 1)
    return told, "clip_guidance = 1 is ignored"


def another_picture_there(shell, monkeypatch):
    trained(shell)
    shell(*PAINT)
    return shell(*PAINT, "--seed", 1), "rose.png holds another picture; the new one is rose-2.png"


def a_grid_too_large(shell, monkeypatch):
    trained(shell)
    monkeypatch.setattr(picture_folder, "SHEET_PIXELS", 2 * 16 * 16)
    told = shell("generate", "rose", "--model", "run", "-n", 5)
    return told, "5 pictures are too many for one grid or animation"


def ignored_keys(shell, monkeypatch):
    Path("old.yaml").write_text("save_dir: checkpoints\n")
    return shell("train", "photos", "--config", "old.yaml", "--print-config"), "ignored: save_dir"


def memory_too_small(shell, monkeypatch):
    plain = DDPM.get_loss

    def get_loss(self, network, x_0, *rest):
        if len(x_0) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return plain(self, network, x_0, *rest)

    monkeypatch.setattr(DDPM, "get_loss", get_loss)
    return trained(shell), "step 1 does not fit into memory"


def device_too_small(shell, monkeypatch):
    def refused(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(prepared, "DevicePixels", refused)
    return trained(shell, "--set", "training.data_on_device=true"), "do not fit into the memory of"


def a_tracker_that_fails(shell, monkeypatch):
    def refused(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setitem(tracking.LOGGER_TYPE_TO_CLASS, "wandb", refused)
    monkeypatch.setattr(tracking, "_available_trackers", ["wandb"])
    return trained(shell, "--track", "wandb"), "the tracker wandb failed"


def a_step_with_nan(shell, monkeypatch):
    plain, steps = DDPM.get_loss, iter([float("nan")])

    def get_loss(self, *given):
        return plain(self, *given) * next(steps, 1.0)

    monkeypatch.setattr(DDPM, "get_loss", get_loss)
    return trained(shell), "the loss is nan at step 1"


def a_step_of_a_distillation_with_nan(shell, monkeypatch):
    trained(shell)
    plain, steps = METHODS["trajectory"], iter([float("nan")])
    monkeypatch.setitem(METHODS._entries, "trajectory", lambda one: plain(one) * next(steps, 1.0))
    small = ("distillation.walks=4", "distillation.walk_steps=4", "training.steps=2")
    changes = [word for change in small for word in ("--set", change)]
    return shell("distill", "run", "--out", "fast", *changes), "the loss is nan at step 1"


def no_learning_rate(shell, monkeypatch):
    return trained(shell, "--set", "training.lr=0"), "training.lr = 0"


def a_key_without_effect(shell, monkeypatch):
    told = trained(shell, "--set", "diffusion.beta_end=0.03")
    return told, "diffusion.beta_end (from --set) have no effect"


def no_pretrained_clip(shell, monkeypatch):
    config("auto.yaml", training={"steps": 0})
    told = trained(shell, "--set", "embedder.name=auto", file="auto.yaml")
    return told, "continuing with the shipped mini-CLIP 'flowers'"


def one_picture(shell, monkeypatch):
    for path in sorted(Path("photos/rose").iterdir())[1:]:
        path.unlink()
    return trained(shell), "there is only one picture"


def other_pictures(shell, monkeypatch):
    trained(shell)
    shutil.copy(next(Path("photos/rose").iterdir()), "photos/rose/new.png")
    shutil.rmtree("run/pictures", ignore_errors=True)
    return shell("resume", "run", "--steps", 3), "the pictures have changed (8 before, 9 now)"


def a_large_batch(shell, monkeypatch):
    told = trained(shell, "--set", "training.batch_size=99")
    return told, "is larger than the number of training pictures, 8"


def other_surroundings(shell, monkeypatch):
    trained(shell)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        told = shell("resume", "run", "--steps", 3)
    finally:
        torch.set_num_threads(before)
    return told, "the run is resumed in other surroundings"


def one_process_of_several(shell, monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    return trained(shell), "started one"


def outside_the_pictures(shell, monkeypatch):
    told = shell("generate", "a purple horse", "--model", "flowers", "-n", 1, "--steps", 1)
    return told, "'a purple horse' is outside what the pictures of flowers cover"


def guidance_beyond_the_pictures(shell, monkeypatch):
    told = shell("generate", "a red rose", "--model", "flowers", "-n", 1, "--steps", 1, "--w", 15)
    return told, "guidance 16 acts like "


def a_broken_plug_in(shell, monkeypatch):
    dist = SimpleNamespace(name="bad")
    points = [SimpleNamespace(name="bridge.bad", value="bad:bridge", dist=dist)]
    monkeypatch.setattr(ddpm_clip.registry, "entry_points", lambda group: points)
    for name in ("usable", "_plug_ins"):  # kept from an earlier test; put back afterwards
        monkeypatch.setitem(vars(BRIDGES), name, None)
        del vars(BRIDGES)[name]
    return shell("gap", "flowers"), "skipped: the plug-in 'bridge.bad' cannot be loaded"


EMBED = ("embed", "photos", "--embedder", "labels", "--out", "embedded")


def a_damaged_shard(shell, monkeypatch):
    shell(*EMBED)
    next(Path("embedded").rglob("shard-*.safetensors")).write_bytes(b"no shard")
    return shell(*EMBED), "is damaged or missing; its embeddings count as missing"


def a_damaged_manifest(shell, monkeypatch):
    shell(*EMBED)
    next(Path("embedded").rglob("manifest.parquet")).write_bytes(b"no table")
    return shell(*EMBED), "manifest.parquet is damaged"


def a_csv_with_a_lost_picture(shell, monkeypatch):
    shell("embed", "photos", "--embedder", "flowers", "--out", "clip.csv")
    Path(Path("clip.csv").read_text().splitlines()[0].split(",")[0]).unlink()
    with console.spoken_warnings():  # no command reads such a data set, only programs do
        CLIPDataset("clip.csv", clip_features=96)
    return "", "left out: "


def an_unusable_picture_in_a_csv(shell, monkeypatch):
    Path("photos/rose/broken.png").write_bytes(b"no picture")
    told = shell("embed", "photos", "--embedder", "flowers", "--out", "clip.csv")
    return told, "left out: "


def a_torn_csv(shell, monkeypatch):
    words = ("embed", "photos", "--embedder", "flowers", "--out", "clip.csv")
    shell(*words)
    whole = Path("clip.csv").read_bytes()
    Path("clip.csv").write_bytes(whole[:-5])
    return shell(*words), "the last line of clip.csv was cut off"


def damage(step):
    folder = next(path for path in Path("run").rglob(f"*{step:06d}*") if path.is_dir())
    next(folder.glob("*.safetensors")).write_bytes(b"no weights")


def a_damaged_checkpoint_to_paint_from(shell, monkeypatch):
    trained(shell)
    damage(2)
    return shell(*PAINT), "falling back to the checkpoint before it"


def a_damaged_checkpoint_to_go_on_from(shell, monkeypatch):
    trained(shell)
    damage(2)
    return shell("resume", "run", "--steps", 3), "falling back to step 1"


def no_limits(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    return trained(shell), "this system cannot limit the memory"


def a_video_among_the_pictures(shell, monkeypatch):
    Path("photos", "holiday.mp4").write_bytes(b"no picture")
    return trained(shell), "photos: 1 mp4 (take pictures out of them"


def a_picture_twice(shell, monkeypatch):
    one = next(Path("photos").rglob("*.png"))
    shutil.copy(one, one.with_stem("again"))
    return trained(shell), "ddpm-clip scan photos shows which"


def a_folder_named_like_a_source(shell, monkeypatch):
    Path("drawn-flowers").mkdir()
    found = shell("scan", "drawn-flowers", "--max-samples", 3)
    return found, "the folder of that name here is ./drawn-flowers"


def hashes_that_cannot_be_recorded(shell, monkeypatch):
    Path("cache").write_text("a file where the folder should be")
    record = Path("cache/who--clip.json")
    with console.spoken_warnings():  # only a model from the hub has hashes to record
        checksums._write(record, "who/clip", {"model.safetensors": "0" * 64})
    return "", "the SHA-256 of who/clip cannot be recorded"


CASES = {
    "config/resolve.py: flatten": ignored_keys,
    "coverage/prompt_coverage.py: warn": outside_the_pictures,
    "data/cache/embeddings.py: _leave_out_damaged": a_damaged_shard,
    "data/cache/manifest.py: read_manifest": a_damaged_manifest,
    "data/csv_exchange/dataset.py: _pictures": a_csv_with_a_lost_picture,
    "data/csv_exchange/extraction.py: _continued": a_torn_csv,
    "data/csv_exchange/extraction.py: _decoded": an_unusable_picture_in_a_csv,
    "data/pictures/left_out.py: warn_of_left_out": a_video_among_the_pictures,
    "data/sources.py: _named": a_folder_named_like_a_source,
    "data/pictures/sandbox.py: warn_of_no_limits": no_limits,
    "embedders/legacy_clip.py: _ids": cut_by_a_legacy_clip,
    "embedders/pretrained/checksums.py: _write": hashes_that_cannot_be_recorded,
    "embedders/prompts.py: checked_prompt": control_characters,
    "embedders/tokenizer.py: tokenise": cut_by_a_mini_clip,
    "embedders/transformers_clip.py: _warn_of_long": cut_by_a_pretrained_clip,
    "generation/batches.py: check_together": nothing_to_guide_by,
    "generation/picture_folder.py: finish": a_grid_too_large,
    "generation/picture_folder.py: write": another_picture_there,
    "generation/text_to_image.py: warn": guidance_beyond_the_pictures,
    "registry.py: _loads": a_broken_plug_in,
    "runs/checkpoints.py: newest": a_damaged_checkpoint_to_paint_from,
    "runs/checkpoints.py: set_damaged_aside": a_damaged_checkpoint_to_go_on_from,
    "training/loop.py: cut_smaller": memory_too_small,
    "training/distillation/loop.py: stumble": a_step_of_a_distillation_with_nan,
    "training/loop.py: stumble": a_step_with_nan,
    "training/prepare/pictures.py: decode": a_picture_twice,
    "training/prepare/preparation.py: _note_pictures": other_pictures,
    "training/prepare/preparation.py: prepare": one_picture,
    "training/prepare/checks.py: check_parts": no_learning_rate,
    "training/prepare/checks.py: warn_of_unused": a_key_without_effect,
    "training/prepare/start.py: settled_embedder": no_pretrained_clip,
    "training/process_group.py: launched": one_process_of_several,
    "training/steps/prepared.py: on_device": device_too_small,
    "training/steps/size.py: fitted_config": a_large_batch,
    "training/steps/surroundings.py: report_changes": other_surroundings,
    "training/trackers.py: _try": a_tracker_that_fails,
}
"""Where the package warns -> what makes a command say it."""


def test_every_warning_of_the_package_has_a_case():
    found = {f"{file}: {function}" for file, function, _ in calls() if file != FORMER_NAMES}
    assert found == CASES.keys()


@pytest.mark.slow
@pytest.mark.parametrize("where", CASES)
def test_the_person_at_the_command_line_reads_it(where, shell, monkeypatch, capsys):
    told, says = CASES[where](shell, monkeypatch)
    told = told or capsys.readouterr().err
    assert "warning: " in told
    assert told.count(says) == 1, told
