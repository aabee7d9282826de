"""Refuses pretrained weights that are not what they were: by their SHA-256, file by file.

Of a known model the published SHA-256 counts. That of any other is recorded when it is first found,
beside the hub's cache and not in it: whoever deletes the cached model and downloads it again is
told if it has changed.
"""

import hashlib
import json
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from ddpm_clip.embedders.pretrained.known_models import KNOWN
from ddpm_clip.errors import DdpmClipWarning, StorageError
from ddpm_clip.utils.storage import write_text
from ddpm_clip.utils.untrusted import is_file, read_object

FOLDER = "ddpm_clip"


def check_weights_of(model: str, weights: list[Path], cache: Path) -> None:
    """Compare the weights of a hub's model with its published or recorded SHA-256.

    Args:
        model: Hub id, such as `openai/clip-vit-base-patch32`.
        weights: Its files of weights.
        cache: The hub's cache; new hashes are recorded beside it.

    Raises:
        StorageError: A file differs.
    """
    found = {path.name: digest_of(path) for path in weights}
    published = KNOWN[model].sha256 if model in KNOWN else {}
    if published:
        return _compare(model, found, published, "published", "embedder.model=FOLDER")
    record = record_of(model, cache)
    recorded = _recorded(record)
    if recorded:
        return _compare(model, found, recorded, "recorded at its first use", f"delete {record}")
    _write(record, model, found)


def record_of(model: str, cache: Path) -> Path:
    """Return the file in which the hashes of a model are recorded."""
    return cache.parent / FOLDER / f"{model.replace('/', '--')}.json"


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; one that has not changed is read once a process."""
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(
    model: str, found: dict[str, str], expected: dict[str, str], stated: str, accept: str
) -> None:
    for name, digest in found.items():
        if name in expected and expected[name] == digest:
            continue
        wanted = expected.get(name)
        raise StorageError(
            f"the weights of {model} are not those {stated}",
            f"the SHA-256 of {name} is {digest[:12]}…, not {wanted[:12]}…"
            if wanted
            else f"there was no file {name} then",
            "delete the downloaded model, so that it is fetched again; "
            f"to use these weights all the same: {accept}",
        )


def _recorded(record: Path) -> dict[str, str]:
    """Return the recorded hashes; {} if there are none.

    Raises:
        StorageError: There is a record that cannot be read. It is not replaced: a damaged record
            must not make changed weights acceptable.
    """
    if not is_file(record):
        return {}
    try:
        return {str(name): str(digest) for name, digest in read_object(record)["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"cannot read {record}", str(error)[:200], "delete it to record the hashes again"
        ) from error


def _write(record: Path, model: str, found: dict[str, str]) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"model": model, "recorded": now, "sha256": found}
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_text(record, json.dumps(facts, indent=1) + "\n")
    except OSError as error:
        warnings.warn(
            f"the SHA-256 of {model} cannot be recorded in {record.parent} "
            f"({error.strerror or error}): a later change of its weights will not be noticed",
            DdpmClipWarning,
            stacklevel=2,
        )
