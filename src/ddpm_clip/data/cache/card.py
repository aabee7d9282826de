"""The card of an embedding cache: whose embeddings lie there, and of pictures prepared how.

Embeddings of two encoders, or of two croppings, look alike and must never be mixed; the card is
what refuses it. Knows nothing of the vectors.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ddpm_clip.data.storage.atomic import replacing
from ddpm_clip.errors import CannotCreate, StorageError
from ddpm_clip.utils.untrusted import read_object

CARD = "cache.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class CacheCard:
    """What has to agree before embeddings may be mixed.

    Args:
        embedder: the embedder's name.
        fingerprint: of its weights.
        dim: size of an embedding.
        preprocessing: what was done to a picture before, such as `centre 32x32x3 white`.
        format: of the files.
    """

    embedder: str
    fingerprint: str
    dim: int
    preprocessing: str
    format: int = FORMAT


def agree_on_card(folder: Path, card: CacheCard) -> None:
    """Check that the cache in `folder` is of this kind, or begin one there.

    Raises:
        CannotCreate: it is of another kind, or the folder is something else.
        StorageError: the card there is damaged, or writing failed.
    """
    if (folder / CARD).exists():
        _check_same(folder, read_card(folder), card)
    else:
        _begin(folder, card)


def read_card(folder: Path) -> CacheCard:
    """What the cache in `folder` holds.

    Raises:
        StorageError: cache.json is damaged, or of a newer version.
    """
    path = folder / CARD
    try:
        card = CacheCard(**read_object(path, 2**20))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"cannot read {path}", str(error)[:200], "remove the folder; it can be made again"
        ) from error
    if card.format != FORMAT:
        raise StorageError(
            f"{path} has format {card.format}", f"this version reads {FORMAT}", "upgrade ddpm-clip"
        )
    return card


def _begin(folder: Path, card: CacheCard) -> None:
    strangers = [p.name for p in folder.iterdir() if p.name[0] != "."] if folder.is_dir() else []
    if strangers or (folder.exists() and not folder.is_dir()):
        raise CannotCreate(
            f"{folder} is no embedding cache",
            f"it exists and has no {CARD}",
            "choose a new folder",
            param="out",
        )
    with replacing(folder / CARD) as temporary:
        temporary.write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def _check_same(folder: Path, found: CacheCard, wanted: CacheCard) -> None:
    ours, theirs = asdict(wanted), asdict(found)
    differ = [f"{k} {theirs[k]!r}, now {ours[k]!r}" for k in ours if ours[k] != theirs[k]]
    if differ:
        raise CannotCreate(
            f"{folder} holds embeddings of another kind",
            f"there: {'; '.join(differ)}",
            "choose another folder, or remove this one; it can be made again",
            param="out",
        )
