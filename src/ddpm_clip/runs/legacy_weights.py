"""Models of the earlier projects: from a .pth file to a packed model of ours.

What the file lacks is said by whoever imports it: names of classes, the CLIP beside it, the number
of rows. The pictures that come out are theirs, flaws included; see the card. Knows nothing of
pickles (`utils.pickled`) or of names of tensors (`models.seed_weights`).
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
from ddpm_clip.embedders.legacy_clip import LegacyClip
from ddpm_clip.errors import CannotCreate, DataError, MissingInput, UsageError
from ddpm_clip.models.legacy_keys import LegacyNetwork, recognised
from ddpm_clip.utils.pickled import Unpickled, read_pickled
from ddpm_clip.utils.storage import published_folder, write_text
from ddpm_clip.utils.tensors import check_weights, save_tensors
from ddpm_clip.weights.card import CARD, FORMAT

ROWS, FIRST_BETA, LAST_BETA = 400, 1e-4, 0.02
"""The schedule where neither the file nor anyone says another: that of the course's notebook 05."""

CLIPS = {512: "openai/clip-vit-base-patch32", 768: "openai/clip-vit-large-patch14"}
"""Which CLIP a condition of so many numbers is taken to come from."""

CLIP_LENGTH = 7.6
"""Their text embeddings are not normalised; a ViT-B/32's have 7.0 to 8.2."""

NOTE = (
    "imported as it was trained; its unconditional branch was never trained in earnest, so that "
    "guidance above 1 may burn colours"
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
        file: as torch.save wrote it; averaged weights go before the others.
        out: a new folder.
        clip: the .pth of the CLIP, for the project that trains its own.
        classes: names, where the network was asked by class.
        timesteps: rows of its schedule, where the file does not say.
        embedder: the pretrained CLIP, where it is another than its width tells.
        name: of the model; by default the folder's.

    Raises:
        MissingInput: no such file. DataError: it is something else, or refused.
        UsageError: something has to be said. CannotCreate: `out` is taken.
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
    try:
        return read_pickled(file)
    except FileNotFoundError as error:
        raise MissingInput(f"no such file: {file}", fix="check the path") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot import {file}",
            str(error)[:300],
            "give a checkpoint that torch.save wrote and that holds nothing but weights",
        ) from error


def _weights(found: Unpickled) -> dict[str, Any]:
    """The averaged weights where there are some; what was not averaged comes from the others."""
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
            f"the weights in {file} are not those of a whole network", str(error)[:300]
        ) from error


def _keys(network: LegacyNetwork, found: Unpickled, timesteps: int | None) -> dict[str, Any]:
    """What the file says of network, pictures and schedule, as our config has it."""
    told = found.config.get("diffusion")
    told = told if isinstance(told, dict) else found.config
    betas = network.betas
    rows = timesteps or len(betas) or _number(told.get("timesteps"), ROWS)
    first, last = (
        (betas[0], betas[-1])
        if betas
        else (_number(told.get("beta_start"), FIRST_BETA), _number(told.get("beta_end"), LAST_BETA))
    )
    if betas and timesteps not in (None, len(betas)):
        raise UsageError(
            f"the file has a schedule of {len(betas)} rows, not {timesteps}",
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
        "diffusion.timesteps": int(rows),
        "diffusion.beta_start": first * rows / 1000,  # ours are given for 1000 rows
        "diffusion.beta_end": last * rows / 1000,
        "diffusion.parameterization": "eps",
        "diffusion.weighting": "uniform",
        "diffusion.noise_levels": "uniform",
        "conditioning.mode": "raw",
        "conditioning.bridge": "identity",
        "conditioning.bank": False,
        "conditioning.noise_prob": 0.0,
        "generation.guidance": 1.0,
        "generation.interval": None,
        "generation.steps": min(50, int(rows)),
    }


def _number(value: Any, otherwise: float) -> float:
    """A number that a file says, or what holds where it says none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _condition(
    network: LegacyNetwork,
    found: Unpickled,
    own_clip: LegacyClip | None,
    classes: Sequence[str],
    embedder: str | None,
) -> tuple[dict[str, Any], float]:
    """The embedder that the network's conditions come from, and the length of its embeddings."""
    wide = network.c_embed_dim
    if own_clip is not None or network.arch == "pooled_unet":
        if own_clip is None or own_clip.dim != wide:
            has = f"the one given has {own_clip.dim}" if own_clip else "none was given"
            raise UsageError(
                f"this network is asked by a CLIP of {wide} numbers",
                has,
                "give the CLIP it was trained with: --clip FILE.pth",
                param="clip",
            )
        return {"embedder.name": "legacy_clip"}, 1.0
    if classes:
        if len(classes) != wide:
            raise UsageError(
                f"{len(classes)} class names for a network of {wide} classes",
                fix=f"give {wide}: --classes a,b,…",
                param="classes",
            )
        return {"embedder.name": "labels"}, 1.0
    clip = found.config.get("clip")
    told = clip.get("model_name", clip.get("model")) if isinstance(clip, dict) else None
    model = embedder or OPENAI_NAMES.get(str(told)) or CLIPS.get(wide)
    if model is None:
        raise UsageError(
            f"what are the {wide} numbers of this network's condition?",
            "the file does not say, and no pretrained CLIP that is known has so many",
            "name its classes: --classes a,b,…; or the CLIP: --embedder MODEL",
            param="classes",
        )
    return {"embedder.name": "transformers_clip", "embedder.model": model}, CLIP_LENGTH


def _conditioner(e: int, length: float) -> Conditioner:
    """Nothing was measured there: embeddings go in as they are."""
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
