"""Does another CLIP find a picture's own prompt among all prompts, and by what margin?

The margin is between cosines of centred embeddings: raw cosines of pictures and words mostly tell
how far apart the two kinds lie. The CLIP must not be the one that conditioned the model, or it is
asked about its own mistakes. R-precision is that of Xu et al. 2018 (AttnGAN, section 4.1). Knows
nothing of how pictures are painted.
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
    """How near pictures are to their own prompts."""

    n: int
    prompts: int
    margin: float  # mean over pictures, in [-2, 2]; 0 where pictures and prompts are unrelated
    stderr: float  # of the margin; infinite for one picture
    hits: int  # pictures whose own prompt is the nearest of all
    chance: float  # the R-precision of guessing
    margins: Tensor  # (n,)
    found: Tensor  # (n,) bool

    @property
    def r_precision(self) -> float:
        """Share of hits."""
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the R-precision."""
        return wilson(self.hits, self.n)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, without the rows of single pictures."""
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
        embedder: not the one that conditioned the model.
        x: (n, c, h, w) uint8 or in [-1, 1].
        prompts: different from each other.
        asked: the row of each picture's prompt.
        real: pictures whose mean embedding is the middle; None takes the mean of x.
        meanings: as for `retrieval`.
    """
    if len(set(prompts)) != len(prompts):
        raise UsageError(
            "a prompt is there twice", "its pictures would find either", "name every prompt once"
        )
    middle = None if real is None else embed_pictures(embedder, real).mean(0)
    with torch.no_grad():
        texts = embedder.embed_texts(prompts).cpu()
    images = embed_pictures(embedder, x)
    return retrieval(images, texts, asked, image_mean=middle, meanings=meanings)


def embed_pictures(embedder: Embedder, x: Tensor, chunk: int = 256) -> Tensor:
    """(n, e) from x (n, c, h, w) uint8 or in [-1, 1]."""
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
    """Margins and hits of pictures against their own and all other prompts.

    The margin of a picture is its cosine to its own prompt less the mean of those to the others.
    It hits where no other prompt is as near; a tie is a miss.

    Args:
        images: (n, e) embeddings of the pictures.
        texts: (p, e) of the prompts.
        asked: (n,) the row of each picture's prompt.
        image_mean: (e,) the middle of pictures; None takes that of `images`.
        text_mean: (e,) the middle of texts; None takes that of `texts`.
        meanings: one a prompt; prompts of one meaning are not wrong answers for one another.

    Raises:
        UsageError: shapes that do not fit, a picture without another prompt. DataError: not finite.
    """
    images, texts = paired(images, texts, least=1)
    rows = torch.tensor(list(asked))
    if len(rows) != len(images) or not bool(((rows >= 0) & (rows < len(texts))).all()):
        raise UsageError(
            f"{len(images)} pictures with {len(rows)} prompts of {len(texts)}",
            "each picture needs the row of its prompt",
        )
    others = _others(len(texts), meanings)[rows]  # (n, p)
    if not bool(others.any(1).all()):
        raise UsageError(
            "a prompt with no other to mistake it for",
            f"there are {len(texts)}",
            "give prompts of two meanings at least",
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
    """(p, p) bool: the prompts that mean something else."""
    names = list(range(p)) if meanings is None else list(meanings)
    if len(names) != p:
        raise UsageError(f"{len(names)} meanings for {p} prompts", "each prompt needs one")
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    of = torch.tensor([numbers[name] for name in names])
    return of[:, None] != of
