"""The independent judges of the lessons: what they read in a picture, and whether they accept it.

The shipped judges were trained on labelled pictures, apart from every model that they judge. A
judge rejects a picture that is less clear than 99 % of real ones.
"""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from ddpm_clip.evaluation.judge.network import JudgeNet, shipped_judge_folder


@cache
def judge_of(model: str) -> JudgeNet:
    """Return the judge that ships with a model: "digits" or "flowers"."""
    return JudgeNet.load(shipped_judge_folder(model))


def read(model: str, x: Tensor, attribute: str = "digit") -> list[str]:
    """Return what the judge reads in each picture of x (b, c, h, w) in [-1, 1]."""
    return list(judge_of(model).read(x)[attribute].labels)


def accepted(model: str, x: Tensor) -> Tensor:
    """Return (b,) bool: whether the judge takes each picture for a real one."""
    return ~judge_of(model)(x)[1]


def right(model: str, x: Tensor, wanted: Sequence[str], attribute: str = "digit") -> Tensor:
    """Return (b,) bool: whether each picture is accepted and read as what was asked for."""
    same = [a == b for a, b in zip(read(model, x, attribute), wanted, strict=True)]
    return accepted(model, x) & torch.tensor(same)


def saturated(x: Tensor, at: float = 0.999) -> float:
    """Return the share of values of x that lie at or beyond the ends of [-1, 1]."""
    return float((x.abs() >= at).float().mean())
