"""The held-out loss: fixed pictures, fixed rows, fixed noise, averaged weights.

Because nothing is drawn anew, two values differ only by what the network learned between them.
Knows nothing of the loop or of files.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.types import Denoiser
from ddpm_clip.utils.tensors import to_float

SEED = 2**32 - 7
BINS = 8


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The fixed held-out set of a run.

    Attributes:
        pixels: (n, c, h, w) uint8.
        embeddings: (n, e).
        conditioner: of the run.
    """

    pixels: np.ndarray
    embeddings: Tensor
    conditioner: Conditioner

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class NoiseBin:
    """Mean errors in one band of noise levels, with the condition and without it."""

    sigma_low: float
    sigma_high: float
    n: int
    with_condition: float
    without_condition: float


@torch.no_grad()
def errors(
    model: Denoiser,
    ddpm: DDPM,
    data: HeldOut,
    *,
    shown: bool = True,
    batch_size: int = 64,
    own: slice = slice(None),
) -> tuple[Tensor, Tensor]:
    """The weighted error of each held-out picture at its own fixed row.

    Args:
        model: whose errors they are.
        ddpm: the maths around it.
        data: the held-out set.
        shown: with False the condition is dropped.
        batch_size: pictures asked about at once.
        own: the pictures of this process, where several share the work.

    Returns:
        (errors (n,), rows (n,)), both of `own`; a picture's are the same whoever has it.
    """
    draws = torch.Generator().manual_seed(SEED)
    t, found = ddpm.draw_timesteps(len(data), draws), [torch.empty(0)]
    ours = torch.zeros(len(data), dtype=torch.bool)
    ours[own] = True
    for part in torch.arange(len(data)).split(batch_size):
        eps = torch.randn((len(part), *data.pixels.shape[1:]), generator=draws)[ours[part]]
        part = part[ours[part]]
        if not len(part):
            continue
        x_0 = to_float(torch.from_numpy(np.ascontiguousarray(data.pixels[part.numpy()])))
        c = data.conditioner.images(data.embeddings[part])
        c_mask = torch.full((len(part), 1), float(shown))
        x_0, c, c_mask, eps = (value.to(ddpm.device) for value in (x_0, c, c_mask, eps))
        found.append(ddpm.errors(model, x_0, t[part], c, c_mask, eps).cpu())
    return torch.cat(found), t[own]


def by_noise(model: Denoiser, ddpm: DDPM, data: HeldOut) -> list[NoiseBin]:
    """The held-out error in bands of equal count, from the least noise to the most.

    Where the error without the condition is no higher, the network does not listen there.
    """
    shown, t = errors(model, ddpm, data)
    hidden, _ = errors(model, ddpm, data, shown=False)
    alpha, sigma = ddpm.schedule.at(t)
    ratio = sigma / alpha
    bands = [band for band in ratio.argsort().tensor_split(BINS) if len(band)]
    return [
        NoiseBin(
            ratio[band].min().item(),
            ratio[band].max().item(),
            len(band),
            shown[band].mean().item(),
            hidden[band].mean().item(),
        )
        for band in bands
    ]
