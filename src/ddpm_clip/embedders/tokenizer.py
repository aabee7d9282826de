"""The character tokenizer of the mini-CLIP.

Every character has a token (unknown ones share one), so no prompt can crash the text encoder.
"""

import unicodedata
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from ddpm_clip.errors import TruncatedText

PAD, START, END, UNKNOWN = range(4)
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789 .,!?'\"-:;()&/+#"
_IDS = {character: i for i, character in enumerate(ALPHABET, start=UNKNOWN + 1)}
VOCABULARY = UNKNOWN + 1 + len(ALPHABET)


def normalise(text: str) -> str:
    """Convert to lower case, remove accents, and collapse white space.

    >>> normalise("  Ein  GRÜNES Feld ")
    'ein grunes feld'
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def tokenise(texts: Sequence[str], length: int, *, warn: bool = True) -> Tensor:
    """Return token ids (p, length) int64: START, the characters, END, then PAD.

    A text that is too long is cut before END; with `warn`, a warning names it.
    """
    rows = torch.full((len(texts), length), PAD)
    for row, text in zip(rows, texts, strict=True):
        ids = [_IDS.get(character, UNKNOWN) for character in normalise(text)]
        if warn and len(ids) > length - 2:
            warnings.warn(
                f"the prompt {text[:40]!r}… is cut to its first {length - 2} characters",
                TruncatedText,
                stacklevel=2,
            )
        ids = [START, *ids[: length - 2], END]
        row[: len(ids)] = torch.tensor(ids)
    return rows
