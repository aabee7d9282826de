"""The map of a model: its pictures' conditions in the plane of their first two principal axes.

A plane shows two of some hundred dimensions, so a point of it stands for many conditions. To paint
from a point, the other dimensions are taken from the pictures around it: at a picture's own point
they are that picture's, in between they change smoothly. Like words, the result is then kept within
the pictures' cloud (`cloud.py`).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.errors import DataError

FEWEST = 4
"""Smallest bank of pictures that spans a map."""

AROUND = 4
"""Number of nearest pictures that decide what the plane does not show."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A plane through the pictures' conditions, and the pictures in it.

    Attributes:
        axes: (e, 2) orthonormal principal axes, that of the larger variance first.
        centre: (e,) mean of the pictures' conditions, the origin of the plane.
        points: (m, 2) the pictures of the bank in the plane.
        rest: (m, e) what the plane does not show of them.
        explained: share of the pictures' variance that the plane shows.
    """

    axes: Tensor
    centre: Tensor
    points: Tensor
    rest: Tensor
    explained: float

    @classmethod
    def of(cls, conditioner: Conditioner) -> "Plane":
        """Lay the plane through the pictures in a conditioner's bank.

        The direction of an axis is arbitrary, so it is fixed: its largest coordinate is positive.

        Raises:
            DataError: There are too few pictures in the bank, or embeddings are not centred.
        """
        if why := why_no_plane(conditioner):
            raise DataError(
                "there is no map of this model's pictures",
                why,
                "train it with this version, or choose another model",
            )
        c = conditioner.images(conditioner.bank.float())[:, : conditioner.dim].double()
        centre = c.mean(0)
        values, vectors = torch.linalg.eigh((c - centre).T @ (c - centre))  # they ascend
        axes = vectors[:, [-1, -2]]
        axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
        points = (c - centre) @ axes
        explained = values[-2:].sum() / values.sum().clamp(min=1e-12)
        rest = c - centre - points @ axes.T
        return cls(axes, centre, points.float(), rest.float(), explained.item())

    def place(self, c: Tensor) -> Tensor:
        """Return where conditions (n, e or more coordinates) fall: (n, 2)."""
        return ((c[:, : len(self.centre)].double() - self.centre) @ self.axes).float()

    def lifted(self, at: Tensor) -> Tensor:
        """Return conditions (n, e) that fall on points (n, 2), with the rest of pictures nearby.

        The weights are those of Franke & Nielson (1980): they are smooth, and a picture that the
        point coincides with decides alone. A mean is shorter than what it is the mean of, so its
        length is restored.
        """
        k = min(AROUND, len(self.points) - 1)
        distances, rows = torch.cdist(at.float(), self.points).topk(k + 1, largest=False)
        radius = distances[:, -1:].clamp(min=1e-9)  # (n, 1), to the first that does not count
        near, rows = distances[:, :-1].clamp(min=1e-9), rows[:, :-1]
        weights = ((radius - near).clamp(min=1e-9) / (radius * near)).square()
        weights = (weights / weights.sum(1, keepdim=True))[..., None]  # (n, k, 1)
        rest = self.rest[rows]  # (n, k, e)
        length = (weights * rest.norm(dim=2, keepdim=True)).sum(1)
        mixed = F.normalize((weights * rest).sum(1), dim=1) * length
        lifted: Tensor = self.centre + at.double() @ self.axes.T + mixed.double()
        return lifted.float()


def why_no_plane(conditioner: Conditioner) -> str:
    """Return why a model has no map; "" if it has one."""
    if conditioner.mode == "raw":
        return "its embeddings are not centred: it was imported from an earlier project"
    if len(conditioner.bank) < FEWEST:
        n = len(conditioner.bank)
        return f"its bank has {n} pictures: it was packed without one, or trained on too few"
    return ""


def conditions_at(conditioner: Conditioner, plane: Plane, at: Tensor) -> Tensor:
    """Return conditions (n, width) at points (n, 2), within the cloud of the pictures.

    Args:
        conditioner: The model's conditioner.
        plane: Its plane.
        at: Points; one far from all pictures is brought back, so that its condition falls nearer.
    """
    c = plane.lifted(at)
    cloud = conditioner.cloud
    c = cloud.nearer(cloud.inward(c, cloud.trust(c)))
    return torch.cat([c, torch.zeros(len(c), 1)], dim=1)
