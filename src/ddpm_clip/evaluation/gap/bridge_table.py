"""Compares bridges by figures that need neither a network nor painted pictures.

On pairs of embeddings alone, every map of `bridge_maps` over many splits; for a model, its own
bridges.
"""

from collections.abc import Generator
from dataclasses import replace
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
"""Share of the pairs in the bank; the others are the test."""

FLOOR = "another image (floor)"
"""The name of the baseline that takes the image of another pair."""

FEWEST = 60
"""Smallest number of pairs on which maps are compared."""


def table_on_pairs(
    images: Tensor, texts: Tensor, *, splits: int = 20, seed: int = 0
) -> Generator[Progress, None, dict[str, Closeness]]:
    """Return the figures of every map of `MAPS`, averaged over random splits into bank and test.

    Args:
        images: (n, e) image embeddings.
        texts: (n, e) text embeddings, row i belonging to `images[i]`.
        splits: number of splits.
        seed: random seed of the first split; the next has `seed + 1`.

    Raises:
        DataError: there are too few pairs.
    """
    if len(images) != len(texts) or len(images) < FEWEST:
        raise DataError(
            f"{len(images)} images and {len(texts)} texts are too few pairs to compare bridges",
            f"at least {FEWEST} pairs are needed",
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
    """Return the figures of a model's bridges as they are, unbounded, with its bank as reference.

    The table is empty in raw mode or without a bank.

    Args:
        conditioner: the conditioner of the model.
        texts: (n, e) text embeddings.
        images: (n, e) embeddings of the texts' own pictures, not in the bank; None without pairs.
        seed: random seed of bridges that draw; row i has `seed + i`.
    """
    if conditioner.mode == "raw" or len(conditioner.bank) < 2:
        return {}
    bank, centre = F.normalize(conditioner.bank.float(), dim=1), conditioner.mean_image
    table = {}
    for bridge in conditioner.bridges:
        generators = [torch.Generator().manual_seed(seed + i) for i in range(len(texts))]
        c = conditioner.texts(texts, bridge, generators=generators, bounded=False)
        asked = conditioner.embeddings(c)
        figures = (
            unpaired_closeness(asked, bank, centre)
            if images is None
            else paired_closeness(asked, F.normalize(images.float(), dim=1), bank, centre)
        )
        outside = conditioner.cloud.trust(c[:, : conditioner.dim]) < 1
        table[bridge] = replace(figures, outside=outside.float().mean().item())
    return table


def rows_of(table: dict[str, Closeness]) -> list[dict[str, Any]]:
    """Return the table for JSON, one row per bridge."""
    return [{"bridge": name, **figures.as_dict()} for name, figures in table.items()]


def _paired(asked: Tensor, own: Tensor, bank: Pairs) -> Closeness:
    return paired_closeness(asked, own, bank.images, bank.mean_image)


def _mean(parts: list[Closeness]) -> Closeness:
    measured = [[one for one in part.as_dict().values() if one is not None] for part in parts]
    rows = torch.tensor(measured, dtype=torch.float64)
    return Closeness(*rows.mean(0).tolist())
