"""The batch of each step: pictures, conditions, timesteps and noise, from (seed, step) alone.

Everything is drawn for the whole batch and then split, so that a picture gets the same draws
whichever process has it. Nothing here has a state.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import draw_levels
from ddpm_clip.config.schema import Config
from ddpm_clip.data.batch_order import batch_indices, crop_numbers, flip_mask
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.training.process_group import ProcessGroup
from ddpm_clip.training.steps.prepared import DevicePixels, Prepared
from ddpm_clip.utils.tensors import to_float


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The inputs of one step, on the run's device; one row per picture."""

    x_0: Tensor  # (b, c, h, w)
    c: Tensor  # (b, e)
    c_mask: Tensor  # (b, 1)
    t: Tensor  # (b,) float64 on the CPU, where the schedule is looked up
    eps: Tensor  # (b, c, h, w)

    def __len__(self) -> int:
        return len(self.x_0)

    def rows(self, which: Tensor) -> "Batch":
        """Return the batch of the rows with these numbers (k,)."""
        return Batch(*(getattr(self, name)[which] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of one run.

    Attributes:
        rows: row numbers of the training pictures in the data.
        device: device of the batch, except for the timesteps.
    """

    config: Config
    data: Prepared
    rows: np.ndarray
    ddpm: DDPM
    device: torch.device
    group: ProcessGroup
    pixels: DevicePixels | None = None  # all of them on the device, if they are kept there

    def indices(self, index: int) -> np.ndarray:
        """Return the data rows of step `index`, counted from 0, for all processes together."""
        options = self.config.training
        return self.rows[batch_indices(len(self.rows), options.batch_size, options.seed, index)]

    def of(self, index: int, draws: torch.Generator) -> Batch:
        """Return this process's part of the batch of step `index`."""
        b, seed = self.config.training.batch_size, self.config.training.seed
        own, rows = self.group.part(b), self.indices(index)
        crop = crop_numbers(seed, index, b, len(self.data.crops))
        x_0, e = self._pictures(rows[own], crop[own]), self.data.embeddings_of(rows, crop)
        if self.data.mirrored is not None:
            flip = torch.from_numpy(flip_mask(seed, index, b))
            mirror = flip[own, None, None, None].to(x_0.device)
            x_0 = torch.where(mirror, x_0.flip(-1), x_0)
            e = torch.where(flip[:, None], self.data.embeddings_of(rows, crop, mirrored=True), e)
        options = self.config.conditioning
        level = draw_levels(b, options.noise_max, options.noise_prob, draws)
        c = self.data.conditioner.images(e, level, draws)
        t = self.ddpm.draw_timesteps(b, draws)
        c_mask = self.ddpm.get_context_mask(c, options.c_drop_prob, draws, options.c_drop_mode)
        if options.c_drop_mode == "element":
            c, c_mask = c * c_mask, torch.ones(b, 1)
        eps = torch.randn((b, *x_0.shape[1:]), generator=draws)
        x_0, c, c_mask, eps = (
            part.to(self.device) for part in (x_0, c[own], c_mask[own], eps[own])
        )
        return Batch(x_0, c, c_mask, t[own], eps)

    def _pictures(self, rows: np.ndarray, crop: np.ndarray) -> Tensor:
        if self.pixels is not None:
            x_0 = to_float(self.pixels.of(rows, crop))
        else:
            x_0 = to_float(torch.from_numpy(self.data.pixels_of(rows, crop)))
        if not self.config.training.channels_last:
            return x_0
        return x_0.contiguous(memory_format=torch.channels_last)
