"""Similarity of words and pictures to one embedder: a matrix of cosines, or a map in the plane.

With a model, both are centred at its means, as conditions are; a mini-CLIP alone has no means, so
its embeddings are compared without centring.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.pictures.crops import cropped
from ddpm_clip.embedders.mini_clip import CARD, MiniClip
from ddpm_clip.embedders.prompts import checked_prompts
from ddpm_clip.errors import UsageError
from ddpm_clip.runs.pretrained import load
from ddpm_clip.types import Embedder
from ddpm_clip.utils.untrusted import user_path

INVERSE_TEMPERATURE = 10.0
"""Inverse temperature of the shares, if the embedder has not learned one."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingSpace:
    """An embedder with the means at which pictures and words are centred.

    Attributes:
        name: name for display.
        embedder: embeds pictures and words.
        conditioner: holds the means; None compares without centring.
        words: texts that are used if none are given.
    """

    name: str
    embedder: Embedder
    conditioner: Conditioner | None = None
    words: tuple[str, ...] = ()

    @classmethod
    def open(cls, name: str | Path, device: str = "auto") -> "EmbeddingSpace":
        """Open a model (shipped, run or packed) or the folder of a mini-CLIP.

        Raises:
            MissingInput: there is neither.
        """
        if (user_path(name) / CARD).is_file():
            return cls(str(name), MiniClip.load(user_path(name)))
        model = load(name, device)
        words = model.config.generation.prompts or model.classes
        return cls(model.name, model.embedder, model.conditioner, tuple(words))

    def crop(self, image: Image.Image) -> Image.Image:
        """Return the middle of a picture in the shape that the embedder reads, or its square."""
        return cropped(image, getattr(self.embedder, "img_size", 1))

    def pictures(self, images: Sequence[Image.Image]) -> Tensor:
        """Return the embeddings of pictures (n, e), centred if possible, of unit length."""
        e = F.normalize(self.embedder.embed_images(images).detach().cpu().float(), dim=1)
        return e if self.conditioner is None else _centred(e, self.conditioner.mean_image)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Return the embeddings of texts (p, e), centred if possible, of unit length."""
        e = F.normalize(self.embedder.embed_texts(list(texts)).detach().cpu().float(), dim=1)
        return e if self.conditioner is None else _centred(e, self.conditioner.mean_text)

    @property
    def inverse_temperature(self) -> float:
        """The inverse temperature that the embedder learned."""
        learned = getattr(self.embedder, "inverse_temperature", None)
        return INVERSE_TEMPERATURE if learned is None else float(learned.detach())

    def asked(self, texts: Sequence[str]) -> list[str]:
        """Return these texts, or the default texts if there are none.

        Raises:
            UsageError: there are neither.
        """
        if not texts and not self.words:
            raise UsageError(
                f"{self.name} has no default texts", fix="give some: --text WORDS", param="text"
            )
        return checked_prompts(list(texts) or list(self.words))


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """Similarities of texts and pictures."""

    texts: tuple[str, ...]
    pictures: tuple[str, ...]
    scores: Tensor  # (p, n) cosines in [-1, 1]
    shares: Tensor  # (p, n), each column sums to 1
    centred: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, one row per text."""
        best = self.scores.argmax(0).tolist()
        return {
            "texts": self.texts,
            "pictures": self.pictures,
            "centred": self.centred,
            "scores": _rounded(self.scores),
            "shares": _rounded(self.shares),
            "best": [self.texts[i] for i in best],
        }


def similarity(
    space: EmbeddingSpace, images: Sequence[Image.Image], texts: Sequence[str], names: Sequence[str]
) -> Similarity:
    """Return the cosine of every text with every picture.

    The shares of a picture are the softmax of its cosines over the texts, at the temperature that
    the embedder learned.

    Args:
        space: from `EmbeddingSpace.open`.
        images: at least one picture, as PIL.
        texts: at least one text.
        names: names of the pictures.
    """
    scores = space.texts(texts) @ space.pictures(images).T
    shares = (space.inverse_temperature * scores).softmax(0)
    return Similarity(tuple(texts), tuple(names), scores, shares, space.conditioner is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Compass:
    """Pictures as points and texts as arrows in a plane.

    Attributes:
        points: (n, 2) positions of the pictures.
        labels: labels of the pictures, "" for none.
        arrows: (p, 2) directions of the texts.
        texts: the texts.
        shown: share of the pictures' variance that lies in the plane; 1 for 2-d embeddings.
        agree: share of labelled pictures whose nearest text, in the whole space, is their label;
            None if no label is among the texts.
    """

    points: Tensor
    labels: tuple[str, ...]
    arrows: Tensor
    texts: tuple[str, ...]
    shown: float
    agree: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "texts": dict(zip(self.texts, _rounded(self.arrows), strict=True)),
            "points": _rounded(self.points),
            "labels": self.labels,
            "variance_shown": round(self.shown, 4),
            "agree": None if self.agree is None else round(self.agree, 4),
        }


def compass(
    space: EmbeddingSpace,
    images: Sequence[Image.Image],
    labels: Sequence[str],
    texts: Sequence[str],
) -> Compass:
    """Project pictures and texts onto the first two principal axes of the pictures.

    Two-dimensional embeddings are shown as they are.

    Args:
        space: from `EmbeddingSpace.open`.
        images: at least one picture, as PIL.
        labels: one label per picture, "" for none.
        texts: at least one text.
    """
    pictures, words = space.pictures(images), space.texts(texts)
    nearest = [texts[i] for i in (pictures @ words.T).argmax(1).tolist()]
    known = [(a, b) for a, b in zip(nearest, labels, strict=True) if b in texts]
    agree = sum(a == b for a, b in known) / len(known) if known else None
    axes, shown = _plane(pictures)
    return Compass(pictures @ axes, tuple(labels), words @ axes, tuple(texts), shown, agree)


def _plane(rows: Tensor) -> tuple[Tensor, float]:
    """Return the two principal axes (e, 2), and their share of the variance."""
    if rows.shape[1] == 2:
        return torch.eye(2), 1.0
    centred = (rows - rows.mean(0)).double()
    values, vectors = torch.linalg.eigh(centred.T @ centred)  # eigenvalues ascend
    shown = values[-2:].sum() / values.sum().clamp(min=1e-12)
    return vectors[:, [-1, -2]].float(), shown.item()


def _centred(e: Tensor, mean: Tensor) -> Tensor:
    return F.normalize(e - mean, dim=1)


def _rounded(x: Tensor) -> list[list[float]]:
    return [[round(value, 5) for value in row] for row in x.tolist()]
