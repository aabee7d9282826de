"""CLIP guidance: the distance between a picture and a prompt as a differentiable loss.

Joins an embedder, the statistics of a model and `diffusion.gradient_guidance`. Text and image
embeddings are each centred at their own mean before they are compared, as everywhere in this
package: without centring, the modality gap would make up most of every distance.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.diffusion.gradient_guidance import (
    GradientGuidance,
    Score,
    gradient_guided,
    resampled,
)
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.diffusion.views import Views
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.generation.request import SamplingOverrides
from ddpm_clip.generation.settings import Settings
from ddpm_clip.runs.pretrained import LoadedModel
from ddpm_clip.types import Embedder, Predict

SEED_OF_VIEWS, SEED_OF_TARGETS = 0x2545F4914F6CDD1D, 0x5851F42D4C957F2D
"""Make the random draws of the views and of the bridge independent of the picture's noise."""


class ClipGuide:
    """Embeds pictures and prompts with one embedder and compares them in the centred space.

    Args:
        embedder: Must have a differentiable `embed_pixels`.
        conditioner: Holds the means of its image and text embeddings, and the bridges.
    """

    def __init__(self, embedder: Embedder, conditioner: Conditioner):
        self.embedder, self.conditioner = embedder, conditioner
        self._texts = TextEmbeddings(lambda texts: self.embedder.embed_texts(texts), alone=True)

    @classmethod
    def of(cls, model: LoadedModel) -> "ClipGuide":
        """Make a guide of a model's own embedder and statistics."""
        return cls(model.embedder, model.conditioner)

    def targets(
        self, texts: Sequence[str], bridge: str | None = None, seeds: Sequence[int] = ()
    ) -> Tensor:
        """Return (p, e) unit vectors: the embeddings that pictures of these texts should have.

        Args:
            texts: One per picture.
            bridge: A name in `BRIDGES`; None means the model's own.
            seeds: One per text, for bridges that draw at random; by default all 0.
        """
        seeds = seeds or [0] * len(texts)
        generators = [torch.Generator().manual_seed(seed ^ SEED_OF_TARGETS) for seed in seeds]
        rows = self._texts(texts).cpu()
        c = self.conditioner.texts(rows, bridge, level=0.0, generators=generators, bounded=False)
        return F.normalize(c[:, : self.conditioner.dim], dim=1)

    def pictures(self, x: Tensor) -> Tensor:
        """Embed pictures x (b, c, h, w) as unit vectors (b, e); differentiable."""
        c = self.conditioner.images(self.embedder.embed_pixels(x).cpu())
        return F.normalize(c[:, : self.conditioner.dim], dim=1)

    def score(
        self, texts: Sequence[str], seeds: Sequence[int], views: Views, bridge: str | None = None
    ) -> Score:
        """Return the loss of pictures that should show `texts`, averaged over random views.

        Args:
            texts: What each picture should show.
            seeds: One per picture, for its views; each call of the loss draws new views.
            views: How many views, and how strongly they differ.
            bridge: The bridge from text to image embeddings; None means the model's own.
        """
        wanted = self.targets(texts, bridge, seeds)
        generators = [torch.Generator().manual_seed(seed ^ SEED_OF_VIEWS) for seed in seeds]

        def losses(x_0: Tensor) -> Tensor:
            seen = self.pictures(views.of(x_0, generators))
            apart = spherical(seen, wanted.repeat_interleave(views.k, 0))
            return apart.view(len(x_0), views.k).mean(1)

        return losses

    def overrides(
        self,
        texts: Sequence[str],
        seeds: Sequence[int],
        schedule: NoiseSchedule,
        settings: Settings,
    ) -> SamplingOverrides:
        """Return the overrides that guide the sampling of a batch.

        Args:
            texts: What each picture should show.
            seeds: One per picture.
            schedule: The noise schedule of the model that paints.
            settings: Only the bridge, the sampler and those that begin with `clip_` are used.
        """
        guidance = GradientGuidance(
            settings.clip_guidance, settings.clip_interval, settings.clip_travel, settings.clamp
        )
        loss = self.score(texts, seeds, Views(settings.clip_views), settings.bridge)

        def wrap(predict: Predict) -> Predict:
            return gradient_guided(predict, schedule, loss, guidance)

        return SamplingOverrides(wrap=wrap, sampler=resampled(SAMPLERS[settings.sampler], guidance))


def spherical(a: Tensor, b: Tensor) -> Tensor:
    """Return (n,) half the squared angle between unit vectors (n, e).

    2 asin(|a - b| / 2)^2 is angle^2 / 2. The gradient of the usual 1 - cos vanishes where picture
    and text are opposite, which is just where it is needed most; this one does not.
    """
    # The slope of asin is infinite at 1, which only opposite vectors reach.
    half = ((a - b).norm(dim=1) / 2).clamp(max=1 - 1e-6)
    return 2 * half.asin().square()
