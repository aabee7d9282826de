"""A linear-Gaussian prior P(image embedding | text embedding), fitted on pairs.

Its mean is a ridge regression between the principal components of both clouds. The mean alone
shrinks towards the mean of all pictures (measured: to .57 of their radius), so a residual is drawn
from the covariance of the leave-one-out errors. It is the Gaussian counterpart of the diffusion
prior of unCLIP (Ramesh et al. 2022), and is fitted in a second.

Where captions seldom state a detail, such as the colour of a flower's centre, the residual is
nearly as large as the detail, and would drown it even for a text that does state it. So it is
narrower along what a text states (`openness`), and the mean is emphasised, most where words and
pictures are least correlated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.openness import Openness
from ddpm_clip.conditioning.regression import Canonical, principal, ridge
from ddpm_clip.errors import DataError

FEWEST = 20
"""Smallest number of pairs that a prior is fitted on."""

EMPHASIS = 1.0
"""How far the effect of words is stretched: 0 as a regression finds it, 1 to the spread of pictures
along each direction."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """P(image embedding | text embedding): a Gaussian with a linear mean.

    Attributes:
        mean_text: (e,) mean text embedding of the pairs.
        mean_image: (e,) mean image embedding of the pairs.
        text_axes: (k, e) orthonormal principal axes of the texts.
        image_axes: (m, e) orthonormal principal axes of the images.
        weights: (k, m) regression weights, emphasised.
        root: (m, m) symmetric root of the covariance of the residuals.
        n: number of pairs that it was fitted on.
        pseudo: True if the pairs were made by nearest neighbours instead of captions.
        openness: how wide a draw is for each text, and how far its mean goes; None, as in earlier
            versions: for all the same, and any distance.
    """

    mean_text: Tensor
    mean_image: Tensor
    text_axes: Tensor
    image_axes: Tensor
    weights: Tensor
    root: Tensor
    n: int
    pseudo: bool = False
    openness: Openness | None = None

    @classmethod
    def fit(
        cls, texts: Tensor, images: Tensor, *, pseudo: bool = False, emphasis: float = EMPHASIS
    ) -> "Prior":
        """Fit a prior on pairs, with the ridge strength of least leave-one-out error.

        Args:
            texts: (n, e) text embeddings, row i describing `images[i]`.
            images: (n, e) image embeddings; a picture may occur several times.
            pseudo: whether the pairs were made by nearest neighbours; stored with the prior.
            emphasis: in [0, 1], see `Canonical.emphasised`.

        Raises:
            DataError: fewer than `FEWEST` pairs, or unequal numbers of texts and images.
        """
        if len(texts) != len(images) or len(texts) < FEWEST:
            raise DataError(
                f"cannot fit a prior on {len(texts)} texts and {len(images)} images",
                f"it needs at least {FEWEST} pairs of a text and an image",
            )
        texts, images = (F.normalize(e.double(), dim=1) for e in (texts, images))
        mean_text, mean_image = texts.mean(0), images.mean(0)
        text_axes, image_axes = principal(texts - mean_text), principal(images - mean_image)
        x, y = (texts - mean_text) @ text_axes.T, (images - mean_image) @ image_axes.T
        weights, errors = ridge(x, y)
        canonical, root = Canonical.of(y, errors), _symmetric_root(errors.T @ errors / len(errors))
        weights = canonical.emphasised(weights, emphasis)
        return cls(
            mean_text.float(),
            mean_image.float(),
            text_axes.float(),
            image_axes.float(),
            weights.float(),
            root.float(),
            len(texts),
            pseudo,
            Openness.fit(x @ weights, errors, canonical),
        )

    def mean(self, e: Tensor) -> Tensor:
        """Return the mean image embedding of each unit text embedding (n, e); below unit length."""
        return self.mean_image + self._predicted(e) @ self.image_axes

    def draw(
        self, e: Tensor, generators: Sequence[torch.Generator], truncation: float = 1.0
    ) -> Tensor:
        """Draw one image embedding (n, e) for each unit text embedding.

        Args:
            e: (n, e) unit text embeddings.
            generators: one random generator per row.
            truncation: factor of the drawn residual in [0, 1]: 1 spreads as pictures do, lower
                values leave out rare ones (truncation trick, Brock et al. 2019), 0 is the mean.
        """
        z = [torch.randn(1, len(self.root), generator=generator) for generator in generators]
        rest = torch.cat([torch.empty(0, len(self.root)), *z]) @ self.root
        if self.openness:
            rest = self.openness.apply(rest, self._predicted(e))
        return self.mean(e) + truncation * rest @ self.image_axes

    def _predicted(self, e: Tensor) -> Tensor:
        """The mean in image components (n, m), no further out than that of any pair."""
        predicted = (e - self.mean_text) @ self.text_axes.T @ self.weights
        return self.openness.within(predicted) if self.openness else predicted


def _symmetric_root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
