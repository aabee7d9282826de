"""What the loop needs of the data, row for row.

Knows nothing of where the pictures came from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.training.steps.validation import HeldOut


@dataclass(frozen=True, slots=True)
class Prepared:
    """Pixels and embeddings, row for row, and the conditioner.

    Attributes:
        pixels: (n, c, h, w) uint8, in memory or memory-mapped.
        embeddings: (n, e), of the pictures as they are.
        mirrored: (n, e), of the pictures mirrored; None where mirroring is off.
        conditioner: fitted on the training rows.
        heldout: rows that are never trained on.
        bad: the files that were left out.
        keys: the pictures' names; () where they have none.
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
        """The rows to train on."""
        return np.setdiff1d(np.arange(len(self.pixels)), self.heldout)

    def heldout_set(self) -> HeldOut:
        """The rows that are never trained on, as the validation takes them."""
        return HeldOut(self.pixels[self.heldout], self.embeddings[self.heldout], self.conditioner)

    def names(self, rows: np.ndarray) -> list[str]:
        """What the pictures of some rows are called: by their keys, else by their numbers."""
        return [self.keys[i] if len(self.keys) else str(i) for i in rows.tolist()]
