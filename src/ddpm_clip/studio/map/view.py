"""What the map shows: the pictures' points, the words, and where a prompt falls with each bridge.

The axes are principal axes (`conditioning/plane.py`), so directions and distances mean something,
and every point can be painted from. A map that bends the space (UMAP, t-SNE) has neither.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.embedders.prompts import checked_prompt
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.studio.map.advice import asked

MOST_POINTS, MOST_WORDS = 1500, 48
"""Most pictures and words that are sent."""

MARGIN = 0.06
"""Room around the outermost pictures, as a share of the width."""


def view(tti: TextToImage, id: str, *, thumbnails: bool = False) -> dict[str, Any]:
    """Return the map of a model.

    Args:
        tti: The model.
        id: Its id on this server, for the URLs of thumbnails.
        thumbnails: Whether its training pictures can be shown.

    Raises:
        DataError: It has no map, and why.
    """
    points = tti.model.plane.points
    rows = torch.linspace(0, len(points) - 1, min(MOST_POINTS, len(points))).round().long().tolist()
    low, high = points[rows].min(0).values, points[rows].max(0).values
    room = MARGIN * (high - low).max()
    pictures = [
        {"row": row, "x": x, "y": y, **({"label": label} if label else {})}
        for row, (x, y), label in zip(rows, _pairs(points[rows]), _labels(tti, rows), strict=True)
    ]
    for one in pictures if thumbnails else ():
        one["thumb"] = f"/api/map/pictures/{one['row']}.png?model={quote(id, safe='')}"
    return {
        "axes": ["first principal axis of the pictures", "second principal axis of the pictures"],
        "explained": round(tti.model.plane.explained, 4),
        "bounds": [*_rounded(low - room), *_rounded(high + room)],
        "pictures": pictures,
        "words": words_at(tti, words_of(tti)),
        "bridge": tti.model.config.conditioning.bridge,
    }


def words_of(tti: TextToImage) -> list[str]:
    """Return the words of the map: classes, example prompts and covered prompts of the model."""
    model = tti.model
    if model.config.embedder.name == "labels":  # which knows no other words
        return list(model.classes)[:MOST_WORDS]
    classes = [name.replace("_", " ") for name in model.classes]
    named = [*model.config.generation.prompts, *classes, *tti.prompt_coverage.suggested()]
    return list(dict.fromkeys(named))[:MOST_WORDS]


def words_at(tti: TextToImage, words: Sequence[str]) -> list[dict[str, Any]]:
    """Return where words fall with the model's own bridge, and without any."""
    if not words:
        return []
    over, plain = (_pairs(placed(tti, words, bridge)) for bridge in (None, "identity"))
    return [
        {"text": text, "x": x, "y": y, "unbridged": bare}
        for text, (x, y), bare in zip(words, over, plain, strict=True)
    ]


def place(tti: TextToImage, prompt: str, seed: int = 0) -> dict[str, Any]:
    """Return where a prompt falls without a bridge and with each, and how well it is covered.

    Args:
        tti: The model.
        prompt: A prompt, as for painting.
        seed: Random seed of the bridges that draw.

    Raises:
        DataError: The model has no map.
        UsageError: The prompt is invalid.
    """
    text = checked_prompt(prompt)
    bridges = [name for name in tti.model.conditioner.bridges if name != "identity"]
    (bare,) = _pairs(placed(tti, [text], "identity", seed))
    return {
        "prompt": text,
        "text": bare,
        "bridges": {name: _pairs(placed(tti, [text], name, seed))[0] for name in bridges},
        "bridge": tti.model.config.conditioning.bridge,
        "coverage": asked(tti, text),
    }


def placed(tti: TextToImage, texts: Sequence[str], bridge: str | None, seed: int = 0) -> Tensor:
    """Return where texts fall (n, 2) with a bridge; None takes the model's own."""
    settings = tti.settings(bridge=bridge)
    return tti.model.plane.place(tti.conditions(texts, settings, [seed] * len(texts)).cpu())


def _labels(tti: TextToImage, rows: Sequence[int]) -> list[str | None]:
    """Return the class that each picture is nearest to; None where there are no classes."""
    model = tti.model
    if len(model.classes) < 2:
        return [None] * len(rows)
    names = [name.replace("_", " ") for name in model.classes]
    texts = model.classes if model.config.embedder.name == "labels" else names
    e = model.embedder.embed_texts(list(texts)).detach().cpu().float()
    words = F.normalize(F.normalize(e, dim=1) - model.conditioner.mean_text, dim=1)
    bank = model.conditioner.bank[list(rows)].float() - model.conditioner.mean_image
    return [names[i] for i in (bank @ words.T).argmax(1).tolist()]


def _pairs(points: Tensor) -> list[list[float]]:
    return [_rounded(point) for point in points]


def _rounded(point: Tensor) -> list[float]:
    return [round(value, 4) for value in point.tolist()]
