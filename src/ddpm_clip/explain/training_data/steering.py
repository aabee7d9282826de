"""Which rows of the bank entered a condition, and what the condition had been with others.

The `knn` bridge asks its conditioner for neighbours; here one listens to that question and may
answer it otherwise. So the rows are those that were really used, whatever prompt or null it was,
and the condition takes the one path that all conditions take. A model that paints by another
bridge is asked as it would be with this one. Knows nothing of walks or pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.explain.target.analysis_target import AnalysisTarget

Found = tuple[Tensor, Tensor]
"""(cosines (n, k), rows of the bank (n, k)), nearest first."""

Ask = Callable[[Tensor, int], Found]
"""(text embeddings (n, e), k) -> the k nearest."""

Answer = Callable[[Ask, Tensor, int], Found]
"""(the bank's own answer, text embeddings, k) -> what the bridge is told instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Steering:
    """The bank rows that a prompt's condition was mixed from, nearest first.

    Attributes:
        rows: (k,) of the bank.
        cosines: (k,) with the text, in the centred space.
        weights: (k,) shares of the pictures' part of the condition; they sum to 1.
        keys: names of the pictures in their source.
        next_rows: (k,) the rows that come after them.
    """

    rows: Tensor
    cosines: Tensor
    weights: Tensor
    keys: tuple[str, ...]
    next_rows: Tensor

    @property
    def k(self) -> int:
        """How many there are."""
        return len(self.rows)


BRIDGE = "knn"
"""The bridge into which training pictures enter one by one."""


def steering(target: AnalysisTarget, prompt: str | None = None) -> Steering | None:
    """Listen to one condition being made; None where no neighbour was asked for.

    That is so without a bank that holds twice as many, and where the settings insist on another
    bridge.

    Args:
        target: with or without a conditioner.
        prompt: None is the target's own.
    """
    conditioner = target.conditioner
    if conditioner is None or len(conditioner.bank) < 2 * conditioner.options.knn_k:
        return None
    heard: list[Found] = []

    def listen(ask: Ask, e: Tensor, k: int) -> Found:
        cosines, rows = ask(e, 2 * k)
        heard.append((cosines[:1], rows[:1]))
        return cosines[:, :k], rows[:, :k]

    with answering(conditioner, listen):
        target.conditions(prompt, target.seeds[:1])
    if not heard:
        return None
    (cosines, rows), k = heard[0], conditioner.options.knn_k
    near, keys = rows[0, :k], conditioner.bank_keys
    weights = (cosines[0, :k] / conditioner.options.knn_tau).softmax(0)  # as the bridge does
    named = tuple(keys[i] if keys else str(i) for i in near.tolist())
    return Steering(near, cosines[0, :k], weights, named, rows[0, k : 2 * k])


def conditions_with(target: AnalysisTarget, answer: Answer, seeds: Sequence[int]) -> Tensor:
    """(n, e) the conditions of the prompt if its bridge had been told other neighbours."""
    assert target.conditioner is not None
    with answering(target.conditioner, answer):
        return target.conditions(seeds=seeds)


def as_it_is(ask: Ask, e: Tensor, k: int) -> Found:
    """What the bank says itself."""
    return ask(e, k)


def without(row: int) -> Answer:
    """The bank, if it did not hold this row."""

    def answer(ask: Ask, e: Tensor, k: int) -> Found:
        cosines, rows = ask(e, k + 1)
        # where the row is not among the nearest, the last of them was one too many
        kept = rows != row
        kept[:, -1] &= ~kept.all(1)
        shape = (len(rows), k)
        return cosines[kept].view(shape), rows[kept].view(shape)

    return answer


def instead(other: Tensor) -> Answer:
    """Other rows (k,) in the place of the nearest, each with the weight of the one it replaces."""

    def answer(ask: Ask, e: Tensor, k: int) -> Found:
        cosines, _ = ask(e, k)
        return cosines, other[:k].expand(len(e), -1)

    return answer


@contextmanager
def answering(conditioner: Conditioner, answer: Answer) -> Iterator[None]:
    """Let `answer` speak for the bank of a conditioner until the block ends.

    Until then its own bridge is `BRIDGE`.
    """
    own, options = conditioner.neighbours, conditioner.options
    vars(conditioner)["neighbours"] = lambda e, k: answer(own, e, k)
    conditioner.options = replace(options, bridge=BRIDGE)
    try:
        yield
    finally:
        conditioner.options = options
        del vars(conditioner)["neighbours"]


def lot(n: int, k: int, seed: int, but: Tensor) -> Tensor:
    """(k,) rows of n by lot, none of those in `but`."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[~torch.isin(order, but)][:k]
