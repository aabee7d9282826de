"""Pictures of every prompt with every seed, and the sources of their variance."""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.maths.anova import TwoWay, two_way_anova
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.class_prompts import prompts_of
from ddpm_clip.explain.verdict.odds import Followed
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Pictures of seeds by prompts at one guidance scale.

    Attributes:
        scale: guidance scale.
        prompts: one prompt per class.
        x: (seeds, prompts, c, h, w) pictures.
        shares: shares of the variance of the pixels, of what the judge says (its probabilities),
            and of the embedding.
        followed: how many pictures show the class of their prompt.
    """

    scale: float
    prompts: list[str]
    x: Tensor
    shares: dict[str, TwoWay]
    followed: Followed


def layout(
    target: AnalysisTarget, seeds: list[int], most: int, steps: int, scale: float, draws: int
) -> Generator[Progress, None, Layout]:
    """Paint every prompt with every seed, and split the variance.

    Args:
        target: a target with a judge.
        seeds: at least two random seeds.
        most: most prompts.
        steps: number of sampling steps.
        scale: guidance scale.
        draws: number of permutations of each test.
    """
    prompts, classes = prompts_of(target, most)
    i, j = len(seeds), len(prompts)
    each = [seed for seed in seeds for _ in prompts]
    c = target.conditions(prompts * i, each)
    x = yield from target.pictures(c, each, scale=scale, steps=steps, stage="seeds by prompts")
    probs = target.judge(x).cpu()
    asked = torch.tensor(classes * i)
    right = Followed(len(x), int((probs.argmax(1) == asked).sum()))
    measured = {"pixels": x.cpu().flatten(1), "what the judge says": probs}
    e = target.embed(x)
    if e is not None:
        measured["embedding"] = e.cpu()
    shares = {name: two_way_anova(rows.view(i, j, -1), draws) for name, rows in measured.items()}
    return Layout(scale, prompts, x.cpu().view(i, j, *x.shape[1:]), shares, right)
