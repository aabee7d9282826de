"""The held-out loss: fixed pictures, fixed timesteps, fixed noise.

Because nothing is drawn anew, two values differ only by what the network learned in between.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.training.process_group import ProcessGroup
from ddpm_clip.types import Denoiser, NoiseBin
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


def everywhere(
    model: Denoiser, ddpm: DDPM, data: HeldOut, group: ProcessGroup, *, shown: bool = True
) -> Tensor:
    """Return the `errors` (n,) of all pictures, each measured by one process of the group."""
    whole, own = torch.zeros(len(data)), group.part(len(data))
    whole[own], _ = errors(model, ddpm, data, shown=shown, own=own)
    return group.sum(whole)


def by_noise(model: Denoiser, ddpm: DDPM, data: HeldOut) -> list[NoiseBin]:
    """Return `bins_of` the held-out losses of a network."""
    shown, hidden = (errors(model, ddpm, data, shown=shown)[0] for shown in (True, False))
    return bins_of(shown, hidden, ddpm)


def bins_of(shown: Tensor, hidden: Tensor, ddpm: DDPM) -> list[NoiseBin]:
    """Return the held-out loss in ranges of equal count, from the least noise to the most.

    Where the loss without the condition is not higher, the network ignores the condition there.

    Args:
        shown: (n,) what `errors` returns of all held-out pictures with the condition.
        hidden: (n,) the same without it.
        ddpm: the loss and the noise schedule.
    """
    t = ddpm.draw_timesteps(len(shown), torch.Generator().manual_seed(SEED))  # those of `errors`
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
