"""What the training loop needs of the data: pixels, embeddings and the conditioner."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.training.steps.validation import HeldOut


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data of a training; row i of `pixels` and `embeddings` is picture i.

    Attributes:
        pixels: (n, c, h, w) uint8 pictures, in memory or memory-mapped.
        embeddings: (n, e) image embeddings of the pictures as they are.
        conditioner: conditioner fitted on the training rows.
        heldout: row numbers that are never trained on.
        mirrored: (n, e) image embeddings of the flipped pictures; None if training does not flip.
        bad: the files that were left out.
        keys: names of the pictures; () if they have none.
    """

    pixels: np.ndarray
    embeddings: Tensor
    conditioner: Conditioner
    heldout: np.ndarray
    mirrored: Tensor | None = None
    bad: tuple[BadFile, ...] = ()
    keys: Sequence[str] = ()

    @property
    def rows(self) -> np.ndarray:
        """Row numbers to train on."""
        return np.setdiff1d(np.arange(len(self.pixels)), self.heldout)

    def heldout_set(self) -> HeldOut:
        """Return the held-out pictures, as the validation takes them."""
        return HeldOut(self.pixels[self.heldout], self.embeddings[self.heldout], self.conditioner)

    def names(self, rows: np.ndarray) -> list[str]:
        """Return the keys of the pictures in `rows`, or their row numbers if they have none."""
        return [self.keys[i] if len(self.keys) else str(i) for i in rows.tolist()]
