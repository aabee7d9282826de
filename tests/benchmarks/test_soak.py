"""The soaks tell good from bad: short versions, and what they would say of something worse."""

import json
import random
import shutil
import warnings

import pytest
import torch


@pytest.fixture
def damaged(soak, tmp_path):
    """The program, and a run with two checkpoints."""
    module = soak("damaged")
    module.made(tmp_path / "template")
    return module, tmp_path / "template"


@pytest.mark.slow
def test_damage_of_every_kind_is_found_in_every_file(damaged):
    module, template = damaged
    rows = [module.trial(random.Random(f"damage {n}"), template) for n in range(40)]
    assert [row for row in rows if row["wrong"]] == []
    assert {row["did"] for row in rows} == {"fell back"}
    assert {row["file"] for row in rows} == set(module.FILES)


@pytest.mark.slow
def test_every_way_to_damage_a_file_is_found(damaged, tmp_path):
    module, template = damaged
    for number, damage in enumerate(dict.fromkeys(module.DAMAGES)):
        home = tmp_path / str(number)
        shutil.copytree(template, home)
        newest = home / "checkpoints" / f"step-{module.NEW:06d}" / "ema.safetensors"
        damage(newest, random.Random(number))
        assert module.judged(home, module.Run.load) == ("fell back", ""), damage.__name__


@pytest.mark.slow
def test_a_run_that_looked_at_no_hash_would_be_found_out(damaged, monkeypatch):
    module, template = damaged
    monkeypatch.setattr("ddpm_clip.runs.checkpoints.sha256", lambda path: "0" * 64)
    for step in (module.OLD, module.NEW):
        path = template / "checkpoints" / f"step-{step:06d}" / "manifest.json"
        facts = json.loads(path.read_text())
        path.write_text(json.dumps(facts | {"sha256": dict.fromkeys(facts["sha256"], "0" * 64)}))
    rows = [module.trial(random.Random(f"damage {n}"), template) for n in range(20)]
    assert any(row["wrong"].startswith("it resumed from 15") for row in rows)


def test_trials_go_on_with_the_first_that_is_missing(soak, tmp_path):
    trials, tried = soak("trials").Trials("x", home=tmp_path), []

    def trial(rng):
        tried.append(rng.random())
        return {"drawn": tried[-1]}

    first = list(trials.run("arm", 2, trial))
    again = list(soak("trials").Trials("x", home=tmp_path).run("arm", 4, trial))
    assert again[:2] == first
    assert len(tried) == 4
    assert len(set(tried)) == 4, "every trial draws its own"
    list(soak("trials").Trials("x", again=True, home=tmp_path).run("arm", 1, trial))
    assert tried[4] == tried[0], "and the same each time"
    assert next(trials.run("other", 1, trial))["drawn"] not in tried[:5]


@pytest.mark.parametrize("steps", [(5, 5, 5), (5, 5, 4)])
def test_the_control_saves_in_place_and_mixes_of_two_saves_are_lost(soak, tmp_path, steps):
    kill9, home = soak("kill9"), tmp_path / "run" / "checkpoints"
    home.mkdir(parents=True)
    for name, step in zip(("model", "ema", "optimizer"), steps, strict=True):
        state = {"w": torch.zeros(3)}
        kill9.save_in_place(home, kill9.Checkpoint(step, {name: state}, {}))
    assert bool(kill9.control_lost(tmp_path)) == (len(set(steps)) > 1)
    (home / "last" / "ema.safetensors").write_bytes(b"torn")
    assert kill9.control_lost(tmp_path).startswith("torn")


@pytest.mark.slow
def test_a_lost_checkpoint_is_called_lost(soak, tmp_path):
    kill9 = soak("kill9")
    run = kill9.Run.create(tmp_path, soak("crash_scenarios").settings())
    assert kill9.opened(tmp_path) == {"step": None, "lost": ""}
    for step in (5, 10):
        run.save(soak("crash_scenarios").checkpoint(step))
    assert kill9.opened(tmp_path) == {"step": 10, "lost": ""}
    (run.checkpoint_path(10) / "state.json").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = kill9.opened(tmp_path)
    assert found["step"] == 5
    assert "damaged" in found["lost"]
    (run.checkpoint_path(5) / "state.json").unlink()
    assert kill9.opened(tmp_path)["lost"].startswith("StorageError")


def test_what_two_runs_differ_in_is_named(soak):
    toy = soak("toy")
    assert toy.difference({"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == []
    assert toy.difference({"a": "1", "b": "2"}, {"a": "1", "c": "3"}) == ["b", "c"]


def test_a_checkpoint_that_an_interruption_left_is_no_other_result(soak):
    toy = soak("toy")
    wanted = {"steps": "[21, 24]", "history": "h", "21 model": "a", "24 model": "b"}
    saved = {"steps": "[23, 24]", "history": "h", "23 model": "x", "24 model": "b"}
    assert toy.other_bits(saved, wanted) == []
    assert toy.other_bits(saved | {"24 model": "c"}, wanted) == ["24 model"]
    assert toy.other_bits(saved | {"21 model": "c"}, wanted) == ["21 model"]
    assert toy.other_bits({"steps": "[23]", "23 model": "x"}, wanted) == ["24 model", "history"]


@pytest.mark.slow
def test_every_kind_of_bad_file_is_named(soak, tmp_path):
    """The scan that a training begins with, on one file of each kind among sound ones."""
    from ddpm_clip.data.local.drawn_flowers import write_folder
    from ddpm_clip.data.pictures.pixels import load_pixels
    from ddpm_clip.data.sources import open_source

    bad_files = soak("bad_files")
    for name in bad_files.CLASSES:
        write_folder(tmp_path / name, 3, size=16, seed=1)
    spoilt = bad_files.spoil(tmp_path, len(bad_files.KINDS))
    assert len(set(spoilt.values())) == len(bad_files.KINDS) >= 16
    found = load_pixels(open_source(str(tmp_path)), size=16, channels=3, max_bad=0.9)
    assert {one.key for one in found.bad} == spoilt.keys()
    assert len(found.keys) == 12
