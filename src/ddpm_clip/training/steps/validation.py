"""The held-out loss: fixed pictures, fixed timesteps, fixed noise.

Because nothing is drawn anew, two values differ only by what the network learned in between.
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
    """The held-out pictures of a run.

    Attributes:
        pixels: (n, c, h, w) uint8 pictures.
        embeddings: (n, e) image embeddings.
        conditioner: the conditioner of the run.
    """

    pixels: np.ndarray
    embeddings: Tensor
    conditioner: Conditioner

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class NoiseBin:
    """Mean held-out loss in one range of sigma/alpha, with the condition and without it."""

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
    """Return the weighted error of each held-out picture at its own fixed timestep.

    Args:
        model: the network.
        ddpm: the loss and the noise schedule.
        data: the held-out pictures.
        shown: whether the network gets the condition; False drops it.
        batch_size: number of pictures per network call.
        own: slice of the pictures for this process, if several share the work.

    Returns:
        (errors (n,), timesteps (n,)) of the pictures in `own`; they do not depend on the slice.
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
    """Return the held-out loss in ranges of equal count, from the least noise to the most.

    Where the loss without the condition is not higher, the network ignores the condition there.
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
