"""The scenarios that are interrupted at every point: all ways of writing what must survive.

A scenario prepares a folder, acts on it in a process that is interrupted, and checks what is left.
The check raises if the newest good state does not open, or if the work cannot be repeated.
"""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner
from ddpm_clip.config.schema import Config
from ddpm_clip.data.cache.parts import EmbeddingShard
from ddpm_clip.data.sources import open_source
from ddpm_clip.errors import MissingInput, StorageError
from ddpm_clip.runs import checkpoints
from ddpm_clip.runs.checkpoints import Checkpoint
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.run import Run
from ddpm_clip.training.prepare.embedding import embed_source
from ddpm_clip.training.prepare.sharded_embedding import embed_part, merge_parts
from ddpm_clip.types import Item, TrainStep
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import load_tensors, save_tensors

PICTURES = 36
"""Pictures of the embedding scenarios: three shards, with batches of one."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way of writing something.

    Attributes:
        prepare: creates the folder in its initial state.
        act: writes; interrupted in the middle.
        check: raises if the remaining state is not good.
    """

    name: str
    prepare: Callable[[Path], None]
    act: Callable[[Path], None]
    check: Callable[[Path], None]


# Checkpoints


def settings(**training: object) -> Config:
    return Config.model_validate({"training": {"keep_last": 2, **training}})


def checkpoint(step: int) -> Checkpoint:
    """A small state with values that all follow from the step."""
    weights = {"w": torch.full((8, 8), float(step)), "n": torch.tensor(step)}
    return Checkpoint(step, {"model": weights, "ema": {"w": weights["w"] / 2}}, {"best": None})


def check_newest(home: Path, steps: tuple[int, ...]) -> int:
    """Check that the newest checkpoint is complete, one of `steps`, and equal to what was saved."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is damaged, so nothing may be skipped
        found = _run_in(home).load()
    if found is None or found.step not in steps:
        raise AssertionError(f"the newest is {found and found.step}, not one of {steps}")
    for group, tensors in checkpoint(found.step).tensors.items():
        for name, value in tensors.items():
            if not torch.equal(found.tensors[group][name], value):
                raise AssertionError(f"{group} {name} of step {found.step} differs")
    return found.step


def check_goes_on(home: Path, step: int) -> None:
    """Check that the next writer cleans up, saves, and leaves nothing unfinished."""
    run = _run_in(home)
    with run.writing():
        run.save(checkpoint(step))
        run.append_history([line(step)])
    check_newest(home, (step,))
    names = [path.name for path in (*home.iterdir(), *(home / "checkpoints").iterdir())]
    if left := [name for name in names if name.startswith((".tmp-", ".del-"))]:
        raise AssertionError(f"left behind: {left}")
    if run.history()[-1]["step"] != step:
        raise AssertionError("the history does not continue")


def line(step: int) -> TrainStep:
    return TrainStep(step, 0.0, 1.0, 1e-3, 1.0, 1.0)


def _run_of(home: Path, *steps: int, **training: object) -> Run:
    run = Run.create(home, settings(**training))
    for step in steps:
        run.save(checkpoint(step), best=step == steps[0])
        run.append_history([line(step)])
    return run


def _run_in(home: Path) -> Run:
    """The run, without reading its config, which takes most of the time of opening it."""
    return Run(home, settings())


def _save(home: Path) -> None:
    run = _run_in(home)
    with run.writing():
        run.append_history([line(15)])
        run.save(checkpoint(15), best=True)


def _check_saved(home: Path) -> None:
    check_newest(home, (10, 15))
    best = _run_in(home).best_step()
    if best not in _run_in(home).checkpoint_steps():
        raise AssertionError(f"the best, {best}, is gone")
    check_goes_on(home, 20)


def _prune(home: Path) -> None:
    run = _run_in(home)
    with run.writing():
        checkpoints.prune(run.checkpoints_folder, keep={4, 5, run.best_step()})


def _check_pruned(home: Path) -> None:
    check_newest(home, (5,))
    _run_in(home).load(1)  # the best
    check_goes_on(home, 6)


def _prepare_damaged(home: Path) -> None:
    run = _run_of(home, 5, 10)
    path = run.checkpoint_path(10) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def _tidy(home: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _run_in(home).writing():
            pass


def _check_tidied(home: Path) -> None:
    _tidy(home)
    check_newest(home, (5,))
    check_goes_on(home, 10)


# Starting a run


def _prepare_nothing(home: Path) -> None:
    home.mkdir()
    _folder_of(home.with_name("clip"))


def _folder_of(clip: Path) -> None:
    clip.mkdir(exist_ok=True)
    (clip / "mini_clip.json").write_text('{"a": 1}', encoding="utf-8")
    (clip / "mini_clip.safetensors").write_bytes(bytes(1000))


def _begin(home: Path) -> None:
    clip, facts = home.with_name("clip"), {"init": "flowers", "bridge": "auto"}
    Run.create(home, settings(), facts=facts, copies={"embedder": clip})


def _check_begun(home: Path) -> None:
    """Check that the same command resumes, and that the run then has everything it was given."""
    _begin(home)
    run = Run.open(home)
    if run.config != settings() or run.read_json("run.json").get("init") != "flowers":
        raise AssertionError("the run has lost the facts it was started with")
    if (home / "embedder" / "mini_clip.safetensors").read_bytes() != bytes(1000):
        raise AssertionError("its embedder is incomplete")


def _prepare_other(home: Path) -> None:
    _run_of(home, 5, 10)
    _folder_of(home.with_name("clip"))


def _begin_anew(home: Path) -> None:
    clip, facts = home.with_name("clip"), {"init": "flowers", "bridge": "auto"}
    config = settings(lr=5e-4)
    Run.create(home, config, overwrite=True, facts=facts, copies={"embedder": clip})


def _check_begun_anew(home: Path) -> None:
    """Check for all of the old run or none of it: never the old steps with the new config."""
    if (home / "config.yaml").is_file() and Run.open(home).config == settings():
        check_newest(home, (10,))
    _begin_anew(home)
    run = Run.open(home)
    if run.config != settings(lr=5e-4) or run.load() is not None or run.history():
        raise AssertionError("the new run contains parts of the old one")


# Embeddings


class Colours:
    """An embedder without weights: the mean colours of the four quarters of a picture."""

    name, dim, fingerprint = "colours", 12, "0" * 16

    def embed_items(self, items: list[Item]) -> Tensor:
        """Embeddings (b, 12) of unit length."""
        rows = [one.image.convert("RGB").resize((2, 2)).tobytes() for one in items]
        return F.normalize(torch.tensor([list(row) for row in rows]) / 255 + 0.01, dim=1)


def _embedding_config() -> Config:
    return Config.model_validate(
        {
            "data": {"source": f"drawn-flowers:{PICTURES}", "image_size": 16},
            "embedder": {"name": "labels", "batch_size": 1},
        }
    )


def _embed(home: Path) -> None:
    config = _embedding_config()
    finish(embed_source(home, config, open_source(str(config.data.source), size=16), Colours()))


def _part(home: Path, index: int) -> None:
    config = _embedding_config()
    source = open_source(str(config.data.source), size=16)
    finish(embed_part(home, config, source, Colours(), EmbeddingShard(2, index)))


def _merge(home: Path) -> None:
    config = _embedding_config()
    source = open_source(str(config.data.source), size=16)
    finish(merge_parts(home, config, source, Colours(), "embed"))


def _prepare_cache(home: Path) -> None:
    home.mkdir()
    _embed(home.with_name("whole"))


def _prepare_parts(home: Path) -> None:
    _embed(home.with_name("whole"))
    for index in range(2):
        _part(home, index)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, except unfinished ones and the lock."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path: str(path.relative_to(folder)) for path in files}
    return {
        name: path.read_bytes()
        for path, name in names.items()
        if ".tmp-" not in name and ".del-" not in name and name != "lock"
    }


def _check_cache(home: Path) -> None:
    """Check that the same command resumes, and gives the same bytes as an uninterrupted one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _embed(home)
    _check_same(home)


def _check_same(home: Path) -> None:
    ours, theirs = contents(home / "embeddings"), contents(home.with_name("whole") / "embeddings")
    if ours != theirs:
        differ = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        raise AssertionError(f"differs from an uninterrupted one: {differ}")


def _check_merged(home: Path) -> None:
    try:
        _merge(home)
    except MissingInput:  # already merged, and the parts are deleted
        if (home / "parts" / "embeddings").exists():
            raise
    _check_same(home)


# A packed model


def _prepare_trained(home: Path) -> None:
    run = _run_of(home, 5)
    e = F.normalize(torch.randn(12, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    conditioner = Conditioner.fit(e, e[:4], keys=[str(i) for i in range(12)], bank_size=12)
    save_conditioner(run.folder, conditioner)
    run.write_json("coverage.json", {"a": 1})
    _folder_of(home / "embedder")
    pack(home, home.with_name("packed"), name="model")


def _pack(home: Path) -> None:
    pack(home, home / "out" / "model", name="model")


def _check_packed(home: Path) -> None:
    """Check that the model is complete, or missing and made by packing again."""
    out = home / "out" / "model"
    if out.exists() and contents(out) != contents(home.with_name("packed")):
        raise AssertionError("an incomplete model")
    if not out.exists():
        _pack(home)
    if contents(out) != contents(home.with_name("packed")):
        raise AssertionError("packed again, the model differs")
    check_newest(home, (5,))


def _prepare_two(home: Path) -> None:
    _run_of(home, 5, 10)


def _prepare_many(home: Path) -> None:
    _run_of(home, 1, 2, 3, 4, 5, keep_last=5)


SAVE = Scenario("save", _prepare_two, _save, _check_saved)
SCENARIOS = (
    SAVE,
    Scenario("prune", _prepare_many, _prune, _check_pruned),
    Scenario("set aside", _prepare_damaged, _tidy, _check_tidied),
    Scenario("begin", _prepare_nothing, _begin, _check_begun),
    Scenario("begin anew", _prepare_other, _begin_anew, _check_begun_anew),
    Scenario("embed", _prepare_cache, _embed, _check_cache),
    Scenario("merge", _prepare_parts, _merge, _check_merged),
    Scenario("pack", _prepare_trained, _pack, _check_packed),
)  # fmt: skip


# Controls, which must lose data


def _save_in_place(home: Path) -> None:
    """The naive saver: overwrites the previous state, and writes the step beside it."""
    place = home / "checkpoints" / "step-000010"
    save_tensors(place / "model.safetensors", checkpoint(15).tensors["model"])
    (place / "state.json").write_text(json.dumps({"step": 15}), encoding="utf-8")


def _check_in_place(home: Path) -> None:
    place = home / "checkpoints" / "step-000010"
    step = json.loads((place / "state.json").read_text(encoding="utf-8"))["step"]
    if load_tensors(place / "model.safetensors")["n"].item() != step:
        raise StorageError("weights and step come from different saves")


def _prepare_in_place(home: Path) -> None:
    _run_of(home, 10)


def _without_syncs(act: Callable[[Path], None]) -> Callable[[Path], None]:
    def unsynced(home: Path) -> None:
        with patch.object(os, "fsync", lambda handle: None):
            act(home)

    return unsynced


CONTROLS = (
    (Scenario("save in place", _prepare_in_place, _save_in_place, _check_in_place), "kill"),
    (replace(SAVE, name="save without sync", act=_without_syncs(_save)), "data lost"),
)
