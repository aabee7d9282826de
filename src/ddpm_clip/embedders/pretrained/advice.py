"""Which pretrained CLIP to use: by the machine, and by the number of pictures to be embedded.

The more exact models need more work a picture. Recommended is the one that needs most, among those
that embed all pictures in `PATIENCE` minutes; embedding happens once, as it is cached. The speeds
are rough: they only have to tell a laptop from a machine with a GPU.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ddpm_clip.embedders.pretrained.known_models import KNOWN, KnownModel

PATIENCE = 10
"""Minutes that embedding may take."""

GPU, FAST_CORE, CORE = 10_000.0, 60.0, 20.0
"""Multiplications per second, in 10^9: of a GPU, of a core with bfloat16 units, of another one."""

LADDER = (
    "google/siglip-base-patch16-224",
    "openai/clip-vit-base-patch32",
    "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M",
)
"""Models to choose from, the one with the most work first."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A model, and the largest number of pictures for which it is recommended (None: any)."""

    model: str
    most: int | None


def advise(
    cores: int, *, gpu: bool, fast_bfloat16: bool, known: Mapping[str, KnownModel] = KNOWN
) -> list[Advice]:
    """Return what to use on a machine, from few pictures to many.

    Args:
        cores: Number of CPU cores.
        gpu: Whether there is a GPU.
        fast_bfloat16: Whether the CPU has bfloat16 units.
        known: Hub id -> what is known of it.

    >>> [one.model.partition("/")[0] for one in advise(2, gpu=False, fast_bfloat16=False)]
    ['google', 'openai', 'wkcn']
    """
    speed = GPU if gpu else max(1, cores) * (FAST_CORE if fast_bfloat16 else CORE)
    found = [
        Advice(model, _rounded(60 * PATIENCE * speed / known[model].giga_macs)) for model in LADDER
    ]
    return [*found[:-1], Advice(LADDER[-1], None)]


def _rounded(n: float) -> int:
    """Round down to one digit, as the speeds are no more exact than that.

    >>> _rounded(6818.2), _rounded(170.4)
    (6000, 100)
    """
    size: int = 10 ** (len(str(int(n))) - 1)
    return int(n) // size * size
