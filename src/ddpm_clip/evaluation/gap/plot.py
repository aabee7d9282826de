"""Draws a study of the gap: both clouds, the coordinates of the gap, the figures of the bridges."""

from pathlib import Path

import torch
from torch import Tensor

from ddpm_clip.evaluation.gap.study import GapStudy
from ddpm_clip.utils.plots.curves import Line, Plot, draw_plots


def draw_gap(study: GapStudy, path: Path) -> Path:
    """Draw two to six panels as one PNG at `path`.

    Args:
        study: the study of a model or of pairs.
        path: path of the PNG; its folder is created.
    """
    bars = [
        _bars(study, "nearest_ratio", "distance to the nearest picture (1: like a real picture)"),
        _bars(study, "centred_cosine", "centred cosine with own picture"),
        _bars(study, "reciprocal_rank", "retrieval of own picture: mean 1 / rank"),
        _bars(study, "radius_ratio", "radius (1: like real pictures)"),
    ]
    parts = [_clouds(study), _coordinates(study), *(part for part in bars if part is not None)]
    return draw_plots(parts, path)


def _clouds(study: GapStudy) -> Plot:
    """Plot along the gap and across it, in the direction in which the pictures vary most."""
    images, texts = study.images, study.texts
    mean_image, mean_text = images.mean(0), texts.mean(0)
    along = torch.nn.functional.normalize(mean_text - mean_image, dim=0)
    centred = images - mean_image
    flat = centred - (centred @ along)[:, None] * along
    across = torch.linalg.svd(flat, full_matrices=False)[2][0]

    def seen(rows: Tensor) -> tuple[list[float], list[float]]:
        away = rows - (mean_image + mean_text) / 2
        return (away @ along).tolist(), (away @ across).tolist()

    return Plot(
        f"{study.name}: the means are {study.report.distance:.3f} apart",
        "along the gap",
        "where pictures vary most",
        [Line("pictures", *seen(images), style="dots"), Line("words", *seen(texts), style="dots")],
    )


def _coordinates(study: GapStudy) -> Plot:
    top = [(f"coordinate {number}", share) for number, share in study.report.top]
    rest = max(0.0, 1 - sum(share for _, share in top))
    return Plot(
        "which coordinates carry the gap",
        "share of its square",
        bars={"share": [*top, ("all others", rest)]},
    )


def _bars(study: GapStudy, figure: str, title: str) -> Plot | None:
    known = [(name, getattr(row, figure)) for name, row in study.bridges.items()]
    if not known or any(value is None for _, value in known):
        return None
    return Plot(title, bars={figure: [(name, round(value, 4)) for name, value in known]})
