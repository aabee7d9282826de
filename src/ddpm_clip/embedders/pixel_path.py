"""The preprocessing of a pretrained encoder, as differentiable torch operations.

Does for a batch of tensors what the encoder's own processor does for PIL pictures: resize,
centre crop, normalise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

_FILTERS = {2: "bilinear", 3: "bicubic"}
"""Maps PIL's filter numbers to the torch filters with the same antialiasing."""


@dataclass(frozen=True, slots=True)
class PixelPath:
    """Maps x (b, c, h, w) in [-1, 1], grey or colour, to the encoder's input (b, 3, h, w).

    Args:
        edge: Length to which the shorter side is resized, or None if `size` is given.
        size: (height, width) to which pictures are resized, or None if `edge` is given.
        crop: (height, width) of the centre crop, or None for no crop.
        filter: `bicubic` or `bilinear`.
        mean: Mean of each channel to subtract, for values in [0, 1].
        std: Standard deviation of each channel to divide by, for values in [0, 1].
    """

    edge: int | None
    size: tuple[int, int] | None
    crop: tuple[int, int] | None
    filter: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def like(cls, processor: Any) -> "PixelPath":
        """Return the same preprocessing as a processor of the transformers package."""
        size = _sides(processor.size) if processor.do_resize else None
        edge = processor.size["shortest_edge"] if processor.do_resize and size is None else None
        crop = _sides(processor.crop_size) if processor.do_center_crop else None
        r, g, b = processor.image_mean if processor.do_normalize else (0.0, 0.0, 0.0)
        mean = (float(r), float(g), float(b))
        r, g, b = processor.image_std if processor.do_normalize else (1.0, 1.0, 1.0)
        name = _FILTERS.get(int(processor.resample), "bicubic")
        return cls(edge, size, crop, name, mean, (float(r), float(g), float(b)))

    def __call__(self, x: Tensor) -> Tensor:
        """Preprocess x; differentiable, even where resizing overshoots."""
        x = (x.float() + 1) / 2  # (b, c, h, w) in [0, 1]
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        mean, std = self._moments(x)
        return (_crop(self._resize(x), self.crop) - mean) / std  # (b, 3, height, width)

    def levels(self, x: Tensor) -> Tensor:
        """Only normalise: x holds bytes (b, 3, h, w) of pictures that are resized already."""
        mean, std = self._moments(x)
        return x.float().div_(255).sub_(mean).div_(std)  # in place: allocating is the slow part

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (
            torch.tensor(v, device=x.device).view(1, 3, 1, 1) for v in (self.mean, self.std)
        )
        return mean, std

    def _resize(self, x: Tensor) -> Tensor:
        target = self.size or self._by_edge(x.shape[-2], x.shape[-1])
        if target == tuple(x.shape[-2:]):
            return x
        y = F.interpolate(x, target, mode=self.filter, antialias=True, align_corners=False)
        # PIL clips the overshoot of the filter. So do we, but the gradient passes straight
        # through: otherwise it would vanish in every saturated region.
        return y + (y.clamp(0, 1) - y).detach()

    def _by_edge(self, height: int, width: int) -> tuple[int, int]:
        if self.edge is None:
            return height, width
        short, long = sorted((height, width))
        longer = int(self.edge * long / short)
        return (self.edge, longer) if height <= width else (longer, self.edge)


def _crop(x: Tensor, size: tuple[int, int] | None) -> Tensor:
    """Return the centre crop of x, padded with black where x is smaller."""
    if size is None or size == tuple(x.shape[-2:]):
        return x
    top, left = ((x.shape[-2] - size[0]) // 2, (x.shape[-1] - size[1]) // 2)
    bottom, right = (x.shape[-2] - top - size[0], x.shape[-1] - left - size[1])
    return F.pad(x, (-left, -right, -top, -bottom))


def _sides(size: Mapping[str, int | None]) -> tuple[int, int] | None:
    """Return (height, width), or None if the processor gives the shorter edge only."""
    height, width = size.get("height"), size.get("width")
    return (int(height), int(width)) if height and width else None
