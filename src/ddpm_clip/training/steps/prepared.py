"""What the training loop needs of the data: pixels, embeddings and the conditioner."""

import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.data.pictures.pixels import BadFile
from ddpm_clip.errors import DdpmClipWarning
from ddpm_clip.training.process_group import ProcessGroup
from ddpm_clip.training.steps.validation import HeldOut


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """One random crop of every picture, and the embeddings of just these crops.

    Attributes:
        pixels: (n, c, h, w) uint8.
        embeddings: (n, e).
        mirrored: (n, e) embeddings of the flipped crops; None if training does not flip.
    """

    pixels: np.ndarray
    embeddings: Tensor
    mirrored: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DevicePixels:
    """The pixels of all pictures on the device that trains, so that no batch has to be copied.

    Attributes:
        arrays: (n, c, h, w) uint8: the pictures themselves, then each of their random crops.
    """

    arrays: tuple[Tensor, ...]

    def of(self, rows: np.ndarray, crop: np.ndarray) -> Tensor:
        """Return what `Prepared.pixels_of` returns, on the device."""
        found = self.arrays[0][self._on(rows)]
        for number, one in enumerate(self.arrays[1:], 1):
            chosen = np.flatnonzero(crop == number)
            found[self._on(chosen)] = one[self._on(rows[chosen])]
        return found

    def _on(self, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers).to(self.arrays[0].device)


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
        crops: random crops of all pictures, which are trained on besides the pictures.
    """

    pixels: np.ndarray
    embeddings: Tensor
    conditioner: Conditioner
    heldout: np.ndarray
    mirrored: Tensor | None = None
    bad: tuple[BadFile, ...] = ()
    keys: Sequence[str] = ()
    crops: tuple[Crops, ...] = ()

    @property
    def rows(self) -> np.ndarray:
        """Row numbers to train on."""
        return np.setdiff1d(np.arange(len(self.pixels)), self.heldout)

    def pixels_of(self, rows: np.ndarray, crop: np.ndarray) -> np.ndarray:
        """Return pixels (b, c, h, w) of the pictures `rows` (b,), each in one of its crops (b,).

        Crop 0 is the picture itself; the others are those of `crops`, from 1.
        """
        found = self.pixels[rows]
        for number, one in enumerate(self.crops, 1):
            found[crop == number] = one.pixels[rows[crop == number]]
        return found

    def embeddings_of(self, rows: np.ndarray, crop: np.ndarray, mirrored: bool = False) -> Tensor:
        """Return the embeddings (b, e) of what `pixels_of` returns, or of its mirror images.

        Raises:
            ValueError: the mirror images are not embedded.
        """
        whole = Crops(self.pixels, self.embeddings, self.mirrored)
        found = []
        for one in (whole, *self.crops):
            side = one.mirrored if mirrored else one.embeddings
            if side is None:
                raise ValueError("the mirror images are not embedded")
            found.append(side[rows])
        return torch.stack(found)[torch.from_numpy(crop), torch.arange(len(rows))]

    def on_device(self, device: torch.device) -> "DevicePixels | None":
        """Return all pixels on a device; None, with a warning, if its memory is too small."""
        arrays = [self.pixels, *(one.pixels for one in self.crops)]
        try:
            return DevicePixels(tuple(torch.as_tensor(one, device=device) for one in arrays))
        except torch.OutOfMemoryError:
            size = sum(one.nbytes for one in arrays) / 2**20
            warnings.warn(
                f"the pictures ({size:,.0f} MiB) do not fit into the memory of {device}; they stay "
                "where they are, and each batch is copied",
                DdpmClipWarning,
                stacklevel=2,
            )
            return None

    def heldout_set(self) -> HeldOut:
        """Return the held-out pictures, as the validation takes them."""
        return HeldOut(self.pixels[self.heldout], self.embeddings[self.heldout], self.conditioner)

    def names(self, rows: np.ndarray) -> list[str]:
        """Return the keys of the pictures in `rows`, or their row numbers if they have none."""
        return [self.keys[i] if len(self.keys) else str(i) for i in rows.tolist()]


def same_everywhere(group: ProcessGroup, prepared: Prepared, batch: int, step: int) -> None:
    """Wait for the other processes; check that all have the same data and resume from `step`.

    Raises:
        UsageError: a batch of so many pictures has fewer than there are processes.
        DataError: their data or steps differ.
    """
    group.check_batch(batch)
    if group.size > 1:
        n = len(prepared.pixels)
        sample = np.linspace(0, n - 1, min(n, 64)).astype(int)
        pixels = zlib.crc32(np.ascontiguousarray(prepared.pixels[sample]).tobytes())
        digest = zlib.crc32(np.asarray(prepared.embeddings[sample]).tobytes(), pixels)
        group.check_same("data", f"{n} pictures ({digest:08x})")
        group.check_same("checkpoint", f"step {step}")
    group.meet()
