"""A toy set whose every fact is known: what a small judge learns in a second."""

import torch

SHAPES = ("bar", "beam", "ring")
ATTRIBUTES = {"shape": SHAPES, "tone": ("dark", "light")}


def planted(n, seed):
    """(n, 1, 16, 16) uint8 of upright bars, lying beams and rings, dark or light, and the facts."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.randint(6, (n,), generator=generator)
    at = torch.arange(16) - 7.5
    radius = (at[:, None] ** 2 + at**2).sqrt()
    upright = (at.abs() < 2).expand(16, 16) & (at.abs() < 6)[:, None]
    masks = torch.stack([upright, upright.T, (radius > 3.5) & (radius < 6)])
    x = 255.0 * masks[which // 2] * torch.where(which % 2 == 0, 0.45, 1.0)[:, None, None]
    x = x + 8 * torch.randn(n, 16, 16, generator=generator)
    facts = [{"shape": SHAPES[w // 2], "tone": ("dark", "light")[w % 2]} for w in which.tolist()]
    return x.clamp(0, 255).to(torch.uint8)[:, None], facts
