"""The only path from an embedding to a condition: normalise, centre, scale, add the noise level.

Image embeddings are centred at the mean of the images, text embeddings at the mean of the texts,
because CLIP embeds them as two separate clouds (the modality gap, Liang et al. 2022), and both are
scaled to unit variance per coordinate. So a network trained on image embeddings can be conditioned
on text embeddings. Knows nothing of encoders, networks or files.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.bridges import BRIDGES, BridgeOptions
from ddpm_clip.conditioning.cloud import Cloud
from ddpm_clip.conditioning.nearest import NEIGHBOURS, Bank, between
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.conditioning.statistics import evenly_spread, moments, noise_root, rms_radius
from ddpm_clip.errors import DataError, UsageError

__all__ = ["BRIDGES", "BridgeOptions", "Conditioner", "draw_levels"]

SHAPED_SHARE = 0.5
"""Share of the condition noise that has the covariance of the images; the rest is isotropic."""


class Conditioner:
    """Statistics of the embeddings of a run, and the maps from embeddings to conditions.

    Args:
        mean_image: (e,) mean of the unit image embeddings.
        mean_text: (e,) mean of the unit text embeddings of the prompt bank.
        radius_image: RMS distance of the image embeddings from their mean.
        radius_text: RMS distance of the prompt bank's text embeddings from their mean.
        covariance: (e, e) covariance of the unit image embeddings.
        bank: (m, e) unit image embeddings for the `knn` bridge; may be empty.
        bank_keys: keys of the pictures in the bank, one per row.
        prompts: the prompt bank, whose mean is `mean_text`.
        options: settings of the bridges.
        mode: "centred", or "raw" for imported weights (no centring, no noise level).
        prior: the prior of the `prior` bridge; may be set later.
        length: length of the embeddings in "raw" mode; those of a CLIP have 7 to 12.
    """

    def __init__(
        self,
        mean_image: Tensor,
        mean_text: Tensor,
        radius_image: float,
        radius_text: float,
        covariance: Tensor,
        bank: Tensor,
        bank_keys: Sequence[str] = (),
        prompts: Sequence[str] = (),
        options: BridgeOptions | None = None,
        mode: str = "centred",
        prior: Prior | None = None,
        length: float = 1.0,
    ):
        self.mean_image, self.mean_text = mean_image.float(), mean_text.float()
        self.radius_image, self.radius_text = radius_image, radius_text
        self.covariance, self.bank = covariance.float(), bank
        self.bank_keys, self.prompts = list(bank_keys), list(prompts)
        self.options, self.mode, self.prior = options or BridgeOptions(), mode, prior
        self.length = length
        self._root = noise_root(self.covariance)
        self._searched: Bank | None = None
        self._cloud: Cloud | None = None

    @classmethod
    def fit(
        cls,
        images: Tensor,
        texts: Tensor,
        *,
        rows: Tensor | None = None,
        keys: Sequence[str] = (),
        prompts: Sequence[str] = (),
        bank_size: int = 10_000,
        options: BridgeOptions | None = None,
        mode: str = "centred",
    ) -> "Conditioner":
        """Measure the statistics of image embeddings and of the prompt bank.

        Args:
            images: (n, e) image embeddings; may be memory-mapped, as they are read in chunks.
            texts: (p, e) text embeddings of `prompts`.
            rows: row numbers in `images` and `keys` to use; None uses all.
            keys: keys of the pictures, one per row of `images`.
            prompts: the prompt bank.
            bank_size: number of embeddings kept in the bank, evenly spaced among the rows.
            options: settings of the bridges.
            mode: "centred" or "raw".
        """
        chosen = torch.arange(len(images)) if rows is None else rows
        texts = F.normalize(texts.float(), dim=1)
        mean_image, covariance = moments(images, chosen)
        # Without texts there is no gap to measure: take the statistics of the images.
        mean_text = texts.mean(0) if len(texts) else mean_image
        radius_image = covariance.trace().sqrt().item()
        radius_text = rms_radius(texts - mean_text) if len(texts) else radius_image
        kept = chosen[evenly_spread(len(chosen), bank_size)]
        return cls(
            mean_image,
            mean_text,
            radius_image,
            radius_text,
            covariance.float(),
            F.normalize(images[kept].float(), dim=1).half(),
            [keys[i] for i in kept.tolist()] if keys else (),
            prompts,
            options,
            mode,
        )

    @property
    def dim(self) -> int:
        """e, the size of the embedding."""
        return len(self.mean_image)

    @property
    def width(self) -> int:
        """The size of the condition, which the network sees as `c_embed_dim`."""
        return self.dim + (self.mode == "centred")

    @property
    def bridges(self) -> list[str]:
        """The bridges that can be used: two need a bank, `prior` a fitted prior."""
        absent = {"knn"} if len(self.bank) < self.options.knn_k else set()
        absent |= {"resample"} if len(self.bank) <= NEIGHBOURS else set()
        absent |= {"prior"} if self.prior is None else set()
        return [name for name in BRIDGES.usable if name not in absent]

    def images(
        self, e: Tensor, level: float | Tensor = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the conditions of image embeddings.

        Args:
            e: (n, e) image embeddings.
            level: level of the condition noise in [0, 1], one number or one per row.
            generator: random generator of the noise; needed for levels above 0.

        Returns:
            (n, width); the last coordinate is the level, the others have E|c|^2 = e.
        """
        if self.mode == "raw":
            return self.length * e.float()
        c = self._scaled(F.normalize(e.float(), dim=1) - self.mean_image)
        level = torch.as_tensor(level, dtype=torch.float32).expand(len(c))
        if bool((level > 0).any()):
            c = _noised(c, level, self._noise(len(c), generator))
        return torch.cat([c, level[:, None]], dim=1)

    def embeddings(self, c: Tensor) -> Tensor:
        """Return the embeddings (n, e) of conditions (n, width): the inverse of `images`."""
        if self.mode == "raw":
            return c / self.length
        return c[:, : self.dim] / self._scaled(torch.ones(1)) + self.mean_image

    def texts(
        self,
        e: Tensor,
        bridge: str | None = None,
        level: float | None = None,
        generators: Sequence[torch.Generator] | None = None,
        bounded: bool = True,
    ) -> Tensor:
        """Return the conditions (n, width) of text embeddings, carried over by a bridge.

        Args:
            e: (n, e) text embeddings, one row per picture.
            bridge: a name in `BRIDGES`; None takes the run's default.
            level: noise level of the `noise` bridge; None takes the run's default.
            generators: one random generator per row, for bridges that draw; None draws the same
                for every row.
            bounded: whether conditions that lie outside the pictures' cloud are brought back.
        """
        return self.trusted_texts(e, bridge, level, generators, bounded)[0]

    def trusted_texts(
        self,
        e: Tensor,
        bridge: str | None = None,
        level: float | None = None,
        generators: Sequence[torch.Generator] | None = None,
        bounded: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Return what `texts` does, and the trust (n,) in each, see `cloud`.

        The less trusted, the more noise is added and told, so that the network falls back on what
        the pictures are like.
        """
        if len(e) and e.shape[1] != self.dim:
            raise UsageError(
                f"text embeddings of size {e.shape[1]} for a model that needs size {self.dim}",
                "they come from another embedder",
            )
        trust = torch.ones(len(e))
        if self.mode == "raw":
            return self.length * e.float(), trust
        generators = generators or [torch.Generator() for _ in e]
        name = bridge or self.options.bridge
        c, level_used = BRIDGES[name](self, F.normalize(e.float(), dim=1), level, generators)
        if bounded and name != "identity":  # which is there to show what happens without a bridge
            trust = self.cloud.trust(c)
            c = self.cloud.nearer(self.cloud.inward(c, trust))
        levels = (self.options.noise_max * (1 - trust)).clamp(min=level_used)
        if bool((levels > 0).any()):
            z = torch.cat([self._noise(1, generator) for generator in generators])
            c = _noised(c, levels, z)
        return torch.cat([c, levels[:, None]], dim=1), trust

    def samples(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Draw a condition (n, width) like those of pictures by each generator, without any words.

        Each lies between neighbours (`nearest.between`). Raises DataError if the bank is too small.
        """
        drawn = [between(self.bank, self.search, generator) for generator in generators]
        return self.images(torch.cat([torch.empty(0, self.dim), *drawn]))

    @property
    def cloud(self) -> Cloud:
        """The pictures' conditions as an ellipsoid, measured on first use."""
        if self._cloud is None:
            covariance = self.covariance * self._scaled(torch.ones(1)).item() ** 2
            self._cloud = Cloud.fit(covariance, self.images(self.bank.float())[:, : self.dim])
        return self._cloud

    def neighbours(self, e: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return the nearest pictures in the bank to text embeddings (n, e), both centred.

        Returns:
            (cosines (n, k), row numbers in the bank (n, k)), nearest first.
        """
        if len(self.bank) < k:
            raise DataError(
                f"this model's bank holds {len(self.bank)} embeddings, {k} are needed",
                "it was trained or packed without its bank, or on too few pictures",
                "choose another bridge: --bridge shift",
                param="bridge",
            )
        query = F.normalize(F.normalize(e.float(), dim=1) - self.mean_text, dim=1)
        return self.search.nearest(query, k)

    @property
    def search(self) -> Bank:
        """The centred bank, to search for neighbours."""
        if self._searched is None:
            self._searched = Bank(self._centred_bank, len(self.bank))
        return self._searched

    def _centred_bank(self, start: int, stop: int) -> Tensor:
        return F.normalize(self.bank[start:stop].float() - self.mean_image, dim=1)

    def shifted(self, e: Tensor) -> Tensor:
        """Centre unit text embeddings (n, dim) and scale them to the radius of the images."""
        stretch = min(max(self.radius_image / max(self.radius_text, 1e-6), 0.7), 1.4)
        return self._scaled(stretch * (e - self.mean_text))

    def _scaled(self, centred: Tensor) -> Tensor:
        factor: float = self.dim**0.5 / max(self.radius_image, 1e-3)
        return centred * factor

    def _noise(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Draw noise (n, dim) with covariance (1 - a) I + a d S / tr S, S that of the images."""
        flat = torch.randn(n, self.dim, generator=generator)
        shaped = torch.randn(n, self.dim, generator=generator) @ self._root
        return math.sqrt(1 - SHAPED_SHARE) * flat + math.sqrt(SHAPED_SHARE) * shaped


def draw_levels(n: int, top: float, prob: float, generator: torch.Generator) -> Tensor:
    """Draw condition-noise levels (n,) for training: uniform in [0, top] with `prob`, else 0."""
    level = top * torch.rand(n, generator=generator)
    return torch.where(torch.rand(n, generator=generator) < prob, level, 0.0)


def _noised(c: Tensor, level: Tensor, z: Tensor) -> Tensor:
    level = level[:, None]
    return torch.sqrt(1 - level.square()) * c + level * z
