"""Are pictures nearer to their own words than to those of other prompts, step by step?

A text can be close to all pictures, whatever they show, so the cosine with the same seed's picture
without words is subtracted first.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.statistics.means import Means, means


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Cosines of n walks of s steps with p texts, of which the first is their own prompt.

    Attributes:
        texts: (p,) the prompts.
        cosines: (n, s, p) cosines of pictures with words minus those of pictures without.
    """

    texts: tuple[str, ...]
    cosines: Tensor

    @classmethod
    def of(
        cls, texts: tuple[str, ...], with_words: Tensor, without_words: Tensor, text_e: Tensor
    ) -> "Alignment":
        """Compute from unit embeddings: pictures (n, s, d) of the same seeds, texts (p, d)."""
        return cls(texts, (with_words.double() - without_words.double()) @ text_e.double().T)

    def over_controls(self) -> Means:
        """Return (p - 1,) the final cosine with the own words minus that with each control."""
        end = self.cosines[:, -1]
        return means(end[:, :1] - end[:, 1:])

    def nearest(self) -> tuple[str, Means]:
        """Return the hardest control, which the own words beat by least, and by how much."""
        over = self.over_controls()
        i = int(over.low.argmin())
        return self.texts[1 + i], Means(over.n, over.mean[i], over.low[i], over.high[i])

    def curves(self) -> dict[str, Tensor]:
        """Return (n, s) curves: the own words, the hardest control, the mean of the controls."""
        name, _ = self.nearest()
        hardest = self.texts.index(name, 1)
        return {
            f"own words “{self.texts[0][:24]}”": self.cosines[..., 0],
            f"hardest control “{name[:24]}”": self.cosines[..., hardest],
            f"mean of {len(self.texts) - 1} controls": self.cosines[..., 1:].mean(2),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        over = self.over_controls()
        return {
            "texts": self.texts,
            "cosine_beyond_wordless": means(self.cosines[:, -1]).as_dict(),
            "own_over_controls": over.as_dict(),
            "above_all": bool(torch.all(over.low > 0)),
        }
