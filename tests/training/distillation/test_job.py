"""A distillation stops, is killed and goes on to the bit; its run is a model like any other."""

import json
import shutil
from itertools import islice

import pytest
import torch
from tiny_run import tiny_run
from tiny_student import SMALL

from ddpm_clip.errors import CannotCreate, DataError, MissingInput, UsageError
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models.scale_conditioned import ScaleConditioned
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import describe, load, notices_of
from ddpm_clip.runs.run import Run
from ddpm_clip.training.distillation import continue_distillation, distill, start, walks
from ddpm_clip.training.steps.loss_scale import FIRST
from ddpm_clip.types import Progress, TrainStep
from ddpm_clip.utils.generators import finish


def tensors(folder, step=6):
    return Run.open(folder).load(step).tensors


def same(a, b):
    return all(torch.equal(a[group][name], b[group][name]) for group in a for name in a[group])


def small(teacher, folder, calls=2, **options):
    return distill(teacher, folder, calls=calls, assignments=SMALL, **options)


@pytest.mark.slow
def test_it_yields_progress_of_the_walks_and_then_every_step(teacher, tmp_path):
    steps = list(small(teacher, tmp_path / "run"))
    stages = [one.stage for one in steps if isinstance(one, Progress)]
    assert stages == ["record", "train"]
    assert [one.step for one in steps if isinstance(one, TrainStep)] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in Run.open(tmp_path / "run").history()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_the_run_is_a_model_that_paints_in_its_calls(student):
    model = load(student)
    assert isinstance(model.network, ScaleConditioned)
    steps = list(TextToImage(model).walk(["left", "right"], n=2, seed=3))
    levels = model.config.distillation.levels
    alpha, sigma = model.ddpm.schedule.at(torch.tensor([step.t for step in steps]))
    assert (sigma / alpha).tolist() == pytest.approx(levels, rel=1e-4)
    assert steps[-1].x_prev.isfinite().all()
    assert len(steps) == 2
    assert describe(student)["classes"] == ["left", "right"]


@pytest.mark.slow
def test_every_part_of_the_student_is_trained_from_the_teacher(student, teacher):
    ours, theirs = load(student).network.state_dict(), load(teacher).network.state_dict()
    assert {name.removeprefix("network.") for name in ours} >= theirs.keys()
    moved = [name for name in theirs if not torch.equal(ours[f"network.{name}"], theirs[name])]
    assert len(moved) > 0.9 * len(theirs)
    distance = [(ours[f"network.{name}"] - theirs[name]).abs().mean() for name in theirs]
    assert max(distance) < 0.1, "not from random weights"
    assert ours["scale.mlp.2.weight"].abs().max() > 0


@pytest.mark.slow
def test_before_the_first_step_it_is_the_teacher(student, teacher):
    state = start.start_state(Run.open(student), 3, load(teacher))
    for name, value in load(teacher).network.state_dict().items():
        assert torch.equal(state.model.network.state_dict()[name], value)


def test_the_same_seed_and_another_scale_paint_a_related_picture(student):
    tti = TextToImage.from_pretrained(student)
    at = {scale: tti.walk("left", n=2, seed=5, guidance=scale) for scale in (1.0, 3.0)}
    first = {scale: list(steps) for scale, steps in at.items()}
    assert torch.equal(first[1.0][0].x_t, first[3.0][0].x_t), "seeds mean the same noise"
    assert not torch.equal(first[1.0][-1].x_prev, first[3.0][-1].x_prev), "the slider works"


@pytest.mark.slow
def test_the_noise_of_a_seed_is_that_of_the_teacher(student, teacher):
    ours, theirs = (
        next(iter(TextToImage.from_pretrained(one).walk("left", seed=9)))
        for one in (student, teacher)
    )
    assert torch.equal(ours.x_t, theirs.x_t)


@pytest.mark.slow
def test_the_loss_is_scaled_in_float16(teacher, tmp_path):
    finish(distill(teacher, tmp_path, calls=2, assignments=[*SMALL, "training.dtype=float16"]))
    checkpoint = Run.open(tmp_path).load(6)
    factor, good = checkpoint.state["loss_scale"]
    assert (factor * 2 ** (6 - good), good > 0) == (FIRST, True), (
        "halved by each step that overflowed"
    )


@pytest.mark.slow
def test_a_stopped_distillation_resumes_bit_exactly(teacher, student, tmp_path):
    work = small(teacher, tmp_path / "run")
    list(islice(work, 5))  # record, train, three steps
    work.close()
    assert Run.open(tmp_path / "run").checkpoint_steps() == [2, 3]
    finish(continue_distillation(tmp_path / "run"))
    assert same(tensors(tmp_path / "run"), tensors(student))


@pytest.mark.slow
def test_a_killed_one_goes_on_from_its_last_checkpoint_and_shard(
    teacher, student, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    shutil.copytree(student, run)
    shutil.rmtree(run / "checkpoints" / "step-000006")
    for name in ("conditioner.json", "classes.json"):  # as if it had never come to write them
        (run / name).unlink()
    (run / "walks" / "shard-00000.safetensors").unlink()
    shutil.rmtree(run / "checkpoints")
    finish(small(teacher, run))
    assert same(tensors(run), tensors(student))
    assert load(run).classes == ("left", "right")


@pytest.mark.slow
def test_shards_hold_the_same_walks_whenever_they_are_recorded(teacher, tmp_path, monkeypatch):
    monkeypatch.setattr(walks, "SHARD", 4)
    for name in ("whole", "again"):
        work = small(teacher, tmp_path / name)
        list(islice(work, 3))
        work.close()
    shards = sorted((tmp_path / "whole" / "walks").iterdir())
    assert [path.name[-18:-12] for path in shards] == ["-00000", "-00001", "-00002"]
    kept = {path.name: path.read_bytes() for path in shards}
    (tmp_path / "again" / "walks" / shards[1].name).unlink()
    work = small(teacher, tmp_path / "again")
    list(islice(work, 3))
    work.close()
    again = {path.name: path.read_bytes() for path in (tmp_path / "again" / "walks").iterdir()}
    assert again == kept


@pytest.mark.slow
def test_a_walk_is_the_teachers_own(teacher, student):
    shard = walks._read(student / "walks" / "shard-00000.safetensors")
    run, model = Run.open(student), load(teacher)
    from ddpm_clip.training.distillation.loop import asking_of

    asked = asking_of(model, run.config).shard(0, 10)
    x = model.ddpm.sample(
        model.network, asked.c, scale=asked.scale, interval=None, seeds=asked.seeds, steps=6
    )
    assert torch.allclose(shard["states"][:, -1].float(), x, atol=2e-3)
    assert shard["states"].shape[1] == len(start.kept_levels(model, run.config)) + 1


def test_a_finished_one_is_left_as_it_is(student, teacher, tmp_path):
    shutil.copytree(student, tmp_path / "run")
    before = (tmp_path / "run" / "history.jsonl").read_bytes()
    assert list(small(teacher, tmp_path / "run")) == []
    assert (tmp_path / "run" / "history.jsonl").read_bytes() == before


@pytest.mark.slow
def test_another_run_is_not_overwritten_unless_asked(student, teacher, tmp_path):
    shutil.copytree(student, tmp_path / "run")
    with pytest.raises(CannotCreate, match="another run"):
        finish(small(teacher, tmp_path / "run", calls=1))
    finish(small(teacher, tmp_path / "run", calls=1, overwrite=True))
    assert load(tmp_path / "run").config.distillation.calls == 1


@pytest.mark.slow
def test_a_teacher_that_changed_is_noticed(teacher, tmp_path):
    shutil.copytree(teacher, tmp_path / "teacher")
    work = small(tmp_path / "teacher", tmp_path / "run")
    next(work)
    work.close()
    run = Run.open(tmp_path / "teacher")
    made = run.load()
    made.tensors["ema"]["enter.weight"] += 1
    shutil.rmtree(run.checkpoints_folder)
    run.save(made)
    with pytest.raises(DataError, match="has changed"):
        finish(continue_distillation(tmp_path / "run"))
    shutil.rmtree(tmp_path / "teacher")
    with pytest.raises(MissingInput):
        finish(continue_distillation(tmp_path / "run"))


@pytest.mark.slow
def test_a_damaged_shard_is_told(teacher, tmp_path):
    work = small(teacher, tmp_path / "run")
    next(work)
    work.close()
    shard = tmp_path / "run" / "walks" / "shard-00000.safetensors"
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(OSError, match="delete it: it is recorded again"):
        finish(continue_distillation(tmp_path / "run"))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["trajectory", "consistency"])
@pytest.mark.parametrize("calls", [1, 2, 4])
def test_each_method_makes_students_of_each_number_of_calls(teacher, tmp_path, method, calls):
    more = (*SMALL, f"distillation.method={method}", "distillation.walk_steps=12")
    finish(distill(teacher, tmp_path / "run", calls=calls, assignments=more))
    tti = TextToImage.from_pretrained(tmp_path / "run")
    assert tti.settings().sampler == {"trajectory": "ddim"}.get(method, method)
    assert len(list(tti.walk("left"))) == calls


@pytest.mark.slow
def test_what_cannot_be_distilled_is_refused_and_nothing_is_written(student, teacher, tmp_path):
    eps = tiny_run(tmp_path / "eps", diffusion={"parameterization": "eps"}).folder
    for model, calls, more, message in (
        (student, 1, (), "itself distilled"),
        (eps, 1, (), "predicts eps"),
        (teacher, 3, (), "calls = 3"),
        (teacher, 4, ("distillation.walk_steps=2",), "too few for 4 calls"),
        (teacher, 1, ("distillation.method=magic",), "unknown method"),
        (teacher, 1, ("distillation.features=clip",), "needs a CLIP"),
    ):
        with pytest.raises(UsageError, match=message):
            finish(distill(model, tmp_path / "run", calls=calls, assignments=(*SMALL, *more)))
        assert not (tmp_path / "run" / "config.yaml").exists()
    with pytest.raises(MissingInput, match="no distillation"):
        finish(continue_distillation(teacher))


@pytest.mark.slow
def test_it_can_be_packed_and_says_nothing_of_its_makers_folders(student, tmp_path):
    packed = pack(student, tmp_path / "packed")
    ours, theirs = TextToImage.from_pretrained(student), TextToImage.from_pretrained(packed)
    ours, theirs = (list(one.walk("right", n=2))[-1].x_prev for one in (ours, theirs))
    assert torch.allclose(ours, theirs, atol=0.05)
    config = json.loads((packed / "config.json").read_text())["config"]
    assert "/" not in config["distillation"]["teacher"]
    assert not (packed / "walks").exists()


@pytest.mark.slow
def test_the_licence_of_the_teacher_comes_along(teacher, tmp_path):
    shutil.copytree(teacher, tmp_path / "teacher")
    notice = {"licence": "CC-BY-SA-3.0", "attribution": "Somebody's pictures."}
    (tmp_path / "teacher" / "licence.json").write_text(json.dumps({"notices": [notice]}))
    finish(small(tmp_path / "teacher", tmp_path / "run"))
    assert notices_of(tmp_path / "run") == [notice]


@pytest.mark.slow
def test_links_in_a_teacher_lead_nowhere(teacher, tmp_path):
    shutil.copytree(teacher, tmp_path / "teacher")
    (tmp_path / "secret.json").write_text('{"password": "x"}')
    (tmp_path / "teacher" / "judge").mkdir()
    for name in ("judge/judge.json", "coverage.json"):
        (tmp_path / "teacher" / name).symlink_to(tmp_path / "secret.json")
    work = small(tmp_path / "teacher", tmp_path / "run")
    next(work)
    work.close()
    assert not (tmp_path / "run" / "judge").exists()
    assert not (tmp_path / "run" / "coverage.json").exists()


def test_a_student_is_not_trained_like_others(student):
    from ddpm_clip.training.prepare.checks import check_parts

    with pytest.raises(UsageError, match="not trained like others"):
        check_parts(Run.open(student).config)
