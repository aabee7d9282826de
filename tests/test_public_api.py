"""What others may rely on: the names, how little an import costs, and what is never needed."""

import importlib
import inspect
import re
import subprocess
import sys
from importlib import metadata, resources, util

import pytest

import ddpm_clip
from ddpm_clip.models import DDPM, EMA, UNet

HEAVY = (
    "torch",
    "numpy",
    "transformers",
    "matplotlib",
    "pyarrow",
    "pydantic",
    "PIL",
    "rich",
    "jinja2",
)


def python(code):
    """Run `code` in a fresh interpreter; what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_heavy_and_costs_no_time():
    code = (
        "import sys, time; start = time.process_time(); import ddpm_clip; "
        "print(time.process_time() - start, *(set(sys.modules) & set({heavy!r})))"
    )
    seconds, *loaded = python(code.format(heavy=HEAVY)).split()
    assert loaded == []
    assert float(seconds) < 0.5


@pytest.mark.slow
def test_the_core_needs_neither_transformers_nor_matplotlib():
    code = (
        "import sys, ddpm_clip.models, ddpm_clip.conditioning.conditioner; "
        "import ddpm_clip.embedders, ddpm_clip.runs.run; "
        "print(*(set(sys.modules) & {'transformers', 'matplotlib', 'pyarrow'}))"
    )
    assert python(code) == ""


def test_every_name_in_the_shop_window_can_be_had():
    assert set(dir(ddpm_clip)) == set(ddpm_clip.__all__)
    for name in ddpm_clip.__all__:
        assert getattr(ddpm_clip, name) is not None


def test_the_shop_window_is_what_it_was():
    assert set(ddpm_clip.__all__) == {
        "__version__",
        "TextToImage",
        "Config",
        "NoiseSchedule",
        "DDPM",
        "UNet",
        "EMA",
        "Conditioner",
        "Run",
        "train",
        "DdpmClipError",
    }


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Unet'"):
        _ = ddpm_clip.Unet


def test_the_version_is_that_of_the_package():
    assert metadata.version("ddpm-clip") == ddpm_clip.__version__


def parameters(function):
    return list(inspect.signature(function).parameters)


def test_the_seeds_names_live_where_they_are_promised():
    assert parameters(UNet)[:6] == [
        "T",
        "img_ch",
        "img_size",
        "down_chs",
        "t_embed_dim",
        "c_embed_dim",
    ]
    defaults = inspect.signature(UNet).parameters
    assert defaults["down_chs"].default == (256, 256, 512)
    assert (defaults["t_embed_dim"].default, defaults["c_embed_dim"].default) == (8, 512)
    assert parameters(DDPM)[:2] == ["B", "device"]
    for method in ("q", "get_loss", "get_context_mask", "reverse_q", "sample", "sample_w"):
        assert callable(getattr(DDPM, method)), method
    assert parameters(DDPM.sample)[1:3] == ["model", "c"]
    for method in ("register", "update", "apply_shadow", "restore"):
        assert callable(getattr(EMA, method)), method


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("ddpm_clip.models", ["UNet", "DDPM", "EMA"]),
        ("ddpm_clip.data", ["CLIPDataset", "extract_clip_embeddings"]),
        ("ddpm_clip.utils.visualization", ["to_image", "save_animation", "generation_image"]),
    ],
)
def test_the_seeds_imports_work(module, names):
    for name in names:
        assert callable(getattr(importlib.import_module(module), name))


def test_torchvision_is_neither_declared_nor_imported_nor_installed():
    declared = [re.split(r"[^\w-]", line)[0] for line in metadata.requires("ddpm-clip")]
    assert {"torchvision", "open-clip-torch", "timm"}.isdisjoint(declared)
    assert util.find_spec("torchvision") is None


def test_the_package_says_that_it_is_typed():
    assert (resources.files("ddpm_clip") / "py.typed").is_file()


def test_every_all_of_a_family_is_true():
    for name in ("models", "embedders", "data", "diffusion.samplers"):
        module = importlib.import_module(f"ddpm_clip.{name}")
        for exported in module.__all__:
            assert hasattr(module, exported), f"{name}.{exported}"
