"""A CLIP as a guide: how far a picture is from words, as a loss with gradients.

Joins an embedder, the statistics of a model and `diffusion.gradient_guidance`. Words and pictures
are compared where both are centred at their own means, as everywhere here: uncentred, the gap
between the two clouds would be most of every distance. Knows nothing of requests or files.
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
"""Keep the draws of the views, and of the bridge, apart from the noise of the picture."""


class ClipGuide:
    """Reads pictures and words with one embedder and compares them in the centred space.

    Args:
        embedder: must have a differentiable `embed_pixels`.
        conditioner: holds the means of its pictures and words, and the bridges.
    """

    def __init__(self, embedder: Embedder, conditioner: Conditioner):
        self.embedder, self.conditioner = embedder, conditioner
        self._texts = TextEmbeddings(lambda texts: self.embedder.embed_texts(texts), alone=True)

    @classmethod
    def of(cls, model: LoadedModel) -> "ClipGuide":
        """The embedder of a model, with that model's statistics."""
        return cls(model.embedder, model.conditioner)

    def targets(
        self, texts: Sequence[str], bridge: str | None = None, seeds: Sequence[int] = ()
    ) -> Tensor:
        """(p, e) of unit length: where pictures of these words should lie.

        Args:
            texts: one a picture.
            bridge: None takes the model's own.
            seeds: one a text, for bridges that draw; none are all 0.
        """
        seeds = seeds or [0] * len(texts)
        generators = [torch.Generator().manual_seed(seed ^ SEED_OF_TARGETS) for seed in seeds]
        rows = self._texts(texts).cpu()
        c = self.conditioner.texts(rows, bridge, level=0.0, generators=generators)
        return F.normalize(c[:, : self.conditioner.dim], dim=1)

    def pictures(self, x: Tensor) -> Tensor:
        """(b, e) of unit length: where pictures x (b, c, h, w) lie; differentiable."""
        c = self.conditioner.images(self.embedder.embed_pixels(x).cpu())
        return F.normalize(c[:, : self.conditioner.dim], dim=1)

    def score(
        self, texts: Sequence[str], seeds: Sequence[int], views: Views, bridge: str | None = None
    ) -> Score:
        """The loss of pictures that should show `texts`, one a picture, over random views.

        Args:
            texts: what each picture should show.
            seeds: one a picture, of its views; each call draws the next views.
            views: how many and how different.
            bridge: how words are carried to where pictures are; None takes the model's own.
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
        """What guides a batch.

        Args:
            texts: what each picture should show.
            seeds: one a picture.
            schedule: of the model that paints.
            settings: those that begin with `clip_`, the bridge and the sampler.
        """
        guidance = GradientGuidance(
            settings.clip_guidance, settings.clip_interval, settings.clip_travel, settings.clamp
        )
        loss = self.score(texts, seeds, Views(settings.clip_views), settings.bridge)

        def wrap(predict: Predict) -> Predict:
            return gradient_guided(predict, schedule, loss, guidance)

        return SamplingOverrides(wrap=wrap, sampler=resampled(SAMPLERS[settings.sampler], guidance))


def spherical(a: Tensor, b: Tensor) -> Tensor:
    """(n,) half the squared angle between unit vectors (n, e), whose gradient never fades.

    2 asin(|a - b| / 2)^2 is angle^2 / 2; 1 - cos, which it replaces, has its gradient fade
    where a picture is opposite to the words, just where it is needed most.
    """
    # The asin has no finite slope at 1, which is reached by opposite vectors only.
    half = ((a - b).norm(dim=1) / 2).clamp(max=1 - 1e-6)
    return 2 * half.asin().square()
