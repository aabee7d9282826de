"""The card of an embedding cache: which embedder and which preprocessing made its embeddings.

Embeddings of two encoders, or of two kinds of crop, look alike but must never be mixed. The card
is what prevents it.
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
    """The values that must agree before embeddings may share a cache.

    Args:
        embedder: Name of the embedder.
        fingerprint: Hash of the embedder's weights.
        dim: Size of an embedding.
        preprocessing: How pictures were prepared, such as `centre 32x32x3 white`.
        format: Version of the file format.
    """

    embedder: str
    fingerprint: str
    dim: int
    preprocessing: str
    format: int = FORMAT


def agree_on_card(folder: Path, card: CacheCard) -> None:
    """Check that the cache in `folder` has this card, or begin one there.

    Raises:
        CannotCreate: The cache has another card, or the folder holds something else.
        StorageError: The card in the folder is damaged, or writing failed.
    """
    if (folder / CARD).exists():
        _check_same(folder, read_card(folder), card)
    else:
        _begin(folder, card)


def read_card(folder: Path) -> CacheCard:
    """Return the card of the cache in `folder`.

    Raises:
        StorageError: cache.json is damaged, or was written by a newer version.
    """
    path = folder / CARD
    try:
        card = CacheCard(**read_object(path, 2**20))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"cannot read {path}", str(error)[:200], "remove the folder; it can be recreated"
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
            f"{folder} is not an embedding cache",
            f"the folder exists but has no {CARD}",
            "choose a new folder",
            param="out",
        )
    with replacing(folder / CARD) as temporary:
        temporary.write_text(json.dumps(asdict(card), indent=1) + "\n", encoding="utf-8")


def _check_same(folder: Path, found: CacheCard, wanted: CacheCard) -> None:
    ours, theirs = asdict(wanted), asdict(found)
    differ = [f"{k} is {theirs[k]!r}, not {ours[k]!r}" for k in ours if ours[k] != theirs[k]]
    if differ:
        raise CannotCreate(
            f"{folder} holds embeddings of another kind",
            f"in the cache, {'; '.join(differ)}",
            "choose another folder, or remove this one; it can be recreated",
            param="out",
        )
