"""Functions of the earlier projects, under their own names and with their own arguments.

    from ddpm_clip.legacy_functions import forward_diffusion_sample, load_config, sample_w

Programs and notebooks that were written for them find here what they call; new code calls what is
called here. `docs/earlier-projects.md` lists every name of those projects: those that are here,
those that kept their name (`UNet`, `DDPM`, `EMA`, `CLIPDataset`, `to_image`), and what to call in
place of the others. A weight `w` is a guidance scale less one: s = 1 + w.
"""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
import yaml
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.build import usable_device
from ddpm_clip.config.legacy_keys import OPENAI_NAMES
from ddpm_clip.config.resolve import file_layer, merge
from ddpm_clip.config.schema import Config
from ddpm_clip.data import CLIPDataset
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.embedders import open_transformers_clip
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.models import DDPM
from ddpm_clip.runs.pretrained import load
from ddpm_clip.types import Denoiser, Embedder
from ddpm_clip.utils.plots.curves import loss_curve
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.visualization import tensor_grid
from ddpm_clip.weights import shipped_names

W_TESTS = (-2, -1, -0.5, 0, 0.5, 1, 2)
"""Guidance weights of `sample_w`: -1 is without the condition, 0 with it, above 0 beyond it."""


# Noising and masks


def forward_diffusion_sample(
    x_0: Tensor, t: Tensor, noise: Tensor | None = None, *, ddpm: DDPM | None = None
) -> tuple[Tensor, Tensor]:
    """Noise x_0 (b, c, h, w) to timesteps t (b,); return x_t and the noise, both (b, c, h, w).

    Args:
        x_0: pictures.
        t: one timestep for each.
        noise: noise like x_0; None draws it.
        ddpm: the schedule; None is the cosine schedule of 1000 timesteps.
    """
    return (ddpm or _cosine_1000()).q(x_0, t, noise)


def get_context_mask(c: Tensor, drop_prob: float) -> Tensor:
    """Draw a mask (b, 1) over conditions c (b, e), which drops each as a whole.

    The earlier projects dropped single numbers of a condition; see `DDPM.get_context_mask`.
    """
    return DDPM.get_context_mask(c, drop_prob)


class SinusoidalTimeEmbedding(nn.Module):
    """Sines and cosines of the timestep (Vaswani et al. 2017): t (b,) -> (b, dim).

    The networks here use `models.layers.TimeEmbedding`, whose frequencies depend on T.

    Raises:
        UsageError: dim is odd or less than 4.
    """

    frequencies: Tensor

    def __init__(self, dim: int):
        super().__init__()
        if dim < 4 or dim % 2:
            raise UsageError(f"dim = {dim} must be even and at least 4", param="dim")
        exponents = torch.arange(dim // 2) / (dim // 2 - 1)
        self.register_buffer("frequencies", (-math.log(10_000) * exponents).exp())

    def forward(self, t: Tensor) -> Tensor:
        """(b,) -> (b, dim): the sines first."""
        angles = t.float()[:, None] * self.frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


# Sampling


def sample_w(
    model: Denoiser,
    ddpm: DDPM,
    input_size: Sequence[int],
    T: int,
    c: Tensor,
    device: torch.device | str,
    w_tests: Sequence[float] | None = None,
    store_freq: int = 10,
    **walk_options: Any,
) -> tuple[Tensor, Tensor]:
    """Sample conditions c (b, e) at each guidance weight, from the same noise, and store steps.

    Args:
        model: the denoiser.
        ddpm: schedule and parameterization.
        input_size: shape (c, h, w) of one picture.
        T: number of steps; that of the schedule visits every timestep.
        c: conditions, as a `Conditioner` makes them.
        device: where the pictures are made.
        w_tests: guidance weights; None takes `W_TESTS`.
        store_freq: every how many steps x_t is stored; the last is always.
        walk_options: further options of `DDPM.walk`; the sampler is `ddpm` unless given.

    Returns:
        Pictures (len(w_tests) * b, c, h, w) in [-1, 1], weight by weight, and the stored x_t
        (steps stored, len(w_tests) * b, c, h, w).

    Raises:
        UsageError: the network paints pictures of another shape, or store_freq is below 1.
    """
    if store_freq < 1:
        raise UsageError(f"store_freq = {store_freq} must be at least 1", param="store_freq")
    _check_shape(model, input_size)
    weights = W_TESTS if w_tests is None else w_tests
    seeds = walk_options.pop("seeds", None) or torch.randint(0, 2**32, (len(c),)).tolist()
    options: dict[str, Any] = {"sampler": "ddpm", "steps": T} | walk_options
    walk = ddpm.walk(
        model,
        c.to(device).repeat(len(weights), 1),
        scale=torch.tensor([1.0 + w for w in weights]).repeat_interleave(len(c)),
        seeds=seeds * len(weights),
        **options,
    )
    x, stored = torch.empty(0), list[Tensor]()
    for step in walk:
        x = step.x_prev
        if step.i % store_freq == 0:
            stored.append(step.x_t)
    return x.clamp(-1, 1), torch.stack([*stored, x])


def sample_ddpm(
    model: Denoiser,
    shape: Sequence[int] = (1, 28, 28),
    *,
    n_samples: int = 1,
    ddpm: DDPM | None = None,
    **walk_options: Any,
) -> Tensor:
    """Sample pictures (n_samples, *shape) in [-1, 1] without a condition, every timestep.

    Args:
        model: the denoiser; it is called with its null condition.
        shape: shape (c, h, w) of one picture.
        n_samples: number of pictures.
        ddpm: schedule and parameterization; None is the cosine schedule of 1000 timesteps and eps.
        walk_options: further options of `DDPM.walk`; the sampler is `ddpm` unless given.

    Raises:
        UsageError: the network paints pictures of another shape.
    """
    _check_shape(model, shape)
    ddpm = ddpm or _cosine_1000()
    c = torch.zeros(n_samples, model.c_embed_dim, device=ddpm.device)
    options = {"sampler": "ddpm", "steps": ddpm.T, "scale": 0.0} | walk_options
    return ddpm.sample(model, c, **options)


def sample_cond_ddpm(
    model: Denoiser,
    label: int,
    n_samples: int = 1,
    *,
    ddpm: DDPM | None = None,
    **walk_options: Any,
) -> Tensor:
    """Sample pictures (n_samples, c, h, w) in [-1, 1] of one class, every timestep.

    The condition is the one-hot vector of the label; other arguments are those of `sample_ddpm`.

    Raises:
        UsageError: the network does not know the label.
    """
    if not 0 <= label < model.c_embed_dim:
        raise UsageError(f"label {label} is not in 0 … {model.c_embed_dim - 1}", param="label")
    ddpm = ddpm or _cosine_1000()
    c = F.one_hot(torch.full((n_samples,), label), model.c_embed_dim).float()
    options = {"sampler": "ddpm", "steps": ddpm.T} | walk_options
    return ddpm.sample(model, c.to(ddpm.device), **options)


def sample_flowers(
    text_list: Sequence[str], *, T: int = 20, **options: Any
) -> tuple[Tensor, Tensor]:
    """Paint each text at the weights of `sample_w` with the shipped `flowers`, in T steps.

    Returns:
        Pictures and stored steps, as `sample_w` does; its further arguments may be given.
    """
    painter = TextToImage.from_pretrained("flowers", "cpu")
    model, settings = painter.model, painter.settings()
    c = painter.conditions(text_list, settings, [settings.seed] * len(text_list))
    network: Any = model.network
    return sample_w(network, model.ddpm, model.image_shape, T, c, model.device, **options)


# Data, configs, machines


def MyDataset(csv_path: str | Path, preprocessed_clip: bool = True, **options: Any) -> CLIPDataset:
    """Open the data set of the course: `CLIPDataset` with the course's order of arguments."""
    return CLIPDataset(csv_path, preprocessed_clip=preprocessed_clip, **options)


def load_clip_model(
    model_name: str = "ViT-B/32", device: torch.device | str = "cpu"
) -> tuple[Embedder, None]:
    """Open a CLIP by OpenAI's name, a hub id, a folder, or the name of a shipped model.

    Returns:
        The embedder, and None: it preprocesses by itself, and what took a `preprocess` takes None.
    """
    if model_name in shipped_names():
        return load(model_name, str(device)).embedder, None
    name = OPENAI_NAMES.get(model_name, model_name)
    return open_transformers_clip(name, device=str(device)), None


def load_config(path: str | Path) -> Config:
    """Read a YAML file, also one of the earlier projects, over the defaults."""
    return merge(file_layer(path))[0]


def save_config(config: Config, path: str | Path) -> Path:
    """Write a config with all its values as YAML, which `load_config` reads again."""
    tree = config.model_dump(mode="json")
    write_text(Path(path), yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))
    return Path(path)


def setup_device(name: str = "auto") -> torch.device:
    """Return the device to compute on; `auto` takes CUDA, else MPS, else the CPU.

    Raises:
        UsageError: this machine does not have it.
    """
    return usable_device(name)


# Pictures


def plot_image_batch(
    images: Tensor, n_row: int = 8, padding: int = 2, normalize: bool = True, cmap: str = "gray"
) -> Image.Image:
    """Return pictures (n, c, h, w) as one, n_row beside each other; a notebook shows it.

    Args:
        images: pictures in [-1, 1], or without `normalize` in [0, 1].
        n_row: pictures in a row.
        padding: pixels between pictures.
        normalize: whether [-1, 1] is black to white. The range of the batch plays no part.
        cmap: only "gray": false colours would hide what a picture is like.

    Raises:
        UsageError: another cmap.
    """
    if cmap != "gray":
        raise UsageError(f"cmap = {cmap!r} is not offered", 'choose "gray"', param="cmap")
    return tensor_grid(images if normalize else 2 * images - 1, n_row, gap=padding)


def show_tensor_image(image: Tensor) -> Image.Image:
    """Return a picture (c, h, w), or the first of a batch, enlarged; a notebook shows it."""
    return tensor_grid(image[None] if image.ndim == 3 else image[:1], 1)


def plot_loss_curve(losses: Sequence[float], save_path: str | Path = "loss_curve.png") -> Path:
    """Draw losses, one a step: the whole run, and its last half."""
    return loss_curve(range(1, len(losses) + 1), losses, Path(save_path))


@cache
def _cosine_1000() -> DDPM:
    return DDPM(cosine(1000))


def _check_shape(model: Denoiser, shape: Sequence[int]) -> None:
    if tuple(shape) != tuple(model.image_shape):
        raise UsageError(
            f"this network paints pictures of shape {tuple(model.image_shape)}, not {tuple(shape)}"
        )
