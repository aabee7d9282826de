"""Shapley values (Shapley 1953): what each of k players adds to what they reach together.

A plan says which coalitions have to be played; whoever plays them (walks with the words on in
some steps, prompts with some words left out) hands back one value a coalition and repetition. All
coalitions for few players, else chains along random orders, each with its reverse (antithetic,
Mitchell et al. 2022). Either way the values of the players sum to v(all) - v(none) in
every repetition, exactly. Knows nothing of what the players are.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.means import Means, means

EXACT_UP_TO = 10
"""Players whose 2^k coalitions are all played."""


@dataclass(frozen=True, slots=True, eq=False)
class CoalitionPlan:
    """Coalitions to play, and what their values are worth to whom.

    Attributes:
        coalitions: (m, k) bool, each once; row 0 is nobody, row 1 is everybody.
        weights: (k, m) Shapley values are `weights @ v`.
        by_size: (k + 1, m) averages of v over coalitions of 0 to k players, as random orders
            meet them.
        exact: are all coalitions in it?
    """

    coalitions: Tensor
    weights: Tensor
    by_size: Tensor
    exact: bool

    def rows(self, coalitions: Tensor) -> Tensor:
        """(...) where coalitions (..., k) stand in the plan; -1 where they do not."""
        same = (coalitions[..., None, :] == self.coalitions).all(-1)
        return torch.where(same.any(-1), same.long().argmax(-1), -1)

    def with_orders(self, orders: Tensor) -> "CoalitionPlan":
        """This plan and, behind its coalitions, those that `orders` (p, k) meet on their way."""
        wanted = torch.cat([_inserted(orders), _inserted(orders.flip(1))]).flatten(0, 1)
        new = wanted[self.rows(wanted) < 0].unique(dim=0)
        room = (0, len(new))
        return replace(
            self,
            coalitions=torch.cat([self.coalitions, new]),
            weights=torch.nn.functional.pad(self.weights, room),
            by_size=torch.nn.functional.pad(self.by_size, room),
        )


def plan(
    players: int, *, exact_up_to: int = EXACT_UP_TO, pairs: int = 32, seed: int = 0
) -> CoalitionPlan:
    """Which coalitions of `players` have to be played.

    Args:
        players: at least 1.
        exact_up_to: for so many players or fewer, all coalitions.
        pairs: else so many random orders, each with its reverse.
        seed: of the orders.
    """
    if players < 1 or pairs < 1:
        raise UsageError(f"no Shapley values of {players} players along {pairs} pairs of orders")
    if players <= exact_up_to:
        return _exact(players)
    generator = torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(players, generator=generator) for _ in range(pairs)])
    return _along(torch.cat([orders, orders.flip(1)]))


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What each player added, repetition by repetition.

    Attributes:
        values: (n, k) float64.
        empty: (n,) what nobody reaches.
        full: (n,) what all reach together.
        exact: were all coalitions played?
    """

    values: Tensor
    empty: Tensor
    full: Tensor
    exact: bool

    @property
    def error(self) -> float:
        """How far the players' values are from summing to full - empty, at worst."""
        return float((self.values.sum(1) - (self.full - self.empty)).abs().max())

    @property
    def means(self) -> Means:
        """(k,) over the repetitions."""
        return means(self.values)

    @property
    def total(self) -> Means:
        """() of full - empty."""
        return means(self.full - self.empty)

    def order(self) -> Tensor:
        """(k,) the players, whoever adds most first."""
        return self.values.mean(0).argsort(descending=True, stable=True)


def attribute(plan: CoalitionPlan, v: Tensor) -> Attribution:
    """The Shapley values of coalitions' values v (m, n), a column a repetition."""
    if len(v) != len(plan.coalitions):
        raise UsageError(f"{len(v)} values for {len(plan.coalitions)} coalitions")
    v = v.detach().cpu().double()
    return Attribution((plan.weights @ v).T, v[0], v[1], plan.exact)


def learnt_order(attribution: Attribution) -> Tensor:
    """(k,) the order that the odd repetitions give, to be tested on the even ones.

    Tested where it was learnt, even chance would look like knowledge. Nor do both halves test each
    other: where chance makes them agree, both tests would pass at once.
    """
    return replace(attribution, values=attribution.values[1::2]).order()


@dataclass(frozen=True, slots=True, eq=False)
class DeletionTest:
    """Does adding the strongest players first bring more, and removing them first cost more?

    Attributes:
        order: (k,) the players, strongest first, as the odd repetitions say.
        insertion: (n, k + 1) values of the even repetitions as the strongest come first.
        deletion: (n, k + 1) the same as the strongest leave first.
        random: (n, k + 1) with 0 to k players in a random order, on average.
        over_random: () area of insertion less that of a random order.
        under_random: () area of a random order less that of deletion.
        over_reverse: () area of insertion in this order less that in the reverse one.
    """

    order: Tensor
    insertion: Tensor
    deletion: Tensor
    random: Tensor
    over_random: Means
    under_random: Means
    over_reverse: Means

    @property
    def passed(self) -> bool:
        """Are all three differences above 0, intervals included?"""
        return all(
            float(m.low) > 0 for m in (self.over_random, self.under_random, self.over_reverse)
        )


def deletion_test(plan: CoalitionPlan, v: Tensor) -> DeletionTest:
    """Learn the order on the odd repetitions and test it on the even ones.

    Args:
        plan: exact, or grown by `with_orders(learnt_order(...)[None])` and played.
        v: (m, n) values, at least 4 repetitions.

    Raises:
        UsageError: too few repetitions, or coalitions that were not played.
    """
    if v.shape[1] < 4:
        raise UsageError(f"{v.shape[1]} repetitions are too few for a deletion test", fix="use 4")
    v = v.detach().cpu().double()
    order = learnt_order(attribute(plan, v))
    chain, held = _inserted(order[None])[0], v[:, ::2]
    insertion, deletion = _along_chain(plan, held, chain), _along_chain(plan, held, ~chain)
    random = (plan.by_size @ held).T
    area, any_area, left = insertion.mean(1), random.mean(1), deletion.mean(1)
    return DeletionTest(
        order,
        insertion,
        deletion,
        random,
        means(area - any_area),
        means(any_area - left),
        means(area - left),  # inserting in reverse meets the coalitions that deletion leaves
    )


def _along_chain(plan: CoalitionPlan, v: Tensor, chain: Tensor) -> Tensor:
    """(n, k + 1) the values of a chain of coalitions."""
    rows = plan.rows(chain)
    if bool((rows < 0).any()):
        raise UsageError("coalitions on the way were not played", fix="grow the plan first")
    return v[rows].T


def _exact(k: int) -> CoalitionPlan:
    numbers = torch.arange(2**k)
    coalitions = (numbers[:, None] >> torch.arange(k)) & 1 == 1
    size = coalitions.sum(1)
    # A coalition of s others, joined by i, counts s! (k - s - 1)! / k! for i.
    joined = torch.tensor([1 / (k * math.comb(k - 1, s)) for s in range(k)], dtype=torch.float64)
    gain, loss = joined[(size - 1).clamp(min=0)], joined[size.clamp(max=k - 1)]
    weights = torch.where(coalitions, gain[:, None], -loss[:, None]).T
    by_size = (size == torch.arange(k + 1)[:, None]).double()
    by_size /= by_size.sum(1, keepdim=True)
    order = torch.cat([numbers[:1], numbers[-1:], numbers[1:-1]])
    return CoalitionPlan(coalitions[order], weights[:, order], by_size[:, order], True)


def _along(orders: Tensor) -> CoalitionPlan:
    """The plan of some orders, every coalition that they meet once."""
    p, k = orders.shape
    chains = _inserted(orders)  # (p, k + 1, k)
    ends = torch.stack([torch.zeros(k), torch.ones(k)]).bool()
    between = chains[:, 1:-1].flatten(0, 1).unique(dim=0)
    coalitions = torch.cat([ends, between])
    bare = CoalitionPlan(coalitions, torch.zeros(k, 0), torch.zeros(k + 1, 0), False)
    rows = torch.stack([bare.rows(chain) for chain in chains])  # (p, k + 1)
    weights = torch.zeros(k, len(coalitions), dtype=torch.float64)
    by_size = torch.zeros(k + 1, len(coalitions), dtype=torch.float64)
    share = torch.full((p * k,), 1 / p, dtype=torch.float64)
    weights.index_put_((orders.flatten(), rows[:, 1:].flatten()), share, accumulate=True)
    weights.index_put_((orders.flatten(), rows[:, :-1].flatten()), -share, accumulate=True)
    sizes = torch.arange(k + 1).repeat(p)
    by_size.index_put_(
        (sizes, rows.flatten()), torch.full_like(sizes, 1 / p, dtype=torch.float64), accumulate=True
    )
    return CoalitionPlan(coalitions, weights, by_size, False)


def _inserted(orders: Tensor) -> Tensor:
    """(p, k + 1, k) who is in, as the players of orders (p, k) come one by one."""
    place = orders.argsort(1)  # (p, k) when each player comes
    return place[:, None, :] < torch.arange(orders.shape[1] + 1)[None, :, None]
