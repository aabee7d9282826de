"""Do pictures come to be like their own words, more than like those of other prompts?

A text may lie near to all pictures whatever they show, so the cosine of the same seed's picture
without words is taken off first. Knows nothing of embedders and walks.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.statistics.means import Means, means


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """n walks of s steps against p texts, of which the first is their own.

    Attributes:
        texts: (p,) in words.
        cosines: (n, s, p) with the words less without them.
    """

    texts: tuple[str, ...]
    cosines: Tensor

    @classmethod
    def of(
        cls, texts: tuple[str, ...], spoken: Tensor, silent: Tensor, embedded: Tensor
    ) -> "Alignment":
        """From unit embeddings of pictures (n, s, d) of the same seeds, and of the texts (p, d)."""
        return cls(texts, (spoken.double() - silent.double()) @ embedded.double().T)

    def over_controls(self) -> Means:
        """(p - 1,) of the finished pictures: the own words less each control."""
        end = self.cosines[:, -1]
        return means(end[:, :1] - end[:, 1:])

    def nearest(self) -> tuple[str, Means]:
        """The control that the own words beat by least, interval included, and by how much."""
        over = self.over_controls()
        i = int(over.low.argmin())
        return self.texts[1 + i], Means(over.n, over.mean[i], over.low[i], over.high[i])

    def curves(self) -> dict[str, Tensor]:
        """(n, s) of the own words, the hardest control, and the controls on average."""
        name, _ = self.nearest()
        hardest = self.texts.index(name, 1)
        return {
            f"own words “{self.texts[0][:24]}”": self.cosines[..., 0],
            f"hardest control “{name[:24]}”": self.cosines[..., hardest],
            f"{len(self.texts) - 1} controls, on average": self.cosines[..., 1:].mean(2),
        }

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        over = self.over_controls()
        return {
            "texts": self.texts,
            "cosine_beyond_wordless": means(self.cosines[:, -1]).as_dict(),
            "own_over_controls": over.as_dict(),
            "above_all": bool(torch.all(over.low > 0)),
        }
