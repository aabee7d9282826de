"""Audit whether painted pictures are copies of training pictures, as in the evaluation.

In embeddings it only needs the model's bank; in pixels, compared with held-out pictures, it needs
the data.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import pixel_features, some_rows
from ddpm_clip.evaluation.metrics.memorisation import NEARER, USUAL, Audit, audit
from ddpm_clip.evaluation.metrics.neighbours import nearest_rows
from ddpm_clip.evaluation.report.real_pictures import real_pictures
from ddpm_clip.explain.panels.kinds import Panel, Strip, Table
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Progress
from ddpm_clip.utils.tensors import to_float

MOST_TRAIN, MOST_HELDOUT, MOST_BANK = 20_000, 2000, 1000
"""Most training and held-out pictures to compare, and rows of the bank for usual distances."""

FEWEST = 20
"""Rows of a bank, or held-out pictures, below which usual distances are not known."""

SHOWN, TRIED = 10, 32
"""Suspicious pictures to show, and training pictures whose embeddings are painted from."""


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Distances of painted pictures to the bank of training embeddings.

    Attributes:
        n: number of painted pictures.
        bank: number of rows in the bank.
        tolerance: largest distance that counts as a copy.
        duplicates: number of painted pictures within that distance.
        ratio: median distance to the nearest row, divided by that between rows of the bank.
    """

    n: int
    bank: int
    tolerance: float
    duplicates: int
    ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class CopyAudit:
    """Results of the copy audit, in as many ways as were possible.

    Attributes:
        near: the audit in embeddings; None without a bank or an embedder.
        pixels: the audit in pixels, with held-out pictures; None if the data are not on this
            machine, or with `quick`.
        retrieved: number of pictures painted from the embedding of a training picture that have
            that very picture as their nearest one in the bank; None if not tried.
        tried: number of pictures painted from embeddings.
        shown: (2, m, c, h, w) the most suspicious painted pictures and their nearest training
            pictures.
        why: what could not be done, and why.
    """

    near: Near | None = None
    pixels: Audit | None = None
    retrieved: int | None = None
    tried: int = 0
    shown: Tensor | None = None
    why: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        near = None
        if self.near is not None:
            one = self.near
            near = {
                "n": one.n,
                "bank": one.bank,
                "tolerance": one.tolerance,
                "duplicates": one.duplicates,
                "nearest_by_usual": one.ratio,
                "interval_95": wilson(one.duplicates, one.n),
            }
        own = None
        if self.retrieved is not None:
            own = {
                "n": self.tried,
                "right": self.retrieved,
                "interval_95": wilson(self.retrieved, self.tried),
            }
        return {
            "embeddings": near,
            "retrieval_of_own": own,
            "not_done": list(self.why),
            "pixels": None if self.pixels is None else self.pixels.as_dict(),
        }

    def panels(self) -> list[Panel]:
        """Return a table, and a strip of the suspicious pictures if there are any."""
        rows: list[list[str | float | int]] = []
        if self.near is not None:
            one = self.near
            rows.append(["embeddings of the bank", one.n, one.bank, one.duplicates, one.ratio, ""])
        if self.pixels is not None:
            found = self.pixels
            rows.append(
                [
                    "pixels",
                    found.n,
                    found.compared,
                    found.duplicates,
                    found.ratio / max(found.heldout_ratio, 1e-12),
                    found.verdict,
                ]
            )
        columns = [
            "compared in",
            "painted",
            "compared with",
            "copies",
            "distance (real pictures: 1)",
            "audit",
        ]
        note = "; ".join(self.why) + (". " if self.why else "")
        if self.retrieved is not None:
            note += (
                f"Of {self.tried} pictures painted from the embedding of a training picture, "
                f"{self.retrieved} have that very picture as their nearest one in the bank."
            )
        table = Table("Copy audit", columns, rows or [["nothing"] + [""] * 5], note.strip())
        if self.shown is None:
            return [table]
        names = ("painted", "nearest in training data")
        return [
            table,
            Strip("The most suspicious pictures and their nearest ones", self.shown, names),
        ]


def copies(target: AnalysisTarget, x: Tensor, quick: bool) -> Generator[Progress, None, CopyAudit]:
    """Audit pictures x (n, c, h, w) in [-1, 1] in embeddings and, unless `quick`, in pixels."""
    yield Progress("copies", 0, 1)
    near, why = _in_bank(target, x)
    reasons = [why] if why else []
    if target.model is None:
        return CopyAudit(
            near, why=(*reasons, "there are no training pictures to compare pixels with")
        )
    if quick:
        return CopyAudit(near, why=(*reasons, "pixels are not compared with --quick"))
    retrieved, tried = yield from _retrieved(target)
    real = yield from real_pictures(target.model.config.data, target.model.folder)
    if real.train is None or real.unseen is None or len(real.unseen) < FEWEST:
        cause = real.why_not or "too few pictures were held out of the training"
        reasons.append(f"pixels could not be compared: {cause}")
        return CopyAudit(near, None, retrieved, tried, why=tuple(reasons))
    seed = max(target.seeds)
    train = real.train.by_lot(MOST_TRAIN, seed).pixels
    heldout = real.unseen.by_lot(MOST_HELDOUT, seed).pixels
    rows = (pixel_features(one.cpu()) for one in (x, train, heldout))
    found = audit(*rows, seed=seed)
    worst = found.suspects(SHOWN)
    shown = torch.stack([x.cpu()[worst], to_float(train[found.train_rows[worst]])])
    yield Progress("copies", 1, 1)
    return CopyAudit(near, found, retrieved, tried, shown, tuple(reasons))


def _retrieved(target: AnalysisTarget) -> Generator[Progress, None, tuple[int | None, int]]:
    """Paint from embeddings of the bank, and count the pictures whose nearest row is their own."""
    conditioner, model = target.conditioner, target.model
    if conditioner is None or model is None or len(conditioner.bank) < FEWEST:
        return None, 0
    rows = some_rows(len(conditioner.bank), TRIED, max(target.seeds))
    c = conditioner.images(conditioner.bank[rows].float())
    seeds = target.more_seeds(len(rows))
    x = yield from target.pictures(c, seeds, stage="copies: from embeddings")
    e = _embedded(target, x)
    if e is None:
        return None, 0
    nearest = nearest_rows(e, F.normalize(conditioner.bank.float(), dim=1), 1)[1][:, 0]
    return int((nearest == rows).sum()), len(rows)


def _embedded(target: AnalysisTarget, x: Tensor) -> Tensor | None:
    """Return (n, e) embeddings comparable with the bank; None if it cannot embed pictures."""
    assert target.model is not None
    try:
        with torch.no_grad():
            e = target.model.embedder.embed_pixels(x.to(target.ddpm.device)).float().cpu()
    except UsageError:
        return None
    return F.normalize(e, dim=1)


def _in_bank(target: AnalysisTarget, x: Tensor) -> tuple[Near | None, str]:
    """Return distances in the space of the conditions, or why there are none."""
    bank = None if target.conditioner is None else target.conditioner.bank
    if bank is None or len(bank) < FEWEST:
        return None, "the model brings no bank of training embeddings along"
    if target.model is None:
        return None, "there is no embedder like that of the bank"
    e = _embedded(target, x)
    if e is None:
        return None, "the embedder of this model cannot embed pictures"
    return near_rows(e, F.normalize(bank.float(), dim=1), max(target.seeds)), ""


def near_rows(painted: Tensor, bank: Tensor, seed: int = 0) -> Near:
    """Compare painted embeddings (n, e) with a bank (m, e), and rows of the bank with the rest."""
    some = bank[some_rows(len(bank), MOST_BANK, seed)]
    usual = nearest_rows(some, bank, 2)[0][:, 1]  # the nearest row is the row itself
    tolerance = NEARER * usual.quantile(USUAL).item()
    distances = nearest_rows(painted, bank, 1)[0][:, 0]
    ratio = float(distances.median() / usual.median().clamp(min=1e-12))
    return Near(len(painted), len(bank), tolerance, int((distances <= tolerance).sum()), ratio)
