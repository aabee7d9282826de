"""`train` and `resume`: what they accept, refuse, say, and leave behind."""

import json
import shutil
import tarfile

import pytest
import yaml

from ddpm_clip.cli import training_steps
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.errors import NonFiniteError


@pytest.fixture
def photos(tmp_path):
    """Two classes of pictures in a folder."""
    for name, seed in (("left", 1), ("right", 2)):
        write_folder(tmp_path / "photos" / name, 8, size=16, seed=seed)
    return tmp_path / "photos"


def test_print_config_is_yaml_that_names_the_origin_of_every_value(cli, tiny):
    ended = cli(
        "train",
        "mnist",
        "--config",
        tiny,
        "--steps",
        7,
        "--set",
        "training.lr=1e-4",
        "--print-config",
    )
    assert ended.code == 0
    config = yaml.safe_load(ended.out)
    assert config["training"]["steps"] == 7
    assert config["data"]["source"] == "mnist"
    origins, section = {}, ""
    for line in ended.out.splitlines():
        words, _, origin = line.partition("#")
        section = section if origin else words.strip(": ")
        origins[f"{section}.{words.split(':')[0].strip()}"] = origin.strip()
    keys = ("steps", "lr", "warmup", "weight_decay")
    told = {key: origins[f"training.{key}"] for key in keys}
    assert told == {"steps": "flag", "lr": "--set", "warmup": str(tiny), "weight_decay": "default"}
    assert origins["data.source"] == "flag"
    assert origins["generation.steps"] == str(tiny), "of the same name as a key of another section"
    assert config["training"]["lr"] == 1e-4


def test_print_config_as_json(cli, tiny):
    told = json.loads(cli("train", "--config", tiny, "--print-config", "--json").out)["config"]
    assert told["training.steps"] == {"value": 4, "origin": str(tiny)}
    assert told["training.clip"]["origin"] == "default"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--preset", "digit"), 2, "'digits'"),
        (("--set", "training.stesp=3"), 2, "'training.steps'"),
        (("--set", "training.lr"), 2, "KEY=VALUE"),
        (("--set", "training.lr=-1"), 2, "training.lr"),
        (("--steps", "-1"), 2, "--steps"),
        (("--config", "nowhere.yaml"), 66, "nowhere.yaml"),
        (("--resume", "--out", "nowhere"), 66, "nowhere"),
        ((), 2, "no pictures"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(
    cli, monkeypatch, tmp_path, words, code, said
):
    monkeypatch.chdir(tmp_path)
    ended = cli("train", *words)
    assert ended.code == code
    assert said in ended.err
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_exits_66_and_leaves_nothing(cli, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli("train", "photos/", "--set", "embedder.name=labels").code == 66
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_exits_65_and_leaves_nothing(cli, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    assert cli("train", "photos/", "--set", "embedder.name=labels").code == 65
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_folder_of_corrupt_files_exits_65_and_its_run_folder_is_free_again(cli, tiny, tmp_path):
    bad, out = tmp_path / "bad" / "class", tmp_path / "out"
    bad.mkdir(parents=True)
    (bad / "a.jpg").write_bytes(b"no picture")
    ended = cli("train", tmp_path / "bad", "--config", tiny, "--out", out)
    assert ended.code == 65
    assert "a.jpg" in ended.err
    assert not out.exists()


@pytest.mark.parametrize(
    "setting",
    [
        "data.image_size=33",
        "training.device=abacus",
        "conditioning.bridge=shaft",
        "generation.sampler=dpmpp",
        "generation.steps=5000",
        "generation.grid_guidance=[99]",
        "generation.clamp=hard",
        "training.optimizer=adam",
        "diffusion.weighting=none",
        "diffusion.noise_levels=normal",
        "diffusion.parameterization=x0",
        "embedder.name=clip",
    ],
)
def test_what_no_network_can_be_is_told_before_anything_is_embedded(
    cli, tiny, photos, tmp_path, setting
):
    words = ("train", photos, "--config", tiny, "--out", tmp_path / "out", "--set", setting)
    ended = cli(*words)
    assert ended.code == 2
    assert setting.split("=")[1].strip("[]") in ended.err
    assert not (tmp_path / "out").exists()


def test_more_processes_than_pictures_a_step_are_told_before_anything_is_embedded(
    cli, tiny, photos, tmp_path, monkeypatch
):
    from ddpm_clip.training.process_group import ProcessGroup

    monkeypatch.setattr("ddpm_clip.training.process_group.join", lambda device: ProcessGroup(0, 9))
    ended = cli("train", photos, "--config", tiny, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "9 processes have only 8 pictures per step" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_bad_input_never_takes_away_what_was_embedded(cli, tiny, photos, tmp_path):
    words = ("train", photos, "--config", tiny, "--out", tmp_path / "out")
    still = ("--set", "generation.prompts=[left]")
    ended = cli(*words, *still, "--init", "flowers")  # weights that do not fit
    assert ended.code == 2
    assert "--overwrite" in ended.err
    shard = tmp_path / "out" / "embeddings" / "shard-00000.safetensors"
    embedded = shard.stat().st_mtime_ns
    assert cli(*words, *still, "--overwrite", "--stop-after", 1).code == 0
    assert shard.stat().st_mtime_ns == embedded


@pytest.mark.slow
def test_bad_input_never_takes_away_a_run_that_has_steps(cli, tiny, photos, tmp_path):
    words = ("train", photos, "--config", tiny, "--out", tmp_path / "out")
    assert cli(*words, "--stop-after", 2).code == 0
    for picture in photos.rglob("*.png"):
        picture.write_bytes(b"no picture")
    assert cli(*words).code == 65
    assert (tmp_path / "out" / "checkpoints" / "step-000002").is_dir()


@pytest.mark.slow
def test_an_out_folder_with_another_run_or_other_files_exits_73(cli, tiny, run, photos):
    other = cli("train", "--config", tiny, "--out", run, "--set", "training.lr=0.5")
    assert other.code == 73
    assert "training.lr" in other.err
    assert "--overwrite" in other.err
    assert cli("train", "--config", tiny, "--out", photos).code == 73


def test_a_run_holds_all_that_a_person_looks_at(run):
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "history.jsonl", "loss.png", "forward.png", "samples"} <= names
    assert [p.name for p in sorted((run / "samples").iterdir())] == [
        "step-000002.png",
        "step-000004.png",
    ]
    assert not list(run.glob("*.gif"))


@pytest.mark.slow
def test_a_stopped_run_says_how_to_go_on_and_does(cli, tiny, tmp_path):
    folder = tmp_path / "run"
    stopped = cli("train", "--config", tiny, "--out", folder, "--stop-after", 3)
    assert stopped.code == 0
    assert stopped.out == f"{folder}\n"
    assert stopped.err.splitlines()[-1].endswith(f"Continue: ddpm-clip resume {folder}")
    assert "step 3" in stopped.err
    ended = cli("resume", folder, "--json")
    assert ended.code == 0
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["step"] for line in lines if line["event"] == "step"] == [4]
    assert lines[-1]["event"] == "end"
    assert lines[-1]["step"] == 4
    assert len((folder / "history.jsonl").read_text().splitlines()) == 4


@pytest.mark.slow
def test_resuming_a_finished_run_exits_0_and_changes_nothing(cli, run):
    before = (run / "history.jsonl").read_bytes()
    for words in (("resume", run), ("train", "--resume", "--out", run)):
        ended = cli(*words)
        assert ended.code == 0
        assert "finished" in ended.err
    assert (run / "history.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_finished_run_goes_on_when_it_gets_more_steps(cli, run, tmp_path):
    longer = tmp_path / "longer"
    shutil.copytree(run, longer)
    assert cli("resume", longer, "--steps", 5).code == 0
    assert len((longer / "history.jsonl").read_text().splitlines()) == 5


@pytest.mark.slow
def test_unusable_pictures_are_named_and_left_out(cli, tiny, photos, tmp_path):
    (photos / "left" / "note.png").write_text("no picture")
    folder = tmp_path / "run"
    ended = cli(
        "train",
        photos,
        "--config",
        tiny,
        "--out",
        folder,
        "--steps",
        1,
        "--set",
        "generation.prompts=[left]",
    )
    assert ended.code == 0
    assert "left/note.png (not-an-image)" in ended.err
    bad = json.loads((folder / "bad_files.json").read_text())["bad"]
    assert [file["key"] for file in bad] == ["left/note.png"]


@pytest.mark.slow
def test_a_run_that_goes_on_with_other_pictures_says_so(cli, tiny, photos, tmp_path):
    words = (
        "train",
        photos,
        "--config",
        tiny,
        "--out",
        tmp_path / "run",
        "--set",
        "generation.prompts=[left]",
    )
    assert "others than before" not in cli(*words, "--stop-after", 2).err
    assert "others than before" not in cli(*words, "--stop-after", 1).err
    next((photos / "left").glob("*.png")).unlink()
    ended = cli(*words)
    assert ended.code == 0
    assert "the pictures have changed (16 before, 15 now)" in ended.err


@pytest.mark.slow
def test_one_picture_warns_and_trains(cli, tiny, tmp_path):
    write_folder(tmp_path / "one" / "rose", 1, size=16, seed=1)
    ended = cli(
        "train",
        tmp_path / "one",
        "--config",
        tiny,
        "--out",
        tmp_path / "run",
        "-q",
        "--steps",
        1,
        "--set",
        "generation.prompts=[rose]",
    )
    assert ended.code == 0
    assert "warning: there is only one picture" in ended.err


@pytest.mark.slow
def test_a_source_given_as_a_path_is_found_from_any_folder(
    cli, tiny, photos, monkeypatch, tmp_path
):
    monkeypatch.chdir(photos.parent)
    words = ("--config", tiny, "--set", "generation.prompts=[left]")
    assert cli("train", "photos", *words, "--stop-after", 1).out == "runs/photos\n"
    monkeypatch.chdir(tmp_path / "runs")
    assert cli("resume", "photos").code == 0


@pytest.mark.slow
def test_embeddings_made_before_spare_the_training_its_own(cli, tiny, photos, tmp_path):
    words = (photos, "--config", tiny)
    refused = cli("train", *words, "--out", tmp_path / "a", "--skip-clip-extraction")
    assert refused.code == 65
    assert "16 pictures" in refused.err
    assert cli("embed", *words, "--out", tmp_path / "embedded").code == 0
    given = ("--embeddings", tmp_path / "embedded", "--set", "generation.prompts=[left]")
    taken = cli("train", *words, *given, "--out", tmp_path / "b", "--skip-clip-extraction")
    assert taken.code == 0, taken.err


def test_embeddings_that_are_not_there_exit_66(cli, tiny, photos, tmp_path):
    ended = cli(
        "train", photos, "--config", tiny, "--out", tmp_path / "r", "--embeddings", tmp_path
    )
    assert ended.code == 66


def test_embeddings_in_parts_are_to_be_merged_first(cli, tiny, photos, tmp_path):
    words, parts = (photos, "--config", tiny), tmp_path / "parts"
    assert cli("embed", *words, "--out", parts, "--shard", "0/2").code == 0
    ended = cli("train", *words, "--out", tmp_path / "r", "--embeddings", parts)
    assert ended.code == 66
    assert f"--out {parts} --merge" in ended.err


@pytest.mark.slow
def test_embed_counts_the_classes_that_a_training_counts(cli, tiny, photos, tmp_path):
    (photos / "middle").mkdir()
    (photos / "middle" / "a.png").write_bytes(b"no picture")
    words, given = (photos, "--config", tiny), ("--embeddings", tmp_path / "embedded")
    assert cli("embed", *words, "--out", tmp_path / "embedded").code == 0
    taken = cli(
        "train",
        *words,
        *given,
        "--out",
        tmp_path / "b",
        "--skip-clip-extraction",
        "--stop-after",
        1,
    )
    assert taken.code == 0, taken.err


@pytest.mark.slow
def test_an_unbroken_run_equals_a_stopped_and_resumed_one(cli, tiny, run, tmp_path):
    folder = tmp_path / "run"
    cli("train", "--config", tiny, "--out", folder, "--stop-after", 3)
    cli("resume", folder)
    for name in ("model", "ema", "optimizer"):
        ours = run / "checkpoints" / "step-000004" / f"{name}.safetensors"
        theirs = folder / "checkpoints" / "step-000004" / f"{name}.safetensors"
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.slow
def test_a_model_without_any_condition_trains_and_refuses_words(cli, tiny, tmp_path):
    out = tmp_path / "wordless"
    ended = cli(
        "train",
        "--config",
        tiny,
        "--out",
        out,
        "--set",
        "conditioning.c_drop_prob=1",
        "--set",
        "generation.unconditional=true",
    )
    assert ended.code == 0, ended.err
    assert list((out / "samples").glob("*.png"))
    ended = cli("generate", "rose", "--model", out, "--out", tmp_path / "rose.png")
    assert ended.code == 2
    assert "--clip-guidance" in ended.err
    plain = tmp_path / "any.png"
    assert cli("generate", "--unconditional", "--model", out, "-n", 1, "--out", plain).code == 0
    assert plain.is_file()


@pytest.mark.slow
def test_samples_with_nan_do_not_end_a_training(cli, tiny, tmp_path, monkeypatch):
    def spoilt(run, step):
        raise NonFiniteError("a picture has NaN or infinite values")

    monkeypatch.setattr(training_steps, "write_samples", spoilt)
    ended = cli("train", "--config", tiny, "--out", tmp_path / "run")
    assert ended.code == 0
    assert "warning: no samples at step 2: a picture has NaN" in ended.err


@pytest.mark.slow
def test_a_run_inside_the_picture_folder_does_not_change_the_data(cli, tiny, tmp_path):
    photos, words = tmp_path / "photos", ("--config", tiny, "--set", "data.max_samples=null")
    write_folder(photos / "rose", 12, size=16, seed=1)
    first = cli("train", photos, *words, "--out", photos / "run")
    assert first.code == 0
    before = (photos / "run" / "pictures.json").read_text()
    assert cli("generate", "rose", "--model", photos / "run", "--out", photos / "painted").code == 0
    second = cli("train", photos, *words, "--out", photos / "again")
    assert second.code == 0
    assert (photos / "again" / "pictures.json").read_text() == before
    classes = json.loads((photos / "again" / "classes.json").read_text())["classes"]
    assert not {"run", "again", "painted"} & set(classes)
    assert "2 runs, 2 painted pictures, 1 sheet or figure (made by ddpm-clip" in second.err
    assert second.err.count("left out") == 1


@pytest.fixture
def stopped(cli, tiny, photos, tmp_path):
    """A run on `photos` that is half done."""
    out = tmp_path / "run"
    assert cli("train", photos, "--config", tiny, "--out", out, "--stop-after", 2).code == 0
    return out


@pytest.mark.slow
def test_a_run_goes_on_where_its_pictures_are_now(cli, stopped, photos, tmp_path):
    now = tmp_path / "now"
    photos.rename(now)
    lost = cli("resume", stopped)
    assert lost.code == 66
    assert f"if they were moved: ddpm-clip resume {stopped} --source PLACE" in lost.err
    assert cli("resume", stopped, "--source", tmp_path / "nowhere").code == 66
    found = cli("resume", stopped, "--source", now)
    assert found.code == 0, found.err
    assert "have changed" not in found.err
    assert yaml.safe_load((stopped / "config.yaml").read_text())["data"]["source"] == str(now)
    assert cli("resume", stopped).code == 0


@pytest.mark.slow
def test_other_pictures_are_not_taken_for_those_that_were_moved(cli, stopped, photos, tmp_path):
    now = tmp_path / "now"
    shutil.copytree(photos, now)
    picture = sorted((now / "left").glob("*.png"))[0]
    before = (stopped / "config.yaml").read_text()

    def refused(what):
        ended = cli("resume", stopped, "--source", now)
        assert ended.code == 65
        assert what in ended.err
        assert (stopped / "config.yaml").read_text() == before

    picture.write_bytes(sorted((now / "right").glob("*.png"))[0].read_bytes())
    refused(f"1 have another content, for example left/{picture.name}")
    picture.unlink()
    refused(f"1 are not there, for example left/{picture.name}")
    shutil.copy(photos / "left" / picture.name, picture)
    shutil.copy(picture, now / "new.png")
    refused("1 are new, for example new.png")
    ended = cli("train", now, "--out", stopped, "--config", stopped / "config.yaml")
    assert ended.code == 73
    assert f"if the pictures were moved: ddpm-clip resume {stopped} --source PLACE" in ended.err


@pytest.mark.slow
def test_a_run_that_holds_its_pictures_goes_on_without_their_source(cli, tiny, photos, tmp_path):
    with tarfile.open(tmp_path / "p.tar.gz", "w:gz") as tar:
        tar.add(photos, "photos")
    out, source = tmp_path / "run", f"wds:{tmp_path / 'p.tar.gz'}"
    words = ("--config", tiny, "--set", "data.max_samples=12", "--stop-after", 2)
    assert cli("train", source, *words, "--out", out).code == 0
    (tmp_path / "p.tar.gz").unlink()
    assert cli("resume", out, "--stop-after", 1).code == 0
    ended = cli("resume", out, "--source", tmp_path / "anywhere")
    assert ended.code == 0
    assert "holds its pictures itself; --source is not needed" in ended.err


def test_steps_and_minutes_contradict_each_other(cli, tmp_path):
    ended = cli("train", "drawn-flowers:40", "--steps", 3, "--minutes", 1, "--out", tmp_path / "a")
    assert ended.code == 2
    assert "--steps and --minutes" in ended.err
    assert not (tmp_path / "a").exists() or not any((tmp_path / "a").iterdir())


@pytest.mark.slow
def test_a_training_of_given_minutes_says_its_plan_and_keeps_it(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("ddpm_clip.training.planning.planning.CALIBRATION", 0.2)
    keys = {
        "model.down_chs": "[8,16]",
        "model.blocks": 1,
        "model.attention": 0,
        "generation.steps": 1,
        "embedder.name": "labels",
        "data.image_size": 16,
        "training.sample_every": 0,
        "training.batch_size": 8,
        "data.heldout": 4,
    }
    words = [word for key, value in keys.items() for word in ("--set", f"{key}={value}")]
    command = ["train", "drawn-flowers:40", "--out", tmp_path / "run", "--no-animation", *words]
    first = cli(*command, "--minutes", 0.5, "--stop-after", 3)
    assert first.code == 0, first.err
    assert "Plan for 0.5 min on" in first.err
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert plan["chosen"]["training.steps"] >= 3
    assert plan["now"]["step"] == 3
    assert 0 < plan["now"]["spent"] < 60
    again = cli(*command, "--minutes", 0.5, "--stop-after", 1)
    assert again.code == 0, again.err
    assert "Plan for" not in again.err
    assert cli("resume", tmp_path / "run", "--steps", 9).code == 2
