"""Retrieval: does an independent CLIP find the prompt of a picture among all prompts?

R-precision as in Xu et al. 2018 (AttnGAN, section 4.1), and the margin between cosines of centred
embeddings; raw cosines of pictures and words mostly reflect the modality gap. The CLIP must not be
the one that the model is conditioned on, or it would judge its own mistakes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.metrics.features import in_chunks, paired
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Embedder


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """How close pictures are to their own prompts."""

    n: int  # number of pictures
    prompts: int  # number of prompts
    margin: float  # mean over pictures, in [-2, 2]; 0 if pictures and prompts are unrelated
    stderr: float  # standard error of the margin; infinite for a single picture
    hits: int  # pictures whose own prompt is the nearest of all
    chance: float  # R-precision of guessing
    margins: Tensor  # (n,) margin of each picture
    found: Tensor  # (n,) bool, hit or miss

    @property
    def r_precision(self) -> float:
        """Share of hits."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the R-precision."""
        return wilson(self.hits, self.n)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, without the rows of single pictures."""
        low, high = self.interval
        return {
            "n": self.n,
            "prompts": self.prompts,
            "margin": round(self.margin, 4),
            "stderr": round(self.stderr, 4) if self.n > 1 else None,
            "r_precision": round(self.r_precision, 4),
            "interval_95": [round(low, 4), round(high, 4)],
            "chance": round(self.chance, 4),
        }


def retrieve(
    embedder: Embedder,
    x: Tensor,
    prompts: Sequence[str],
    asked: Sequence[int],
    *,
    real: Tensor | None = None,
    meanings: Sequence[str] | None = None,
) -> Retrieval:
    """Embed pictures and prompts, then `retrieval`.

    Args:
        embedder: a CLIP other than the one that the model is conditioned on.
        x: (n, c, h, w) pictures, uint8 or float in [-1, 1].
        prompts: prompts, all different.
        asked: index of each picture's prompt.
        real: real pictures at whose mean embedding pictures are centred; None takes the mean of x.
        meanings: as for `retrieval`.
    """
    if len(set(prompts)) != len(prompts):
        raise UsageError(
            "a prompt occurs twice",
            "its pictures could not be attributed to one of the two",
            "give every prompt once",
        )
    middle = None if real is None else embed_pictures(embedder, real).mean(0)
    with torch.no_grad():
        texts = embedder.embed_texts(prompts).cpu()
    images = embed_pictures(embedder, x)
    return retrieval(images, texts, asked, image_mean=middle, meanings=meanings)


def embed_pictures(embedder: Embedder, x: Tensor, chunk: int = 256) -> Tensor:
    """Return the embeddings (n, e) of x (n, c, h, w), uint8 or float in [-1, 1]."""
    return in_chunks(embedder.embed_pixels, x, chunk)


def retrieval(
    images: Tensor,
    texts: Tensor,
    asked: Sequence[int],
    *,
    image_mean: Tensor | None = None,
    text_mean: Tensor | None = None,
    meanings: Sequence[str] | None = None,
) -> Retrieval:
    """Return margins and hits of pictures with their own and all other prompts.

    The margin of a picture is its cosine with its own prompt minus the mean cosine with the others.
    It is a hit if no other prompt is as close; a tie is a miss.

    Args:
        images: (n, e) embeddings of the pictures.
        texts: (p, e) embeddings of the prompts.
        asked: (n,) index of each picture's prompt.
        image_mean: (e,) mean at which pictures are centred; None takes that of `images`.
        text_mean: (e,) mean at which texts are centred; None takes that of `texts`.
        meanings: one per prompt; prompts with the same meaning do not count as wrong answers.

    Raises:
        UsageError: shapes do not match, or a prompt has no other prompt to be compared with.
        DataError: embeddings are not finite.
    """
    images, texts = paired(images, texts, least=1)
    rows = torch.tensor(list(asked))
    if len(rows) != len(images) or not bool(((rows >= 0) & (rows < len(texts))).all()):
        raise UsageError(
            f"{len(images)} pictures with {len(rows)} prompt indices, for {len(texts)} prompts",
            "each picture needs the index of its prompt",
        )
    others = _others(len(texts), meanings)[rows]  # (n, p)
    if not bool(others.any(1).all()):
        raise UsageError(
            "a prompt has no other prompt to be compared with",
            f"there are {len(texts)} prompts",
            "give prompts with at least two meanings",
        )
    images = F.normalize(images - (images.mean(0) if image_mean is None else image_mean), dim=1)
    texts = F.normalize(texts - (texts.mean(0) if text_mean is None else text_mean), dim=1)
    cosines = images @ texts.T  # (n, p)
    own = cosines.gather(1, rows[:, None])[:, 0]
    margins = own - (cosines * others).sum(1) / others.sum(1)
    found = own > cosines.masked_fill(~others, -3.0).amax(1) + 1e-12
    spread = margins.std().item() / len(images) ** 0.5 if len(images) > 1 else math.inf
    chance = 1 / (1 + others.sum(1).double())
    return Retrieval(
        len(images),
        len(texts),
        margins.mean().item(),
        spread,
        int(found.sum()),
        chance.mean().item(),
        margins,
        found,
    )


def _others(p: int, meanings: Sequence[str] | None) -> Tensor:
    """Return (p, p) bool: which prompts differ in meaning."""
    names = list(range(p)) if meanings is None else list(meanings)
    if len(names) != p:
        raise UsageError(f"{len(names)} meanings for {p} prompts", "each prompt needs a meaning")
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    of = torch.tensor([numbers[name] for name in names])
    return of[:, None] != of
