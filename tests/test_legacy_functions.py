"""What the earlier projects' programs call: it works here, or the page says what to call."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip import legacy_functions
from ddpm_clip.data.csv_exchange.embedding_csv import write_csv
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.errors import ConfigError, UsageError
from ddpm_clip.legacy_functions import (
    MyDataset,
    SinusoidalTimeEmbedding,
    forward_diffusion_sample,
    get_context_mask,
    load_clip_model,
    load_config,
    plot_image_batch,
    plot_loss_curve,
    sample_cond_ddpm,
    sample_ddpm,
    sample_flowers,
    sample_w,
    save_config,
    setup_device,
    show_tensor_image,
)
from ddpm_clip.models import DDPM, UNet

PAGE = Path(__file__).resolve().parents[1] / "docs" / "earlier-projects.md"

FIRST = """UNet DDPM DDPM.q DDPM.get_loss DDPM.get_context_mask DDPM.reverse_q DDPM.sample
DDPM.sample_images sample_w visualize_diffusion_process save_animation generation_image to_image"""
COURSE = """MyDataset get_context_mask sample_flowers load_transformed_fashionMNIST
show_tensor_image plot_generated_images UNet_utils.UNet DownBlock UpBlock EmbedBlock
RearrangePoolBlock ResidualConvBlock GELUConvBlock SinusoidalPositionEmbedBlock
clip.load clip.tokenize"""
MNIST = """forward_diffusion_sample sample_ddpm SinusoidalTimeEmbedding UNetMNIST CondUNetMNIST
sample_cond_ddpm text_guided_ddpm clip_guidance_loss cfg_sampler"""
UNCLIP = """CharacterTokenizer DiffusionModel forward_process backward_process sample_new_images
ConditionalUNet plot_image_batch plot_class_embedding_directions show_clip_image_classification"""
XNOISE = """DDPM.generate_images_with_guidance EMA CLIPDataset extract_clip_embeddings Config
load_config save_config setup_device load_clip_model load_checkpoint delete_old_checkpoints
plot_loss_curve sample_from_text generate_samples fig_to_image analyze_diffusion_metrics
plot_diffusion_metrics analyze_prompt_alignment plot_prompt_alignment create_hdf5
collect_image_paths load_tiny_imagenet_labels_from_file"""
NAMES = " ".join((FIRST, COURSE, MNIST, UNCLIP, XNOISE)).split()
"""Every name of the five projects that somebody may look for."""

ROWS = [
    (re.findall(r"`([\w.]+)`", there), re.findall(r"`(ddpm_clip[\w.]*)`", here))
    for there, here in re.findall(r"^\| (`[^|]+) \| ([^|]+) \|[^|\n]*\|$", PAGE.read_text(), re.M)
]
HERE = {name: paths for there, paths in ROWS for name in there}


def found(path: str) -> object:
    """What a dotted path leads to, through modules, classes and attributes."""
    name, _, _ = path.partition(".")
    value: object = importlib.import_module(name)
    for part in path.split(".")[1:]:
        name = f"{name}.{part}"
        if not hasattr(value, part):
            importlib.import_module(name)
        value = getattr(value, part)
    return value


# The page


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_earlier_projects_is_on_the_page(name):
    assert name in HERE, f"{name} is not in a table of {PAGE.name}"


@pytest.mark.parametrize("path", sorted({path for paths in HERE.values() for path in paths}))
def test_what_the_page_says_to_call_is_there(path):
    assert callable(found(path))


def test_each_function_here_is_on_the_page_under_its_name():
    own = {
        name
        for name, value in vars(legacy_functions).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "") == "ddpm_clip.legacy_functions"
    }
    assert len(own) > 14
    for name in own:
        assert f"ddpm_clip.legacy_functions.{name}" in HERE[name]


@pytest.mark.parametrize(
    ("function", "there"),
    [
        (sample_w, ["model", "ddpm", "input_size", "T", "c", "device", "w_tests", "store_freq"]),
        (forward_diffusion_sample, ["x_0", "t", "noise"]),
        (sample_ddpm, ["model", "shape"]),
        (sample_cond_ddpm, ["model", "label", "n_samples"]),
        (get_context_mask, ["c", "drop_prob"]),
        (plot_image_batch, ["images", "n_row", "padding", "normalize", "cmap"]),
        (MyDataset, ["csv_path", "preprocessed_clip"]),
        (sample_flowers, ["text_list"]),
    ],
)
def test_arguments_have_the_order_that_they_had(function, there):
    assert list(inspect.signature(function).parameters)[: len(there)] == there


# The functions


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = UNet(20, 1, 8, (8, 16), 8, 4, blocks=1).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network


@pytest.fixture(scope="module")
def ddpm():
    return DDPM(cosine(20))


def test_noising_is_the_closed_form_of_the_cosine_schedule():
    x_0, t = torch.full((3, 1, 4, 4), 0.5), torch.tensor([0, 500, 999])
    x_t, noise = forward_diffusion_sample(x_0, t)
    alpha, sigma = (level.float().view(3, 1, 1, 1) for level in cosine(1000).at(t))
    assert torch.allclose(x_t, alpha * x_0 + sigma * noise, atol=1e-6)
    again, same = forward_diffusion_sample(x_0, t, noise)
    assert torch.equal(again, x_t)
    assert same is noise


def test_a_mask_has_one_number_a_picture():
    mask = get_context_mask(torch.ones(2000, 5), 0.25)
    assert mask.shape == (2000, 1)
    assert mask.mean().item() == pytest.approx(0.75, abs=0.04)


def test_the_time_embedding_is_the_published_one():
    out = SinusoidalTimeEmbedding(8)(torch.tensor([0, 1, 999]))
    assert out.shape == (3, 8)
    assert out[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert out[1, 0].item() == pytest.approx(torch.tensor(1.0).sin().item())
    assert out[2, 3].item() == pytest.approx(torch.tensor(0.0999).sin().item())
    with pytest.raises(UsageError, match="even"):
        SinusoidalTimeEmbedding(7)


@pytest.mark.slow
def test_the_sweep_of_weights_is_that_of_ddpm_and_stores_steps(network, ddpm):
    c, seeds = torch.randn(2, 4, generator=torch.Generator().manual_seed(1)), [3, 4]
    x, stored = sample_w(network, ddpm, (1, 8, 8), 20, c, "cpu", [-1, 0, 2], 8, seeds=seeds)
    same = ddpm.sample_w(network, c, [-1, 0, 2], sampler="ddpm", steps=20, seeds=seeds)
    assert torch.equal(x, same.flatten(0, 1))
    assert stored.shape == (4, 6, 1, 8, 8)  # steps 0, 8, 16 and the last picture
    assert torch.equal(stored[0, :2], stored[0, 2:4])  # every weight starts from the same noise
    assert torch.equal(stored[-1].clamp(-1, 1), x)
    assert not torch.equal(x[:2], x[4:])


def test_a_sweep_of_another_shape_is_refused(network, ddpm):
    with pytest.raises(UsageError, match=r"shape \(1, 8, 8\), not \(1, 28, 28\)"):
        sample_w(network, ddpm, (1, 28, 28), 20, torch.zeros(1, 4), "cpu")
    with pytest.raises(UsageError, match="at least 1"):
        sample_w(network, ddpm, (1, 8, 8), 20, torch.zeros(1, 4), "cpu", store_freq=0)


@pytest.mark.slow
def test_sampling_without_and_with_a_label(network, ddpm):
    free = sample_ddpm(network, (1, 8, 8), n_samples=2, ddpm=ddpm, seeds=[0, 1])
    labelled = sample_cond_ddpm(network, 3, 2, ddpm=ddpm, seeds=[0, 1])
    assert free.shape == labelled.shape == (2, 1, 8, 8)
    nothing = ddpm.sample(network, torch.ones(2, 4), scale=0.0, seeds=[0, 1], sampler="ddpm")
    assert torch.equal(free, nothing)  # whatever the condition is, it is not looked at
    c = F.one_hot(torch.tensor([3, 3]), 4).float()
    assert torch.equal(labelled, ddpm.sample(network, c, seeds=[0, 1], sampler="ddpm"))
    with pytest.raises(UsageError, match="label 4"):
        sample_cond_ddpm(network, 4, ddpm=ddpm)
    with pytest.raises(UsageError, match="shape"):
        sample_ddpm(network, ddpm=ddpm)


@pytest.mark.slow
def test_flowers_are_painted_at_each_weight():
    x, stored = sample_flowers(["a red rose", "a purple tulip"], T=3, w_tests=[0, 1])
    assert x.shape == (4, 3, 32, 32)
    assert stored.shape == (2, 4, 3, 32, 32)


def test_configs_of_the_earlier_projects_are_read_and_written(tmp_path):
    old = tmp_path / "old.yaml"
    old.write_text("img_size: 16\nbatch_size: 7\nguidance_weights: [0, 1]\n")
    config = load_config(old)
    assert (config.training.batch_size, config.generation.grid_guidance) == (7, (1, 2))
    assert load_config(save_config(config, tmp_path / "new.yaml")) == config
    old.write_text("learning_speed: 1\n")
    with pytest.raises(ConfigError, match="learning_speed"):
        load_config(old)


def test_a_device_is_found_or_refused():
    assert setup_device("cpu") == torch.device("cpu")
    with pytest.raises(UsageError, match="cannot be used"):
        setup_device("tpu")


@pytest.mark.slow
def test_a_clip_is_opened_by_its_name(monkeypatch):
    embedder, preprocess = load_clip_model("flowers")
    assert preprocess is None
    assert embedder.embed_texts(["a red rose"]).shape == (1, embedder.dim)
    asked = []
    monkeypatch.setattr(
        legacy_functions, "open_transformers_clip", lambda name, device: asked.append(name)
    )
    load_clip_model("ViT-B/32")
    load_clip_model("some/other")
    assert asked == ["openai/clip-vit-base-patch32", "some/other"]


def test_the_data_set_of_the_course_is_read(tmp_path):
    paths = [str(path) for path in write_folder(tmp_path / "photos", 2, size=32)]
    write_csv(tmp_path / "clip.csv", paths, torch.eye(2, 4))
    shown, row = MyDataset(tmp_path / "clip.csv", clip_features=4)[1]
    assert shown.shape == (3, 32, 32)
    assert row.tolist() == [0, 1, 0, 0]


def test_pictures_are_put_side_by_side_in_their_own_range():
    dark = torch.full((3, 1, 4, 4), -0.5)
    sheet = plot_image_batch(dark, n_row=2, padding=0)
    assert sheet.getpixel((0, 0)) == (64, 64, 64)  # not stretched to black or white
    assert plot_image_batch((dark + 1) / 2, 2, 0, normalize=False).tobytes() == sheet.tobytes()
    with pytest.raises(UsageError, match="viridis"):
        plot_image_batch(dark, cmap="viridis")
    assert show_tensor_image(dark).tobytes() == show_tensor_image(dark[0]).tobytes()


@pytest.mark.slow
def test_losses_are_drawn(tmp_path):
    assert plot_loss_curve([1.0, 0.5, 0.4, 0.3], tmp_path / "loss.png").stat().st_size > 1000
