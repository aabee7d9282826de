"""Imports a .pth file of an earlier project as a packed model.

What the file lacks has to be given: class names, the CLIP, the number of timesteps. The model
paints as it did in that project, flaws included; see the card. `utils.pickled` reads the pickle,
and `models.legacy_keys` translates the tensor names.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

import ddpm_clip
from ddpm_clip.build import EMBEDDER_FOLDER, build_denoiser
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.conditioning.files import save_conditioner
from ddpm_clip.config.legacy_keys import OPENAI_NAMES
from ddpm_clip.config.resolve import Layer, merge
from ddpm_clip.data.pictures.sandbox import warn_of_no_limits
from ddpm_clip.embedders.legacy_clip import LegacyClip
from ddpm_clip.errors import CannotCreate, DataError, MissingInput, UsageError
from ddpm_clip.models.legacy_keys import LegacyNetwork, recognised
from ddpm_clip.utils.pickled import Unpickled, read_pickled
from ddpm_clip.utils.storage import published_folder, write_text
from ddpm_clip.utils.tensors import check_weights, save_tensors
from ddpm_clip.weights.card import CARD, FORMAT

TIMESTEPS, FIRST_BETA, LAST_BETA = 400, 1e-4, 0.02
"""Default schedule (timesteps, first and last beta): that of the course's notebook 05."""

CLIPS = {512: "openai/clip-vit-base-patch32", 768: "openai/clip-vit-large-patch14"}
"""The CLIP that is assumed for a condition of this size."""

CLIP_LENGTH = 7.6
"""Length of the earlier project's unnormalised text embeddings; ViT-B/32 gives 7.0 to 8.2."""

NOTE = (
    "imported as it was trained; its unconditional branch is hardly trained, so guidance above 1 "
    "may oversaturate colours"
)


def import_legacy(
    file: str | Path,
    out: str | Path,
    *,
    clip: str | Path | None = None,
    classes: Sequence[str] = (),
    timesteps: int | None = None,
    embedder: str | None = None,
    name: str | None = None,
) -> Path:
    """Turn a .pth of an earlier project into a packed model.

    Args:
        file: A file written by torch.save; if it has EMA weights, these are used.
        out: The folder to write, which must be new or empty.
        clip: The .pth of the CLIP, for the project that trains its own.
        classes: Class names, if the network is conditioned on classes.
        timesteps: Number of timesteps of its schedule, if the file does not say.
        embedder: The pretrained CLIP, if it is not the usual one for the size of the condition.
        name: Name of the model; by default the name of the folder.

    Raises:
        MissingInput: There is no such file.
        DataError: The file is not a known checkpoint, or cannot be read safely.
        UsageError: An option is missing or contradicts the file.
        CannotCreate: `out` exists and is not an empty folder.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotCreate(f"{out} exists", fix="choose another --out", param="out")
    found = _unpickled(Path(file))
    network = recognised(_weights(found))
    own_clip = LegacyClip.of(_weights(_unpickled(Path(clip)))) if clip else None
    keys, length = _condition(network, found, own_clip, classes, embedder)
    config = merge([Layer(str(file), _keys(network, found, timesteps) | keys)])[0]
    make = partial(
        build_denoiser,
        config.model,
        T=config.diffusion.timesteps,
        img_ch=network.img_ch,
        img_size=network.img_size,
        c_embed_dim=network.c_embed_dim,
    )
    _check(make, network, Path(file))
    card = {"imported from": Path(file).name, "note": NOTE}
    facts = {
        "format": FORMAT,
        "ddpm_clip": ddpm_clip.__version__,
        "name": name or out.name,
        "step": None,
        "classes": list(classes),
        "card": card,
        "config": config.model_dump(mode="json"),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with published_folder(out) as folder:
        save_tensors(folder / "model.safetensors", network.weights)
        save_conditioner(folder, _conditioner(network.c_embed_dim, length))
        if own_clip is not None:
            own_clip.save(folder / EMBEDDER_FOLDER)
        write_text(folder / CARD, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return out


def _unpickled(file: Path) -> Unpickled:
    warn_of_no_limits()
    try:
        return read_pickled(file)
    except FileNotFoundError as error:
        raise MissingInput(f"no such file: {file}", fix="check the path") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot import {file}",
            str(error)[:300],
            "give a checkpoint that was written by torch.save and holds only weights",
        ) from error


def _weights(found: Unpickled) -> dict[str, Any]:
    """Return the EMA weights, completed by the plain weights."""
    groups = dict(found.groups)
    average = groups.pop("ema", {})
    others = next((groups[n] for n in ("model", "state_dict", "") if n in groups), None)
    others = others if others is not None else next(iter(groups.values()), {})
    bare = {name.removeprefix("_orig_mod."): value for name, value in others.items()}
    return bare | {name.removeprefix("_orig_mod."): value for name, value in average.items()}


def _check(make: Callable[[], torch.nn.Module], network: LegacyNetwork, file: Path) -> None:
    try:
        check_weights(make, network.weights)
    except (ValueError, UsageError) as error:
        raise DataError(
            f"the weights in {file} are not those of a complete network", str(error)[:300]
        ) from error


def _keys(network: LegacyNetwork, found: Unpickled, timesteps: int | None) -> dict[str, Any]:
    """Return network, pictures and schedule of the file as keys of our config."""
    keys = found.config.get("diffusion")
    keys = keys if isinstance(keys, dict) else found.config
    betas = network.betas
    T = timesteps or len(betas) or _number(keys.get("timesteps"), TIMESTEPS)
    first, last = (
        (betas[0], betas[-1])
        if betas
        else (_number(keys.get("beta_start"), FIRST_BETA), _number(keys.get("beta_end"), LAST_BETA))
    )
    if betas and timesteps not in (None, len(betas)):
        raise UsageError(
            f"the schedule in the file has {len(betas)} timesteps, not {timesteps}",
            fix="leave out --timesteps",
            param="timesteps",
        )
    return {
        "model.arch": network.arch,
        "model.down_chs": network.down_chs,
        "model.t_embed_dim": network.t_embed_dim,
        "data.image_size": network.img_size,
        "data.channels": network.img_ch,
        "diffusion.schedule": "linear",
        "diffusion.timesteps": int(T),
        "diffusion.beta_start": first * T / 1000,  # our config gives betas for 1000 timesteps
        "diffusion.beta_end": last * T / 1000,
        "diffusion.parameterization": "eps",
        "diffusion.weighting": "uniform",
        "diffusion.noise_levels": "uniform",
        "conditioning.mode": "raw",
        "conditioning.bridge": "identity",
        "conditioning.bank": False,
        "conditioning.noise_prob": 0.0,
        "generation.guidance": 1.0,
        "generation.interval": None,
        "generation.steps": min(50, int(T)),
    }


def _number(value: Any, otherwise: float) -> float:
    """Return a value of the file if it is a number, else the default."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _condition(
    network: LegacyNetwork,
    found: Unpickled,
    own_clip: LegacyClip | None,
    classes: Sequence[str],
    embedder: str | None,
) -> tuple[dict[str, Any], float]:
    """Return the config keys of the network's embedder, and the length of its embeddings."""
    wide = network.c_embed_dim
    if own_clip is not None or network.arch == "pooled_unet":
        if own_clip is None or own_clip.dim != wide:
            has = f"the given one has {own_clip.dim}" if own_clip else "no CLIP was given"
            raise UsageError(
                f"this network needs a CLIP with embeddings of size {wide}",
                has,
                "give the CLIP that it was trained with: --clip FILE.pth",
                param="clip",
            )
        return {"embedder.name": "legacy_clip"}, 1.0
    if classes:
        if len(classes) != wide:
            raise UsageError(
                f"got {len(classes)} class names for a network of {wide} classes",
                fix=f"give {wide} names: --classes a,b,…",
                param="classes",
            )
        return {"embedder.name": "labels"}, 1.0
    clip = found.config.get("clip")
    clip_name = clip.get("model_name", clip.get("model")) if isinstance(clip, dict) else None
    model = embedder or OPENAI_NAMES.get(str(clip_name)) or CLIPS.get(wide)
    if model is None:
        raise UsageError(
            f"cannot tell what the condition of this network is; it has size {wide}",
            "the file does not say, and no known pretrained CLIP has this size",
            "give its classes: --classes a,b,…; or its CLIP: --embedder MODEL",
            param="classes",
        )
    return {"embedder.name": "transformers_clip", "embedder.model": model}, CLIP_LENGTH


def _conditioner(e: int, length: float) -> Conditioner:
    """Return a conditioner that leaves embeddings unchanged: the file has no statistics."""
    none, without = torch.zeros(e), torch.zeros(e)
    return Conditioner(
        none,
        without,
        1.0,
        1.0,
        torch.zeros(e, e),
        torch.zeros(0, e).half(),
        mode="raw",
        length=length,
    )
