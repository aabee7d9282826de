"""Pairs of text and picture: from captions, or made by nearest neighbours (pseudo-pairs)."""

import random
import warnings
from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.captions.grammars import facts_of, grammar_of, measured_facts
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.errors import TruncatedText
from ddpm_clip.types import Embedder, ImageSource, Progress

MOST = 2000
"""Largest number of pairs: more hardly change a linear fit, and every text takes time to embed."""

SENTENCES = 4
"""Largest number of captions per picture, if there are few pictures."""

NEIGHBOURS = 5
"""Number of pictures that a prompt of the prompt bank is paired with, if there are no captions."""

BATCH = 256


def captions_of(
    source: ImageSource,
    indices: Sequence[int],
    rows: np.ndarray,
    *,
    pixels: np.ndarray | None = None,
    most: int = MOST,
    seed: int = 0,
) -> list[tuple[int, str]]:
    """Return (row, caption) of pictures with known facts, evenly spaced among the rows.

    Args:
        source: source of facts, captions or labels.
        indices: index in the source of each row.
        rows: row numbers to choose from.
        pixels: (n, c, h, w) uint8 of all rows, if captions state what is measured in the pictures.
        most: largest number of pairs; with fewer pictures, each gets up to `SENTENCES` captions.
        seed: random seed of the wording of captions.
    """
    rng = random.Random(seed)
    chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]
    times = min(SENTENCES, max(1, most // max(1, len(chosen))))
    known = [facts_of(source, indices[row]) for row in chosen.tolist()]
    if pixels is not None:
        known = measured_facts(pixels[chosen], known)
    found = []
    for row, facts in zip(chosen.tolist(), known, strict=True):
        if facts:
            captions = [grammar_of(facts)(facts, rng).text for _ in range(times)]
            found += [(row, text) for text in dict.fromkeys(captions)]
    return found


def embedded(embedder: Embedder, texts: Sequence[str]) -> Generator[Progress, None, Tensor]:
    """Return the embeddings (p, e) of texts, encoding equal texts once."""
    once = TextEmbeddings(embedder.embed_texts)
    different = list(dict.fromkeys(texts))
    parts: dict[str, Tensor] = {}
    for start in range(0, len(different), BATCH):
        batch = different[start : start + BATCH]
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore", TruncatedText)  # of a caption: nobody typed it now
            parts.update(zip(batch, once(batch), strict=True))
        yield Progress("captions", start + len(batch), len(different))
    return torch.stack([parts[text] for text in texts]) if texts else torch.empty(0, embedder.dim)


def pseudo_pairs(conditioner: Conditioner, texts: Tensor) -> tuple[Tensor, Tensor]:
    """Pair each text (p, e) with its nearest pictures in the bank, both centred.

    Returns:
        texts (n, e) and images (n, e), `NEIGHBOURS` rows per text, fewer with a small bank.
    """
    k = min(NEIGHBOURS, len(conditioner.bank))
    _, rows = conditioner.neighbours(texts, k)
    return texts.repeat_interleave(k, 0), conditioner.bank[rows.flatten()].float()


def heldout_pseudo_pairs(
    conditioner: Conditioner, texts: Tensor, images: Tensor
) -> tuple[Tensor, Tensor]:
    """Pair each text (p, e) with its nearest pictures among held-out ones (m, e), both centred.

    Returns:
        texts (n, e) and images (n, e), `NEIGHBOURS` rows per text, fewer with fewer pictures.
    """
    k = min(NEIGHBOURS, len(images))
    query = F.normalize(F.normalize(texts.float(), dim=1) - conditioner.mean_text, dim=1)
    unit = F.normalize(images.float(), dim=1)
    centred = F.normalize(unit - conditioner.mean_image, dim=1)
    rows = (query @ centred.T).topk(k).indices
    return texts.repeat_interleave(k, 0), unit[rows.flatten()]
