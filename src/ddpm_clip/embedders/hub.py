"""Finds the folder of a pretrained CLIP or SigLIP, and downloads it if necessary.

The local cache comes first; the network is used only if that fails and `HF_HUB_OFFLINE` allows it.
Only safetensors and text files are ever downloaded, of a known model at the commit in its table,
and weights from the hub are used only if they are what they were (`pretrained/checksums.py`). Knows
nothing of torch or transformers, so that it is quick to import.
"""

import hashlib
from pathlib import Path
from typing import Any

from ddpm_clip.embedders.pretrained.checksums import check_weights_of, digest_of
from ddpm_clip.embedders.pretrained.known_models import revision_of
from ddpm_clip.errors import DataError, MissingInput, UsageError, WeightsUnavailable
from ddpm_clip.utils.untrusted import is_file, read_object, user_path

FAMILIES = ("clip", "siglip")
CONVERTER = "SFconvertbot"
"""The hub's own account that offers safetensors for repositories that hold only pickles."""

_WANTED = ["*.json", "*.txt", "model*.safetensors"]
_UNWANTED = ["onnx/*", "coreml/*", "openvino/*"]
_TIMEOUT = 5.0  # seconds until the first answer


def find_folder(model: str) -> Path:
    """Return the folder of `model`, a path or a hub id such as `openai/clip-vit-base-patch32`.

    Raises:
        MissingInput: `model` looks like a path but does not exist.
        UsageError: `model` is not a valid hub id.
        WeightsUnavailable: The model is neither cached nor downloadable now.
        StorageError: Its weights are not those that were published or first downloaded.
    """
    path = user_path(model)
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise MissingInput(
            f"no folder {model}",
            "a hub id has the form OWNER/NAME",
            "embedder.model=FOLDER",
            param="embedder.model",
        )
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError

    try:
        folder = _cached(model) or _downloaded(model)
    except HFValidationError as error:
        why = str(error)[:200]
        raise UsageError(f"{model!r} is not a hub id", why, param="embedder.model") from error
    check_weights_of(model, weights_in(folder), Path(constants.HF_HUB_CACHE))
    return folder


def family_of(folder: Path) -> str:
    """Return `clip` or `siglip`, read from config.json before anything heavy is loaded.

    Raises:
        DataError: There is no readable config.json, or the weights are not safetensors.
        UsageError: The model is of another family.
    """
    try:
        config = read_object(folder / "config.json")
        family = config["model_type"]
    except FileNotFoundError as error:
        raise DataError(f"{folder} is not a pretrained model", "it has no config.json") from error
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DataError(f"cannot read {folder / 'config.json'}", str(error)[:200]) from error
    if family not in FAMILIES:
        raise UsageError(
            f"{folder} holds a model of type {family!r}",
            "only models of the CLIP and SigLIP families are supported",
            "embedder.model=openai/clip-vit-base-patch32",
            param="embedder.model",
        )
    if not weights_in(folder):
        raise DataError(
            f"{folder} has no model*.safetensors",
            "weights in other formats are never opened, because reading them can run code",
            "save the model again with save_pretrained(FOLDER)",
        )
    return str(family)


def weights_in(folder: Path) -> list[Path]:
    """Return the safetensors files of a model, sorted."""
    return sorted(path for path in folder.glob("model*.safetensors") if is_file(path))


def fingerprint_of(folder: Path) -> str:
    """Return 16 hex digits of a hash of configs and weights, which decide an image embedding."""
    digest = hashlib.sha256()
    configs = [folder / "config.json", folder / "preprocessor_config.json"]
    for path in [p for p in configs if p.is_file()] + weights_in(folder):
        digest.update(bytes.fromhex(digest_of(path)))
    return digest.hexdigest()[:16]


def _cached(model: str) -> Path | None:
    """Return the cached snapshot that has weights, if there is one.

    Of a known model, the commit in the table comes first, then any other, because the weights are
    compared with their hash anyway. A repository without safetensors on its main branch was
    downloaded from the converter's branch; that snapshot is stored beside the one of main.
    """
    for revision in filter(None, (revision_of(model), "main")):
        try:
            found = _snapshot(model, revision=revision, local_files_only=True)
        except OSError:
            continue
        for folder in [found, *sorted(found.parent.iterdir())]:
            if _is_complete(folder):
                return folder
    return None


def _is_complete(folder: Path) -> bool:
    """Whether a snapshot is complete: other programs or broken downloads may leave a part of it."""
    words = [folder / "tokenizer.json", folder / "vocab.json"]
    pictures = [folder / "preprocessor_config.json", folder / "processor_config.json"]
    present = [any(p.is_file() for p in paths) for paths in (words, pictures, weights_in(folder))]
    return all(present) and (folder / "config.json").is_file()


def _downloaded(model: str) -> Path:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError

    try:
        # A question that is asked only once: `snapshot_download` repeats some of its own for half
        # a minute, even where there is no network.
        HfApi().model_info(model, timeout=_TIMEOUT)
        if revision := revision_of(model):
            return _snapshot(model, revision=revision)
        main = _snapshot(model)
        return main if weights_in(main) else _snapshot(model, revision=_converted(model))
    except HFValidationError:
        raise
    except Exception as error:  # the network raises many exceptions, which all mean the same
        raise _unavailable(model, error) from error


def _snapshot(model: str, **options: Any) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            model,
            allow_patterns=_WANTED,
            ignore_patterns=_UNWANTED,
            etag_timeout=_TIMEOUT,
            **options,
        )
    )


def _converted(model: str) -> str:
    """Return the newest branch on which the converter offers this repository as safetensors."""
    from huggingface_hub import get_repo_discussions

    offers = get_repo_discussions(
        model, author=CONVERTER, discussion_type="pull_request", discussion_status="open"
    )
    numbers = [offer.num for offer in offers if offer.author == CONVERTER]
    if not numbers:
        raise OSError(f"the repository {model} has no safetensors")
    return f"refs/pr/{max(numbers)}"


def _unavailable(model: str, error: Exception) -> WeightsUnavailable:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return WeightsUnavailable(
        f"cannot get the pretrained model {model}",
        f"it is not on this disk and cannot be downloaded now: {reason}",
        "set embedder.model=FOLDER with a copy of it, or use a small CLIP that ships: "
        "embedder.name=mini_clip embedder.model=flowers",
        param="embedder.model",
    )
