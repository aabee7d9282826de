"""How two pictures are compared: by their pixels and, if wanted, by the layers of a CLIP.

Pixels alone reward blur: where the network cannot know which of two strokes is wanted, their mean
is nearest to both. The layers of a network that reads pictures see that the mean is neither (Zhang
et al. 2018; in distillation Lee et al. 2024).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.diffusion.jumps import pseudo_huber
from ddpm_clip.types import Embedder

HUBER = 0.03
"""c of the pseudo-Huber distance: differences below it, of pixels in [-1, 1], count squared."""

Features = Callable[[Tensor], list[Tensor]]
"""Pictures (b, c, h, w) in [-1, 1] -> maps (b, d, ...) whose channels have unit length."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The distance of pictures that are to be equal.

    Attributes:
        features: makes feature maps; None compares pixels only.
        weight: weight of the features against the pixels.
    """

    features: Features | None = None
    weight: float = 1.0

    def __call__(self, x: Tensor, target: Tensor, finished: Tensor | None = None) -> Tensor:
        """Return the distance of each pair (b,); gradients flow to `x` only.

        Args:
            x: (b, c, h, w) predicted x_0.
            target: (b, c, h, w) what it should be.
            finished: (b,) which targets are pictures, that features can be made of; None is all.
        """
        found = pseudo_huber(x.float() - target.detach().float(), HUBER)
        rows = torch.arange(len(x), device=x.device)
        rows = rows if finished is None else rows[finished.to(x.device)]
        if self.features is None or not len(rows):
            return found
        with torch.no_grad():
            wanted = self.features(target[rows].float())
        ours = self.features(x[rows].float())
        each = [_distance(a, b) for a, b in zip(ours, wanted, strict=True)]
        return found.index_add(0, rows, self.weight * torch.stack(each).mean(0).to(found))


def clip_features(clip: Embedder) -> Features:
    """Return the feature maps of a CLIP: its convolutions, if it has any, and its embedding."""
    module: Any = clip
    if isinstance(clip, nn.Module):
        module = clip.requires_grad_(False).eval()

    def features(x: Tensor) -> list[Tensor]:
        with _listening(module) as maps:
            embedding = clip.embed_pixels(x)
        return [F.normalize(one.float(), dim=1) for one in (*maps, embedding)]

    return features


@contextmanager
def _listening(clip: Any) -> Iterator[list[Tensor]]:
    """Collect what the activations of an image tower of convolutions put out."""
    maps: list[Tensor] = []
    tower = getattr(getattr(clip, "image", None), "features", None)
    layers = [one for one in tower if isinstance(one, nn.SiLU)] if tower is not None else []
    hooks = [one.register_forward_hook(lambda _m, _i, out: maps.append(out)) for one in layers]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def _distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean squared distance (b,) of unit channels, over all positions."""
    return (a - b).square().sum(1).flatten(1).mean(1) if a.ndim > 2 else (a - b).square().sum(1)
