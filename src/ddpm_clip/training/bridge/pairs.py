"""Texts and the pictures that they belong to: told by captions, or guessed by nearness.

Knows nothing of what pairs are used for.
"""

import random
import warnings
from collections.abc import Generator, Sequence

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.captions.grammars import facts_of, grammar_of, measured_facts
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.types import Embedder, ImageSource, Progress

MOST = 2000
"""Pairs at most: more do not change a linear fit, and each text costs time."""

SENTENCES = 4
"""Captions a picture at most, where the pictures are few."""

NEIGHBOURS = 5
"""Pictures that a prompt of the bank is paired with, where there are no captions."""

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
    """(row, caption) of pictures about which something is known, evenly over the rows.

    Args:
        source: says facts, captions or labels.
        indices: the source's own number of each row.
        rows: to choose among.
        pixels: (n, c, h, w) uint8 of all rows, for captions that say what can be measured in them.
        most: pairs; where pictures are fewer, each gets up to `SENTENCES` captions.
        seed: of the captions' words.
    """
    rng = random.Random(seed)
    chosen = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]
    times = min(SENTENCES, max(1, most // max(1, len(chosen))))
    told = [facts_of(source, indices[row]) for row in chosen.tolist()]
    if pixels is not None:
        told = measured_facts(pixels[chosen], told)
    found = []
    for row, facts in zip(chosen.tolist(), told, strict=True):
        if facts:
            spoken = [grammar_of(facts)(facts, rng).text for _ in range(times)]
            found += [(row, text) for text in dict.fromkeys(spoken)]
    return found


def embedded(embedder: Embedder, texts: Sequence[str]) -> Generator[Progress, None, Tensor]:
    """(p, e) of texts, each different one through the encoder once."""
    once = TextEmbeddings(embedder.embed_texts)
    different = list(dict.fromkeys(texts))
    parts: dict[str, Tensor] = {}
    for start in range(0, len(different), BATCH):
        batch = different[start : start + BATCH]
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # a cut caption is no slip of the person who waits
            parts.update(zip(batch, once(batch), strict=True))
        yield Progress("captions", start + len(batch), len(different))
    return torch.stack([parts[text] for text in texts]) if texts else torch.empty(0, embedder.dim)


def pseudo_pairs(conditioner: Conditioner, texts: Tensor) -> tuple[Tensor, Tensor]:
    """Each text (p, e) with its nearest pictures of the bank, in the centred space.

    Returns:
        texts (n, e) and images (n, e), `NEIGHBOURS` rows a text, or fewer for a small bank.
    """
    k = min(NEIGHBOURS, len(conditioner.bank))
    _, rows = conditioner.neighbours(texts, k)
    return texts.repeat_interleave(k, 0), conditioner.bank[rows.flatten()].float()
