"""Two-way analysis of variance with one value per cell: shares of seed, prompt and interaction.

y[i, j] = mean + seed_i + prompt_j + rest_ij, whose sums of squares add up exactly (Fisher 1925,
chapter 7). A walk is determined by its seed and prompt, so the rest is not measurement error but
interaction: what a prompt does to one seed and not to another.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError


@dataclass(frozen=True, slots=True)
class TwoWay:
    """Shares of the variance, which sum to 1, with permutation tests.

    Attributes:
        seeds, prompts: numbers of seeds and prompts.
        seed, prompt, interaction: shares of the variance; all 0 if nothing varies.
        chance: (seed, prompt) their expected shares if neither mattered.
        p_seed, p_prompt: p-values of the permutation tests; 1 if nothing varies.
    """

    seeds: int
    prompts: int
    seed: float
    prompt: float
    interaction: float
    chance: tuple[float, float]
    p_seed: float
    p_prompt: float

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "seeds": self.seeds,
            "prompts": self.prompts,
            "seed": self.seed,
            "prompt": self.prompt,
            "interaction": self.interaction,
            "by_chance": {"seed": self.chance[0], "prompt": self.chance[1]},
            "p_seed": self.p_seed,
            "p_prompt": self.p_prompt,
        }


def two_way_anova(y: Tensor, draws: int = 199, seed: int = 0) -> TwoWay:
    """Split the variance of a table, summed over all features.

    Each p-value is the share of `draws` permuted tables, plus the true one, that are as extreme; in
    each, the cells of every seed (or of every prompt) are permuted among themselves.

    >>> found = two_way(torch.tensor([[[0.0], [1.0]], [[2.0], [3.0]]]))
    >>> round(found.seed, 3), round(found.prompt, 3), round(found.interaction, 3)
    (0.8, 0.2, 0.0)

    Args:
        y: (seeds, prompts, d) with at least two seeds and two prompts.
        draws: number of permutations of each test.
        seed: random seed of the permutations.

    Raises:
        UsageError: the table has only one seed or one prompt.
    """
    i, j = y.shape[:2]
    if y.ndim != 3 or i < 2 or j < 2:
        raise UsageError(
            f"cannot split the variance of a table of shape {tuple(y.shape)}",
            "it takes at least two seeds and two prompts",
        )
    y = y.double() - y.double().mean((0, 1))
    whole = y.square().sum().item()
    chance = ((i - 1) / (i * j - 1), (j - 1) / (i * j - 1))
    if whole <= 1e-24:
        return TwoWay(i, j, 0.0, 0.0, 0.0, chance, 1.0, 1.0)
    by_seed, by_prompt = _between(y), _between(y.transpose(0, 1))
    generator = torch.Generator().manual_seed(seed)
    return TwoWay(
        i,
        j,
        by_seed / whole,
        by_prompt / whole,
        max(0.0, 1 - (by_seed + by_prompt) / whole),
        chance,
        _p(y.transpose(0, 1), by_seed, draws, generator),
        _p(y, by_prompt, draws, generator),
    )


def _between(y: Tensor) -> float:
    """Return the sum of squares between the rows of y, whose overall mean is 0."""
    return y.shape[1] * y.mean(1).square().sum().item()


def _p(y: Tensor, found: float, draws: int, generator: torch.Generator) -> float:
    """Return how often columns differ as much after shuffling the cells of every row."""
    i, j, d = y.shape
    as_large = 1
    for _ in range(draws):
        order = torch.rand(i, j, generator=generator).argsort(1)
        shuffled = y.gather(1, order[..., None].expand(i, j, d))
        as_large += _between(shuffled.transpose(0, 1)) >= found * (1 - 1e-12)
    return as_large / (draws + 1)
