"""The only path from an embedding to a network: normalise, centre, scale, bridge, noise level.

CLIP puts pictures and words into one space but not into one place: the two clouds lie apart
(Liang et al. 2022). Pictures are centred at the mean of the pictures, words at the mean of the
words, and both are scaled to one unit a coordinate, so that a network trained on pictures can be
asked with words. Training, sampling and analysis all come through here. Knows nothing of
encoders, networks or files.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.bridges import BRIDGES, BridgeOptions
from ddpm_clip.conditioning.nearest import Bank
from ddpm_clip.conditioning.prior import Prior
from ddpm_clip.conditioning.statistics import evenly_spread, moments, noise_root, rms_radius
from ddpm_clip.errors import DataError, UsageError

__all__ = ["BRIDGES", "BridgeOptions", "Conditioner", "draw_levels"]

ISOTROPIC_SHARE = 0.5
"""Share of the condition noise that ignores where pictures vary."""


class Conditioner:
    """Statistics of one run's embeddings, and the way from an embedding to a condition.

    Args:
        mean_image: (e,) mean of the unit image embeddings.
        mean_text: (e,) mean of the unit embeddings of the prompt bank.
        radius_image: rms distance of the images from their mean.
        radius_text: the same for the prompt bank.
        covariance: (e, e) of the images.
        bank: (m, e) unit image embeddings; may be empty.
        bank_keys: what the rows of the bank are.
        prompts: the prompt bank itself.
        options: settings of the bridges.
        mode: "centred", or "raw" for imported weights (no centring, no level).
        length: that unit embeddings get where raw; a CLIP's own have 7 to 12.
        prior: what the bridge of that name draws from; may be given later.
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
        """Measure the statistics of image embeddings (n, e) and text embeddings (p, e).

        Args:
            images: may be a map of a file; a chunk of it is in memory at a time.
            texts: the embeddings of `prompts`.
            rows: of `images` and `keys` to go by; by default all.
            keys: what the rows of `images` are.
            prompts: the prompt bank.
            bank_size: embeddings kept, spread evenly over the rows.
            options: of the bridges.
            mode: "centred" or "raw".
        """
        chosen = torch.arange(len(images)) if rows is None else rows
        texts = F.normalize(texts.float(), dim=1)
        mean_image, covariance = moments(images, chosen)
        # Without any text there is no second cloud to speak of.
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
        """The bridges that can be crossed here: `knn` takes a bank, `prior` one that was fitted."""
        absent = {"knn"} if len(self.bank) < self.options.knn_k else set()
        absent |= {"prior"} if self.prior is None else set()
        return [name for name in BRIDGES.usable if name not in absent]

    def images(
        self, e: Tensor, level: float | Tensor = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Conditions of image embeddings.

        Args:
            e: (n, e).
            level: of condition noise in [0, 1], one number or one a row.
            generator: draws the noise; needed where a level is above 0.

        Returns:
            (n, width), with E|c|^2 = e over the coordinates before the last, which is the level.
        """
        if self.mode == "raw":
            return self.length * e.float()
        c = self._scaled(F.normalize(e.float(), dim=1) - self.mean_image)
        level = torch.as_tensor(level, dtype=torch.float32).expand(len(c))
        if bool((level > 0).any()):
            c = _noised(c, level, self._noise(len(c), generator))
        return torch.cat([c, level[:, None]], dim=1)

    def embeddings(self, c: Tensor) -> Tensor:
        """Where conditions (n, width) lie in the embedder's space, (n, e): back from `images`."""
        if self.mode == "raw":
            return c / self.length
        return c[:, : self.dim] / self._scaled(torch.ones(1)) + self.mean_image

    def texts(
        self,
        e: Tensor,
        bridge: str | None = None,
        level: float | None = None,
        generators: Sequence[torch.Generator] | None = None,
    ) -> Tensor:
        """Conditions of text embeddings (n, e), carried over to where the images are.

        Args:
            e: (n, e), one row a picture to be painted.
            bridge: a name in `BRIDGES`; None takes the run's own.
            level: of the `noise` bridge; None takes the run's own.
            generators: one a row, for bridges that draw; none draw the same for every row.
        """
        if len(e) and e.shape[1] != self.dim:
            raise UsageError(
                f"text embeddings of {e.shape[1]} coordinates for a model of {self.dim}",
                "they come from another embedder",
            )
        if self.mode == "raw":
            return self.length * e.float()
        generators = generators or [torch.Generator() for _ in e]
        c, level_used = BRIDGES[bridge or self.options.bridge](
            self, F.normalize(e.float(), dim=1), level, generators
        )
        if level_used > 0:
            z = torch.cat([self._noise(1, generator) for generator in generators])
            c = _noised(c, torch.full((len(c),), level_used), z)
        return torch.cat([c, torch.full((len(c), 1), level_used)], dim=1)

    def neighbours(self, e: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The bank's nearest pictures to text embeddings (n, e), in the centred space.

        Returns:
            (cosines (n, k), rows of the bank (n, k)), nearest first.
        """
        if len(self.bank) < k:
            raise DataError(
                f"this model's bank holds {len(self.bank)} embeddings, {k} are needed",
                "it was trained or packed without its bank, or on fewer pictures",
                "choose another bridge: --bridge shift",
                param="bridge",
            )
        query = F.normalize(F.normalize(e.float(), dim=1) - self.mean_text, dim=1)
        if self._searched is None:
            self._searched = Bank(self._centred_bank, len(self.bank))
        return self._searched.nearest(query, k)

    def _centred_bank(self, start: int, stop: int) -> Tensor:
        return F.normalize(self.bank[start:stop].float() - self.mean_image, dim=1)

    def shifted(self, e: Tensor) -> Tensor:
        """Unit text embeddings moved and stretched onto the cloud of the images, (n, dim)."""
        stretch = min(max(self.radius_image / max(self.radius_text, 1e-6), 0.7), 1.4)
        return self._scaled(stretch * (e - self.mean_text))

    def _scaled(self, centred: Tensor) -> Tensor:
        factor: float = self.dim**0.5 / max(self.radius_image, 1e-3)
        return centred * factor

    def _noise(self, n: int, generator: torch.Generator | None) -> Tensor:
        """(n, dim) with covariance (1-a) I + a d S / tr S: half of it only where images vary."""
        flat = torch.randn(n, self.dim, generator=generator)
        shaped = torch.randn(n, self.dim, generator=generator) @ self._root
        return math.sqrt(1 - ISOTROPIC_SHARE) * flat + math.sqrt(ISOTROPIC_SHARE) * shaped

    # What a run or a packed model keeps

    def tensors(self, bank: bool = True) -> dict[str, Tensor]:
        """All that is needed to open this again, as named tensors."""
        return {
            "mean_image": self.mean_image,
            "mean_text": self.mean_text,
            "radius": torch.tensor([self.radius_image, self.radius_text], dtype=torch.float64),
            "covariance": self.covariance,
            "bank": self.bank if bank else self.bank[:0],
            **(self.prior.tensors() if self.prior else {}),
        }

    @classmethod
    def from_tensors(
        cls,
        tensors: dict[str, Tensor],
        *,
        bank_keys: Sequence[str],
        prompts: Sequence[str],
        options: BridgeOptions,
        mode: str,
        length: float = 1.0,
    ) -> "Conditioner":
        """The inverse of `tensors`."""
        radius_image, radius_text = tensors["radius"].tolist()
        keys = list(bank_keys) if len(tensors["bank"]) else []
        return cls(
            tensors["mean_image"],
            tensors["mean_text"],
            radius_image,
            radius_text,
            tensors["covariance"],
            tensors["bank"],
            keys,
            prompts,
            options,
            mode,
            Prior.from_tensors(tensors),
            length,
        )


def draw_levels(n: int, top: float, prob: float, generator: torch.Generator) -> Tensor:
    """(n,) condition-noise levels for training: 0, or with `prob` uniform in [0, top]."""
    level = top * torch.rand(n, generator=generator)
    return torch.where(torch.rand(n, generator=generator) < prob, level, 0.0)


def _noised(c: Tensor, level: Tensor, z: Tensor) -> Tensor:
    level = level[:, None]
    return torch.sqrt(1 - level.square()) * c + level * z
