"""Configuration: layers in order, slips named with the nearest key, nothing ever half-read."""

import math

import pytest
import yaml

from ddpm_clip.config.resolve import (
    Layer,
    assignments_layer,
    dotted_keys,
    environment_layer,
    flatten,
    merge,
    preset_names,
    read_yaml,
    resolve,
)
from ddpm_clip.config.schema import SECTIONS, Config
from ddpm_clip.errors import ConfigError, MissingInput


def settled(**options):
    return resolve(environ={}, **options)[0]


def test_later_layers_go_before_earlier_ones(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("preset: digits\ntraining:\n  lr: 0.5\n  clip: 0.5\n  warmup: 5\n  seed: 5\n")
    config, origins = resolve(
        file=file,
        environ={
            "DDPM_CLIP_TRAINING__CLIP": "0.25",
            "DDPM_CLIP_TRAINING__WARMUP": "6",
            "DDPM_CLIP_TRAINING__SEED": "6",
        },
        assignments=["training.warmup=7", "training.seed=7"],
        flags={"training.seed": 8, "training.steps": None},
    )
    training = config.training
    assert (training.lr, training.clip, training.warmup, training.seed) == (0.5, 0.25, 7, 8)
    assert config.preset == "digits"
    assert config.data.channels == settled(preset="digits").data.channels
    assert origins["training.lr"] == str(file)
    assert origins["training.clip"] == "environment"
    assert origins["training.warmup"] == "--set"
    assert origins["training.seed"] == "flag"


def test_a_preset_asked_for_goes_under_the_file_and_gives_its_name(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("training: {lr: 0.5}\n")
    config = settled(preset="digits", file=file)
    assert config.preset == "digits"
    assert config.training.lr == 0.5


def test_a_preset_asked_for_takes_the_place_of_the_one_in_the_file(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("preset: flowers\n")
    assert settled(preset="digits", file=file) == settled(preset="digits")
    assert settled(file=file) == settled(preset="flowers")


@pytest.mark.parametrize("name", preset_names())
def test_every_shipped_preset_is_a_sound_config(name):
    assert settled(preset=name).preset == name


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="unknown preset 'digts'") as refused:
        settled(preset="digts")
    assert refused.value.exit_code == 2
    assert "did you mean 'digits'" in refused.value.fix


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("training.lrr", "training.lr"),
        ("trainning.steps", "training.steps"),
        ("traning.clip", "training.clip"),
        ("batchsize", "batch_size"),
    ],
)
def test_an_unknown_key_names_the_nearest_and_where_it_came_from(key, nearest):
    with pytest.raises(ConfigError, match="unknown config key") as refused:
        settled(assignments=[f"{key}=1"])
    assert nearest in refused.value.fix
    assert "--set" in refused.value.why
    assert refused.value.param == key


@pytest.mark.parametrize(
    "assignment",
    [
        "training.steps=-1",
        "training.batch_size=0",
        "training.lr=.nan",
        "training.lr=.inf",
        "training.steps=many",
        "data.channels=2",
        "conditioning.c_drop_prob=1.5",
        "training.clip=0",
        "diffusion.beta_end=0.00001",
        "generation.steps=0",
        "data.image_size=2",
        "training.dtype=float64",
        "training.seed=-1",
        "model.down_chs=[]",
        "model.down_chs=[16, 0]",
        "model.t_embed_dim=7",
    ],
)
def test_a_value_out_of_range_is_refused_by_key(assignment):
    with pytest.raises(ConfigError, match="bad value for") as refused:
        settled(assignments=[assignment])
    assert refused.value.exit_code == 2
    assert refused.value.param.startswith(assignment.partition(".")[0])


@pytest.mark.parametrize("assignment", ["training.lr", "=1", "training.lr=[1"])
def test_a_malformed_assignment_is_refused(assignment):
    with pytest.raises(ConfigError, match="--set"):
        assignments_layer([assignment])


def test_a_malformed_environment_variable_is_refused_by_name():
    with pytest.raises(ConfigError, match="DDPM_CLIP_TRAINING__LR"):
        environment_layer({"DDPM_CLIP_TRAINING__LR": "[1"})


def test_other_variables_of_ours_are_no_config():
    layer = environment_layer(
        {"DDPM_CLIP_DATA": "/x", "PATH": "y", "DDPM_CLIP_TRAINING__LR": "1e-4"}
    )
    assert layer.values.keys() == {"training.lr"}


@pytest.mark.parametrize(("text", "number"), [("1e-4", 1e-4), ("5E+1", 50.0), ("2e3", 2000.0)])
def test_a_number_with_an_exponent_is_a_number(text, number):
    assert settled(assignments=[f"training.lr={text}"]).training.lr == number


def test_a_name_with_an_e_in_it_stays_a_name():
    config = settled(assignments=["data.source=3elephants", "embedder.model=1e5e"])
    assert (config.data.source, config.embedder.model) == ("3elephants", "1e5e")


def test_the_seeds_flat_keys_find_their_section():
    config, _ = merge_file(
        {
            "img_size": 64,
            "timesteps": 400,
            "c_drop_prob": 0.2,
            "batch_size": 8,
            "down_channels": [64, 128],
            "learning_rate": 1e-4,
        }
    )
    assert config.data.image_size == (64, 64)
    assert config.diffusion.timesteps == 400
    assert config.conditioning.c_drop_prob == 0.2
    assert config.model.down_chs == (64, 128)
    assert (config.training.batch_size, config.training.lr) == (8, 1e-4)


def merge_file(tree):
    from ddpm_clip.config.resolve import Layer

    return merge([Layer("file", flatten(tree, "file"))])


def test_a_config_survives_the_way_through_yaml():
    config = settled(assignments=["model.down_chs=[8, 16]", "generation.interval=null"])
    tree = yaml.safe_load(yaml.safe_dump(config.model_dump(mode="json")))
    assert merge_file(tree)[0] == config


def test_a_config_cannot_be_changed():
    config = Config()
    with pytest.raises(ValueError, match="frozen"):
        config.training.lr = 1.0


def test_every_key_has_a_description_and_a_finite_default():
    for key, description in dotted_keys().items():
        assert len(description) > 5, key
    for section in SECTIONS:
        for value in getattr(Config(), section).model_dump().values():
            assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "cannot read"),
        (b"- 1\n- 2\n", "must contain sections"),
        (b"\xff\xfe", "cannot read"),
        (b"3\n", "must contain sections"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, message):
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_yaml(tmp_path / "c.yaml")


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing\n")
    assert settled(file=tmp_path / "c.yaml") == Config()


def test_a_missing_file_is_a_missing_input(tmp_path):
    with pytest.raises(MissingInput, match="config file not found"):
        settled(file=tmp_path / "absent.yaml")


def test_a_file_that_runs_code_when_read_carelessly_is_refused(tmp_path):
    trap = tmp_path / "trap"
    (tmp_path / "c.yaml").write_text(f"!!python/object/apply:os.mkdir ['{trap}']\n")
    with pytest.raises(ConfigError):
        read_yaml(tmp_path / "c.yaml")
    assert not trap.exists()


def test_a_section_that_is_no_mapping_is_refused():
    with pytest.raises(ConfigError, match="section 'training' must contain keys"):
        flatten({"training": 3})


@pytest.mark.parametrize(("given", "written"), [(28, 28), ([28, 28], 28), ([16, 24], [16, 24])])
def test_a_picture_size_is_written_as_earlier_versions_did_where_it_is_a_square(given, written):
    config, _ = merge([Layer("test", {"data.image_size": given})])
    dumped = config.model_dump(mode="json")
    assert dumped["data"]["image_size"] == written
    assert Config.model_validate(dumped) == config
    assert config == merge([Layer("test", flatten({"img_size": given}))])[0]  # the flat key
