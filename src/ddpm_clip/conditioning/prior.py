"""Where the pictures of a text lie, learned from pairs: a linear prior, and one picture by lot.

Ridge regression between the principal axes of both clouds tells the mean picture of a text. Alone
it shrinks towards the mean of all pictures (measured: to .57 of their radius), so what it cannot
know is drawn from the covariance of its leave-one-out errors. It is the Gaussian relative of the
diffusion prior of unCLIP (Ramesh et al. 2022), and fitted in a second. Knows nothing of
conditions, encoders or files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.errors import DataError

KEPT_VARIANCE = 0.95
"""Share of the variance that the principal axes of a large cloud keep."""

SMALL = 64
"""Size of an embedding up to which all axes are kept."""

FEWEST = 20
"""Pairs below which nothing is fitted."""

STRENGTHS = tuple(10.0 ** (k / 4) for k in range(-24, 5))
"""Ridge strengths that are tried, in units of the largest squared singular value."""

PREFIX = "prior."
"""Of its tensors among those of a conditioner."""

STORED = ("mean_text", "mean_image", "text_axes", "image_axes", "weights", "root")
"""Its tensors, in the order of the fields."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """P(image embedding | text embedding), a Gaussian with a linear mean.

    Attributes:
        mean_text: (e,) of the pairs' texts.
        mean_image: (e,) of the pairs' images.
        text_axes: (k, e) orthonormal.
        image_axes: (m, e) orthonormal.
        weights: (k, m) of the regression.
        root: (m, m) symmetric root of the covariance of what is left.
        n: pairs that it was fitted on.
        pseudo: the pairs were guessed by nearness, not told by captions.
    """

    mean_text: Tensor
    mean_image: Tensor
    text_axes: Tensor
    image_axes: Tensor
    weights: Tensor
    root: Tensor
    n: int
    pseudo: bool = False

    @classmethod
    def fit(cls, texts: Tensor, images: Tensor, *, pseudo: bool = False) -> "Prior":
        """Fit on pairs; the ridge strength has the least leave-one-out error of `STRENGTHS`.

        Args:
            texts: (n, e), row i says what `images[i]` shows; the same picture may come again.
            images: (n, e).
            pseudo: remembered with the prior.

        Raises:
            DataError: fewer than `FEWEST` pairs, or not as many texts as images.
        """
        if len(texts) != len(images) or len(texts) < FEWEST:
            raise DataError(
                f"{len(texts)} texts and {len(images)} images are no pairs to fit a prior on",
                f"it takes {FEWEST} pairs or more",
            )
        texts, images = (F.normalize(e.double(), dim=1) for e in (texts, images))
        mean_text, mean_image = texts.mean(0), images.mean(0)
        text_axes, image_axes = principal(texts - mean_text), principal(images - mean_image)
        x, y = (texts - mean_text) @ text_axes.T, (images - mean_image) @ image_axes.T
        weights, errors = ridge(x, y)
        root = _symmetric_root(errors.T @ errors / len(errors))
        return cls(
            mean_text.float(),
            mean_image.float(),
            text_axes.float(),
            image_axes.float(),
            weights.float(),
            root.float(),
            len(texts),
            pseudo,
        )

    def mean(self, e: Tensor) -> Tensor:
        """(n, e) the mean picture of each unit text embedding (n, e); shorter than unit length."""
        return self.mean_image + (e - self.mean_text) @ self.text_axes.T @ self._map

    def draw(
        self, e: Tensor, generators: Sequence[torch.Generator], truncation: float = 1.0
    ) -> Tensor:
        """(n, e) one image embedding a unit text embedding (n, e), by the generator of its row.

        Args:
            e: (n, e).
            generators: one a row.
            truncation: of what is drawn, in [0, 1]: 1 spreads as pictures do, below it rare ones
                are left out (the truncation trick, Brock et al. 2019), 0 is the mean.
        """
        z = [torch.randn(1, len(self.root), generator=generator) for generator in generators]
        rest = torch.cat([torch.empty(0, len(self.root)), *z]) @ self.root @ self.image_axes
        return self.mean(e) + truncation * rest

    @property
    def _map(self) -> Tensor:
        return self.weights @ self.image_axes

    # What a run or a packed model keeps

    def tensors(self) -> dict[str, Tensor]:
        """All that is needed to open this again, as named tensors."""
        named = {f"{PREFIX}{name}": getattr(self, name) for name in STORED}
        return named | {f"{PREFIX}about": torch.tensor([self.n, int(self.pseudo)])}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor]) -> "Prior | None":
        """The inverse of `tensors`; None where there is no prior among them."""
        if f"{PREFIX}about" not in tensors:
            return None
        n, pseudo = tensors[f"{PREFIX}about"].tolist()
        a, b, c, d, e, f = (tensors[f"{PREFIX}{name}"] for name in STORED)
        return cls(a, b, c, d, e, f, n, bool(pseudo))


def principal(centred: Tensor) -> Tensor:
    """(k, e) orthonormal axes of a cloud (n, e), those of largest variance first.

    All but the empty ones up to `SMALL` coordinates, else those that hold `KEPT_VARIANCE`.
    """
    s: Tensor
    axes: Tensor
    _, s, axes = torch.linalg.svd(centred, full_matrices=False)
    held = s.square().cumsum(0) / s.square().sum().clamp(min=1e-30)
    wanted = KEPT_VARIANCE if centred.shape[1] > SMALL else 1 - 1e-9
    return axes[: int((held < wanted).sum()) + 1]


def ridge(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Ridge regression of centred y (n, m) on centred x (n, k), with the strength found by itself.

    The mean belongs to the model and is not shrunk.

    Returns:
        weights (k, m), and errors (n, m): of each row where all the others were fitted, exactly
        (Hastie, Tibshirani & Friedman 2009, eq. 7.64).
    """
    u, s, vt = torch.linalg.svd(x, full_matrices=False)
    scale = s[0].square().clamp(min=1e-30)
    strengths = [scale * strength for strength in STRENGTHS]
    found = [(_left_out(u, s, y, strength), strength) for strength in strengths]
    errors, strength = min(found, key=lambda one: one[0].square().sum().item())
    return vt.T @ ((s / (s.square() + strength))[:, None] * (u.T @ y)), errors


def _left_out(u: Tensor, s: Tensor, y: Tensor, strength: Tensor) -> Tensor:
    """(n, m) leave-one-out errors: (y - fit) / (1 - leverage)."""
    kept = s.square() / (s.square() + strength)
    leverage = 1 / len(y) + u.square() @ kept
    return (y - u @ (kept[:, None] * (u.T @ y))) / (1 - leverage).clamp(min=1e-9)[:, None]


def _symmetric_root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
