"""Saves and loads a conditioner, and the note on how its default bridge was chosen.

    conditioner.safetensors  statistics, bank, prior
    conditioner.json         mode, prompt bank, keys of the bank
    bridge.json              the default bridge, why it was chosen, what the prior was fitted on

Folders of earlier versions, without a note or a prior, load as well.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import BridgeOptions, Conditioner
from ddpm_clip.conditioning.openness import Openness
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import replacing, write_text
from ddpm_clip.utils.tensors import load_tensors, save_tensors
from ddpm_clip.utils.untrusted import read_object

TENSORS, FACTS, BRIDGE_NOTE = "conditioner.safetensors", "conditioner.json", "bridge.json"
PRIOR = ("mean_text", "mean_image", "text_axes", "image_axes", "weights", "root")
"""The tensors of a prior, saved as `prior.NAME`, in the order of its fields."""

OPENNESS = ("axes", "back", "lines")
"""The tensors of how much texts leave open, `prior.open.NAME`; earlier priors have none."""

WIDEST = 8192
"""Largest size of an embedding; the root of its covariance takes a minute there."""

LONGEST = 1e6
"""Largest length of an embedding; those of a CLIP have 7 to 12."""


def save_conditioner(folder: Path, conditioner: Conditioner, bank: bool = True) -> None:
    """Write conditioner.safetensors and conditioner.json, optionally without the bank."""
    with replacing(folder / TENSORS) as temporary:
        save_tensors(temporary, tensors_of(conditioner, bank))
    facts = {
        "mode": conditioner.mode,
        "length": conditioner.length,
        "prompts": conditioner.prompts,
        "bank_keys": conditioner.bank_keys if bank else [],
    }
    write_text(folder / FACTS, json.dumps(facts, ensure_ascii=False) + "\n")


def load_conditioner(folder: Path, options: BridgeOptions) -> Conditioner:
    """Load what `save_conditioner` wrote.

    Raises:
        StorageError: the files are missing or damaged.
    """
    try:
        facts = read_object(folder / FACTS)
        tensors = load_tensors(folder / TENSORS)
        _check(tensors, facts)
        return conditioner_of(
            tensors,
            bank_keys=facts["bank_keys"],
            prompts=facts["prompts"],
            options=options,
            mode=facts["mode"],
            length=float(facts.get("length", 1.0)),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RuntimeError) as error:
        raise StorageError(f"cannot read the conditioner in {folder}", str(error)[:200]) from error


def tensors_of(conditioner: Conditioner, bank: bool = True) -> dict[str, Tensor]:
    """Return the statistics as named tensors, to be saved; optionally without the bank."""
    radii = [conditioner.radius_image, conditioner.radius_text]
    return {
        "mean_image": conditioner.mean_image,
        "mean_text": conditioner.mean_text,
        "radius": torch.tensor(radii, dtype=torch.float64),
        "covariance": conditioner.covariance,
        "bank": conditioner.bank if bank else conditioner.bank[:0],
        **(prior_tensors(conditioner.prior) if conditioner.prior else {}),
    }


def conditioner_of(
    tensors: dict[str, Tensor],
    *,
    bank_keys: Sequence[str],
    prompts: Sequence[str],
    options: BridgeOptions,
    mode: str,
    length: float = 1.0,
) -> Conditioner:
    """Build a conditioner from what `tensors_of` returned."""
    radius_image, radius_text = tensors["radius"].tolist()
    keys = list(bank_keys) if len(tensors["bank"]) else []
    return Conditioner(
        tensors["mean_image"],
        tensors["mean_text"],
        radius_image,
        radius_text,
        tensors["covariance"],
        tensors["bank"],
        keys,
        prompts,
        options,
        mode,
        prior_of(tensors),
        length,
    )


def prior_tensors(prior: Prior) -> dict[str, Tensor]:
    """Return a prior as named tensors, to be saved."""
    named = {f"prior.{name}": getattr(prior, name) for name in PRIOR}
    if prior.openness:
        named |= {f"prior.open.{name}": getattr(prior.openness, name) for name in OPENNESS}
    return named | {"prior.about": torch.tensor([prior.n, int(prior.pseudo)])}


def prior_of(tensors: dict[str, Tensor]) -> Prior | None:
    """Build a prior from what `prior_tensors` returned; None if there is none among them."""
    if "prior.about" not in tensors:
        return None
    n, pseudo = tensors["prior.about"].tolist()
    a, b, c, d, e, f = (tensors[f"prior.{name}"] for name in PRIOR)
    return Prior(a, b, c, d, e, f, n, bool(pseudo), _openness_of(tensors))


def _openness_of(tensors: dict[str, Tensor]) -> Openness | None:
    if f"prior.open.{OPENNESS[0]}" not in tensors:
        return None
    return Openness(*(tensors[f"prior.open.{name}"] for name in OPENNESS))


def _check(tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Check that shapes match, numbers are finite and texts are strings.

    Raises:
        ValueError, KeyError: something does not match.
    """
    _check_tensors(tensors)
    _check_facts(facts, rows=len(tensors["bank"]))


def _check_tensors(tensors: dict[str, Tensor]) -> None:
    e = len(tensors["mean_image"])
    if not 1 <= e <= WIDEST:
        raise ValueError(f"embeddings of size {e}, not 1 to {WIDEST}")
    wanted = {"mean_image": (e,), "mean_text": (e,), "radius": (2,), "covariance": (e, e)}
    wanted["bank"] = (len(tensors["bank"]), e)
    for name, shape in wanted.items():
        if tuple(tensors[name].shape) != shape:
            raise ValueError(f"{name} has shape {tuple(tensors[name].shape)}, not {shape}")
    for name, value in tensors.items():
        if value.is_complex() or not bool(value.isfinite().all()):
            raise ValueError(f"{name} holds NaN or infinite values")


def _check_facts(facts: dict[str, Any], rows: int) -> None:
    """Check the facts beside a bank of `rows` rows; either bank or keys may be missing."""
    if not 0 < float(facts.get("length", 1.0)) <= LONGEST:
        raise ValueError(f"embeddings of length {facts['length']}, not above 0 and at most 1e6")
    texts = (*facts["bank_keys"], *facts["prompts"])
    if facts["mode"] not in ("centred", "raw") or not all(isinstance(one, str) for one in texts):
        raise ValueError(f"{FACTS} holds an unknown mode, or prompts or keys that are not strings")
    if rows and facts["bank_keys"] and len(facts["bank_keys"]) != rows:
        raise ValueError(f"the bank has {rows} rows but {len(facts['bank_keys'])} keys")


def write_note(folder: Path, note: dict[str, Any]) -> None:
    """Write bridge.json: `bridge`, `reason`, and where known, `figures` and `prior`."""
    write_text(folder / BRIDGE_NOTE, json.dumps(note, indent=1, ensure_ascii=False) + "\n")


def read_note(folder: Path) -> dict[str, Any]:
    """Return what `write_note` wrote; {} where there is no note.

    Raises:
        StorageError: the file is damaged.
    """
    try:
        return read_object(folder / BRIDGE_NOTE)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read {folder / BRIDGE_NOTE}", str(error)[:200]) from error
