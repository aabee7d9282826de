"""Bridges beside each other in figures that need no network and no painting.

On pairs alone, every simple map over many splits; of a model, its own bridges. Knows nothing of
files or printing.
"""

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.closeness import Closeness, paired_closeness, unpaired_closeness
from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.bridge_maps import MAPS, Pairs
from ddpm_clip.types import Progress

BANK_SHARE = 0.7
"""Of the pairs; the others are the test."""

FLOOR = "another image (floor)"
FEWEST = 60
"""Pairs below which maps cannot be compared."""


def table_on_pairs(
    images: Tensor, texts: Tensor, *, splits: int = 20, seed: int = 0
) -> Generator[Progress, None, dict[str, Closeness]]:
    """Every map of `MAPS`, and the floor, as means over random splits into bank and test.

    Args:
        images: (n, e).
        texts: (n, e), row i belongs to `images[i]`.
        splits: how often.
        seed: of the first split; the next has one more.

    Raises:
        DataError: too few pairs.
    """
    if len(images) != len(texts) or len(images) < FEWEST:
        raise DataError(
            f"{len(images)} images and {len(texts)} texts are too few pairs to compare bridges on",
            f"it takes {FEWEST}",
        )
    images, texts = (F.normalize(e.double(), dim=1) for e in (images, texts))
    found: dict[str, list[Closeness]] = {name: [] for name in [*MAPS, FLOOR]}
    for split in range(splits):
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed + split))
        known, held = order.split(
            [round(BANK_SHARE * len(order)), len(order) - round(BANK_SHARE * len(order))]
        )
        bank, own = Pairs(images[known], texts[known]), images[held]
        for name, carry in MAPS.items():
            found[name].append(_paired(carry(bank, texts[held]), own, bank))
        found[FLOOR].append(_paired(own.roll(1, 0), own, bank))
        yield Progress("bridges", split + 1, splits)
    return {name: _mean(parts) for name, parts in found.items()}


def table_of_model(
    conditioner: Conditioner, texts: Tensor, images: Tensor | None = None, seed: int = 0
) -> dict[str, Closeness]:
    """The bridges that a model can cross, against its own bank; none in raw mode or without one.

    Args:
        conditioner: of the model.
        texts: (n, e).
        images: (n, e) what they say, pictures that are not in the bank; None for no pairs.
        seed: of what a bridge draws; row i has `seed + i`.
    """
    if conditioner.mode == "raw" or len(conditioner.bank) < 2:
        return {}
    bank, centre = F.normalize(conditioner.bank.float(), dim=1), conditioner.mean_image
    table = {}
    for bridge in conditioner.bridges:
        generators = [torch.Generator().manual_seed(seed + i) for i in range(len(texts))]
        asked = conditioner.embeddings(conditioner.texts(texts, bridge, generators=generators))
        table[bridge] = (
            unpaired_closeness(asked, bank, centre)
            if images is None
            else paired_closeness(asked, F.normalize(images.float(), dim=1), bank, centre)
        )
    return table


def rows_of(table: dict[str, Closeness]) -> list[dict[str, Any]]:
    """The table for JSON, a row a bridge."""
    return [{"bridge": name, **figures.as_dict()} for name, figures in table.items()]


def _paired(asked: Tensor, own: Tensor, bank: Pairs) -> Closeness:
    return paired_closeness(asked, own, bank.images, bank.mean_image)


def _mean(parts: list[Closeness]) -> Closeness:
    rows = torch.tensor([list(part.as_dict().values()) for part in parts], dtype=torch.float64)
    return Closeness(*rows.mean(0).tolist())
