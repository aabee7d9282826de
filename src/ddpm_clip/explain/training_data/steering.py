"""Which rows of the bank entered a condition, and conditions with other rows.

The `knn` bridge queries its conditioner for neighbours. This query is intercepted while the
condition is made, so the rows are those that were really used, and it may return other rows. A
model that paints by another bridge is analysed as if it used `knn`. Knows nothing of walks or
pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.explain.target.analysis_target import AnalysisTarget

Neighbours = tuple[Tensor, Tensor]
"""(cosines (n, k), rows of the bank (n, k)), nearest first."""

Search = Callable[[Tensor, int], Neighbours]
"""(text embeddings (n, e), k) -> the k nearest rows of the bank."""

Answer = Callable[[Search, Tensor, int], Neighbours]
"""(the bank's own search, text embeddings, k) -> the neighbours that the bridge gets instead."""


@dataclass(frozen=True, slots=True, eq=False)
class Steering:
    """The rows of the bank that a prompt's condition was mixed from, nearest first.

    Attributes:
        rows: (k,) row numbers in the bank.
        cosines: (k,) cosines with the text, in the centred space.
        weights: (k,) weights in the pictures' part of the condition; they sum to 1.
        keys: names of the pictures in their data source.
        next_rows: (k,) row numbers of the next nearest.
    """

    rows: Tensor
    cosines: Tensor
    weights: Tensor
    keys: tuple[str, ...]
    next_rows: Tensor

    @property
    def k(self) -> int:
        """Number of neighbours."""
        return len(self.rows)


BRIDGE = "knn"
"""The bridge that mixes single training pictures into a condition."""


def steering(target: AnalysisTarget, prompt: str | None = None) -> Steering | None:
    """Find the neighbours that a prompt's condition uses; None if it uses none.

    It uses none if the bank has less than twice as many rows, or if the settings insist on another
    bridge.

    Args:
        target: the target, with or without a conditioner.
        prompt: the prompt; None takes the target's own.
    """
    conditioner = target.conditioner
    if conditioner is None or len(conditioner.bank) < 2 * conditioner.options.knn_k:
        return None
    used: list[Neighbours] = []

    def recording(search: Search, e: Tensor, k: int) -> Neighbours:
        cosines, rows = search(e, 2 * k)
        used.append((cosines[:1], rows[:1]))
        return cosines[:, :k], rows[:, :k]

    with intercepted(conditioner, recording):
        target.conditions(prompt, target.seeds[:1])
    if not used:
        return None
    (cosines, rows), k = used[0], conditioner.options.knn_k
    near, keys = rows[0, :k], conditioner.bank_keys
    weights = (cosines[0, :k] / conditioner.options.knn_tau).softmax(0)  # as the bridge does it
    named = tuple(keys[i] if keys else str(i) for i in near.tolist())
    return Steering(near, cosines[0, :k], weights, named, rows[0, k : 2 * k])


def conditions_with(target: AnalysisTarget, answer: Answer, seeds: Sequence[int]) -> Tensor:
    """Return (n, e) the conditions of the prompt when its bridge gets other neighbours."""
    assert target.conditioner is not None
    with intercepted(target.conditioner, answer):
        return target.conditions(seeds=seeds)


def unchanged(search: Search, e: Tensor, k: int) -> Neighbours:
    """Return the bank's own neighbours."""
    return search(e, k)


def without(row: int) -> Answer:
    """Return an answer as if the bank did not have this row."""

    def answer(search: Search, e: Tensor, k: int) -> Neighbours:
        cosines, rows = search(e, k + 1)
        # if the row is not among the nearest, drop the last one instead
        kept = rows != row
        kept[:, -1] &= ~kept.all(1)
        shape = (len(rows), k)
        return cosines[kept].view(shape), rows[kept].view(shape)

    return answer


def instead(other: Tensor) -> Answer:
    """Return an answer with other rows (k,), each with the weight of the one that it replaces."""

    def answer(search: Search, e: Tensor, k: int) -> Neighbours:
        cosines, _ = search(e, k)
        return cosines, other[:k].expand(len(e), -1)

    return answer


@contextmanager
def intercepted(conditioner: Conditioner, answer: Answer) -> Iterator[None]:
    """Let `answer` replace the neighbour search of a conditioner until the block ends.

    Within the block its bridge is `BRIDGE`.
    """
    own, options = conditioner.neighbours, conditioner.options
    vars(conditioner)["neighbours"] = lambda e, k: answer(own, e, k)
    conditioner.options = replace(options, bridge=BRIDGE)
    try:
        yield
    finally:
        conditioner.options = options
        del vars(conditioner)["neighbours"]


def random_rows(n: int, k: int, seed: int, but: Tensor) -> Tensor:
    """Return (k,) random rows of n, none of them in `but`."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[~torch.isin(order, but)][:k]
