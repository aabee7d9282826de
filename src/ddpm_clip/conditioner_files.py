"""A conditioner as files of a run or packed model, and the note on how its bridge was chosen.

    conditioner.safetensors  statistics, bank, prior
    conditioner.json         mode, prompt bank, keys of the bank
    bridge.json              the default bridge, why it is that, what the prior was fitted on

Folders from before there were notes or priors open as they did. Knows nothing of networks.
"""

import json
from pathlib import Path
from typing import Any

from ddpm_clip.conditioning import BridgeOptions, Conditioner
from ddpm_clip.errors import StorageError
from ddpm_clip.utils.storage import replacing, write_text
from ddpm_clip.utils.tensors import load_tensors, save_tensors

TENSORS, FACTS, BRIDGE_NOTE = "conditioner.safetensors", "conditioner.json", "bridge.json"


def save_conditioner(folder: Path, conditioner: Conditioner, bank: bool = True) -> None:
    """Write conditioner.safetensors and conditioner.json; without `bank`, no embeddings."""
    with replacing(folder / TENSORS) as temporary:
        save_tensors(temporary, conditioner.tensors(bank))
    facts = {
        "mode": conditioner.mode, "prompts": conditioner.prompts,
        "bank_keys": conditioner.bank_keys if bank else [],
    }  # fmt: skip
    write_text(folder / FACTS, json.dumps(facts, ensure_ascii=False) + "\n")


def load_conditioner(folder: Path, options: BridgeOptions) -> Conditioner:
    """The inverse of `save_conditioner`.

    Raises:
        StorageError: the files are not there or damaged.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return Conditioner.from_tensors(
            load_tensors(folder / TENSORS), bank_keys=facts["bank_keys"],
            prompts=facts["prompts"], options=options, mode=facts["mode"],
        )  # fmt: skip
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"cannot read the conditioner in {folder}", str(error)[:200]) from error


def write_note(folder: Path, note: dict[str, Any]) -> None:
    """Write bridge.json: `bridge`, `reason`, and where there are, `figures` and `prior`."""
    write_text(folder / BRIDGE_NOTE, json.dumps(note, indent=1, ensure_ascii=False) + "\n")


def read_note(folder: Path) -> dict[str, Any]:
    """What `write_note` wrote; {} where nothing did.

    Raises:
        StorageError: it is damaged.
    """
    try:
        note: dict[str, Any] = json.loads((folder / BRIDGE_NOTE).read_text(encoding="utf-8"))
        return note
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read {folder / BRIDGE_NOTE}", str(error)[:200]) from error
