"""Seven building blocks without their names, for exercise 6.4: call them and see what they do."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ddpm_clip.models.layers import TimeEmbedding

Block = Callable[[Tensor], Tensor]

NAMES = (
    "max pool",
    "rearrange pool",
    "transposed convolution",
    "group norm",
    "batch norm",
    "time features",
    "residual block",
)
"""The names that exercise 6.4 asks for."""

LETTERS = "ABCDEFG"
CHANNELS = 8
KEY = dict(zip(LETTERS, (NAMES[i] for i in (3, 5, 1, 6, 4, 2, 0)), strict=True))
"""Letter -> name."""


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        nn.init.zeros_(self.conv.weight)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(F.gelu(x))  # type: ignore[no-any-return]


def unnamed_blocks() -> dict[str, Block]:
    """Return the blocks A to G; all but one take x (b, 8, h, w), that one takes t (b,).

    They are untrained, and those that are norms are in training mode.
    """
    state = torch.get_rng_state()
    torch.manual_seed(64)
    named: dict[str, Block] = {
        "max pool": nn.MaxPool2d(2),
        "rearrange pool": nn.PixelUnshuffle(2),
        "transposed convolution": nn.ConvTranspose2d(CHANNELS, CHANNELS, 2, stride=2),
        "group norm": nn.GroupNorm(2, CHANNELS),
        "batch norm": nn.BatchNorm2d(CHANNELS),
        "time features": TimeEmbedding(1000, 16, 8).features,
        "residual block": _Residual(),
    }
    torch.set_rng_state(state)
    return {letter: _nameless(named[KEY[letter]]) for letter in LETTERS}


def _nameless(block: Block) -> Block:
    """Hide the class, which would say the name."""

    def call(x: Tensor) -> Tensor:
        with torch.no_grad():
            return block(x)

    return call
