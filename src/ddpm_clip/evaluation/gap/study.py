"""The modality gap of a model or of a file of pairs, with the figures of each bridge."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.closeness import Closeness
from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.gap.bridge_table import rows_of, table_of_model, table_on_pairs
from ddpm_clip.evaluation.gap.measures import GapReport, measure_gap
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Progress

MOST = 5000
"""Largest number of pairs on which bridges are compared, evenly spaced."""

SHOWN = 1500
"""Largest number of points of each cloud that are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class GapStudy:
    """What `ddpm-clip gap` prints and draws.

    Attributes:
        name: name of the model or file.
        report: figures of the gap.
        bridges: figures of each bridge; empty if there is nothing to compare with.
        images, texts: (up to `SHOWN`, e) unit embeddings to draw.
    """

    name: str
    report: GapReport
    bridges: dict[str, Closeness]
    images: Tensor
    texts: Tensor

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as a dict for JSON, without the embeddings."""
        return {"name": self.name, "gap": self.report.as_dict(), "bridges": rows_of(self.bridges)}


def study_pairs(
    name: str, images: Tensor, texts: Tensor, *, splits: int = 20, seed: int = 0
) -> Generator[Progress, None, GapStudy]:
    """Study pairs of embeddings, with every map of `bridge_maps.MAPS`.

    Args:
        name: name of the file.
        images: (n, e) image embeddings.
        texts: (n, e) text embeddings, row i describing picture i.
        splits: number of splits into bank and test, over which the figures are averaged.
        seed: random seed of the first split.
    """
    report = measure_gap(images, texts, paired=True)
    images, texts = _spread(images, MOST), _spread(texts, MOST)
    table = yield from table_on_pairs(images, texts, splits=splits, seed=seed)
    return GapStudy(name, report, table, _spread(images, SHOWN), _spread(texts, SHOWN))


def study_model(
    model: LoadedModel, pairs: tuple[Tensor, Tensor] | None = None, *, seed: int = 0
) -> GapStudy:
    """Study a model, on its own prompts and the pictures in its bank, or on given pairs.

    Args:
        model: a run or packed model.
        pairs: images (n, e) and texts (n, e) by the model's embedder, not used in its training.
        seed: random seed of bridges that draw.

    Raises:
        DataError: the model was packed without its bank and no pairs are given, or the pairs are
            from another embedder.
    """
    conditioner = model.conditioner
    images, texts = pairs or (conditioner.bank.float(), _prompts(model))
    if pairs is None and (len(images) < 2 or len(texts) < 2):
        raise DataError(
            f"{model.name} keeps too few pictures and prompts to measure a gap",
            f"{len(images)} pictures, {len(texts)} prompts",
            "give pairs: --pairs FILE.npz",
            param="model",
        )
    if texts.shape[1] != conditioner.dim:
        raise DataError(
            f"pairs of size {texts.shape[1]} for a model that needs size {conditioner.dim}",
            "they come from another embedder",
            param="pairs",
        )
    report = measure_gap(images, texts, paired=pairs is not None)
    images, texts = _spread(images, MOST), _spread(texts, MOST)
    table = table_of_model(conditioner, texts, None if pairs is None else images, seed)
    return GapStudy(model.name, report, table, _spread(images, SHOWN), _spread(texts, SHOWN))


def _prompts(model: LoadedModel) -> Tensor:
    with torch.no_grad():
        return model.embedder.embed_texts(model.conditioner.prompts).cpu().float()


def _spread(rows: Tensor, most: int) -> Tensor:
    """Return at most `most` evenly spaced rows, made unit length."""
    chosen = torch.linspace(0, len(rows) - 1, min(most, len(rows)), dtype=torch.float64)
    return F.normalize(rows[chosen.round().long()].float(), dim=1)
