"""Pictures of every prompt with every seed, and what their variance comes from.

Knows nothing of the noise itself, only of seeds.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.maths.anova import TwoWay, two_way
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.class_prompts import prompts_of
from ddpm_clip.explain.verdict.odds import Followed
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Seeds by prompts, under one guidance scale.

    Attributes:
        scale: of guidance.
        prompts: one a class.
        x: (seeds, prompts, c, h, w).
        shares: of the variance, by what is looked at: pixels, what the judge says, embedding.
        followed: in how many pictures the judge sees what their prompt asks for.
    """

    scale: float
    prompts: list[str]
    x: Tensor
    shares: dict[str, TwoWay]
    followed: Followed


def layout(
    target: AnalysisTarget, seeds: list[int], most: int, steps: int, scale: float, draws: int
) -> Generator[Progress, None, Layout]:
    """Paint every prompt with every seed, and take the variance apart.

    Args:
        target: somebody judges its pictures.
        seeds: at least two.
        most: prompts.
        steps: of the walks.
        scale: of guidance.
        draws: permutations of each test.
    """
    prompts, classes = prompts_of(target, most)
    i, j = len(seeds), len(prompts)
    named = [seed for seed in seeds for _ in prompts]
    c = target.conditions(prompts * i, named)
    x = yield from target.pictures(c, named, scale=scale, steps=steps, stage="seeds by prompts")
    probs = target.judge(x).cpu()
    asked = torch.tensor(classes * i)
    right = Followed(len(x), int((probs.argmax(1) == asked).sum()))
    seen = {"pixels": x.cpu().flatten(1), "what the judge says": probs}
    e = target.embed(x)
    if e is not None:
        seen["embedding"] = e.cpu()
    shares = {name: two_way(rows.view(i, j, -1), draws) for name, rows in seen.items()}
    return Layout(scale, prompts, x.cpu().view(i, j, *x.shape[1:]), shares, right)
