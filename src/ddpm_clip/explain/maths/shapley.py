"""Shapley values (Shapley 1953): what each of k players of a cooperative game adds.

A plan lists the coalitions to play. The caller plays them (walks with the words on in some steps,
prompts with some words left out) and returns a value for each coalition and repetition. With few
players all coalitions are played, with more of them those along random orders, each with its
reverse (antithetic, Mitchell et al. 2022). Either way the players' values sum exactly to v(all) -
v(none) in every repetition. Knows nothing of what the players are.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddpm_clip.errors import UsageError
from ddpm_clip.statistics.means import Means, means

EXACT_UP_TO = 10
"""Most players whose 2^k coalitions are all played."""


@dataclass(frozen=True, slots=True, eq=False)
class CoalitionPlan:
    """Coalitions to play, and the weights of their values in the Shapley values.

    Attributes:
        coalitions: (m, k) bool, all different; row 0 is the empty coalition, row 1 the full one.
        weights: (k, m) weights; the Shapley values are `weights @ v`.
        by_size: (k + 1, m) `by_size @ v` is the mean of v over coalitions of 0 to k players, as
            often as random orders meet them.
        exact: whether all coalitions are in the plan.
    """

    coalitions: Tensor
    weights: Tensor
    by_size: Tensor
    exact: bool

    def rows(self, coalitions: Tensor) -> Tensor:
        """Return (...) the row of each coalition (..., k) in the plan; -1 if it is not there."""
        same = (coalitions[..., None, :] == self.coalitions).all(-1)
        return torch.where(same.any(-1), same.long().argmax(-1), -1)

    def with_orders(self, orders: Tensor) -> "CoalitionPlan":
        """Return this plan with the coalitions along `orders` (p, k) and their reverses added."""
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
    """Return the coalitions of `players` that have to be played.

    Args:
        players: number of players, at least 1.
        exact_up_to: most players for which all coalitions are played.
        pairs: number of random orders with more players; each is taken with its reverse.
        seed: random seed of the orders.

    Raises:
        UsageError: there are no players or no orders.
    """
    if players < 1 or pairs < 1:
        raise UsageError(
            f"cannot compute Shapley values of {players} players from {pairs} pairs of orders",
            "it takes one of each at least",
        )
    if players <= exact_up_to:
        return _exact(players)
    generator = torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(players, generator=generator) for _ in range(pairs)])
    return _along(torch.cat([orders, orders.flip(1)]))


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Shapley values of k players in n repetitions.

    Attributes:
        values: (n, k) Shapley values, float64.
        empty: (n,) value of the empty coalition.
        full: (n,) value of the full coalition.
        exact: whether all coalitions were played.
    """

    values: Tensor
    empty: Tensor
    full: Tensor
    exact: bool

    @property
    def error(self) -> float:
        """The largest difference between the sum of the players' values and full - empty."""
        return float((self.values.sum(1) - (self.full - self.empty)).abs().max())

    @property
    def means(self) -> Means:
        """(k,) means over the repetitions."""
        return means(self.values)

    @property
    def total(self) -> Means:
        """() mean of full - empty."""
        return means(self.full - self.empty)

    def order(self) -> Tensor:
        """Return (k,) the players, the one that adds most first."""
        return self.values.mean(0).argsort(descending=True, stable=True)


def attribute(plan: CoalitionPlan, v: Tensor) -> Attribution:
    """Return the Shapley values, given the coalitions' values v (m, n), a column per repetition."""
    if len(v) != len(plan.coalitions):
        raise UsageError(
            f"{len(v)} values for {len(plan.coalitions)} coalitions", "each needs one row of values"
        )
    v = v.detach().cpu().double()
    return Attribution((plan.weights @ v).T, v[0], v[1], plan.exact)


def learnt_order(attribution: Attribution) -> Tensor:
    """Return (k,) the order learnt on the odd repetitions, to be tested on the even ones.

    Tested on the repetitions on which it was learnt, even a random order would look significant.
    Nor does each half test the other's order: if they agree by chance, both tests pass at once.
    """
    return replace(attribution, values=attribution.values[1::2]).order()


@dataclass(frozen=True, slots=True, eq=False)
class DeletionTest:
    """Whether adding the strongest players first gains more, and removing them first costs more.

    Attributes:
        order: (k,) the players, strongest first, learnt on the odd repetitions.
        insertion: (n, k + 1) values of the even repetitions when the strongest are added first.
        deletion: (n, k + 1) the same when the strongest are removed first.
        random: (n, k + 1) mean values with 0 to k players in a random order.
        over_random: () area under insertion minus that under a random order.
        under_random: () area under a random order minus that under deletion.
        over_reverse: () area under insertion minus that under insertion in reverse order.
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
        """Whether all three differences are above 0, intervals included."""
        return all(
            float(m.low) > 0 for m in (self.over_random, self.under_random, self.over_reverse)
        )


def deletion_test(plan: CoalitionPlan, v: Tensor) -> DeletionTest:
    """Learn the order on the odd repetitions and test it on the even ones.

    Args:
        plan: an exact plan, or one extended by `with_orders(learnt_order(...)[None])`.
        v: (m, n) values of all its coalitions, with at least 4 repetitions.

    Raises:
        UsageError: there are too few repetitions, or a coalition was not played.
    """
    if v.shape[1] < 4:
        raise UsageError(
            f"{v.shape[1]} repetitions are too few for a deletion test", fix="use 4 or more"
        )
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
        means(area - left),  # inserting in reverse order meets the same coalitions as deletion
    )


def _along_chain(plan: CoalitionPlan, v: Tensor, chain: Tensor) -> Tensor:
    """Return (n, k + 1) the values of a chain of coalitions."""
    rows = plan.rows(chain)
    if bool((rows < 0).any()):
        raise UsageError(
            "coalitions along this order were not played", fix="extend the plan by `with_orders`"
        )
    return v[rows].T


def _exact(k: int) -> CoalitionPlan:
    numbers = torch.arange(2**k)
    coalitions = (numbers[:, None] >> torch.arange(k)) & 1 == 1
    size = coalitions.sum(1)
    # A coalition of s others that i joins has the weight s! (k - s - 1)! / k! for i.
    joined = torch.tensor([1 / (k * math.comb(k - 1, s)) for s in range(k)], dtype=torch.float64)
    gain, loss = joined[(size - 1).clamp(min=0)], joined[size.clamp(max=k - 1)]
    weights = torch.where(coalitions, gain[:, None], -loss[:, None]).T
    by_size = (size == torch.arange(k + 1)[:, None]).double()
    by_size /= by_size.sum(1, keepdim=True)
    order = torch.cat([numbers[:1], numbers[-1:], numbers[1:-1]])
    return CoalitionPlan(coalitions[order], weights[:, order], by_size[:, order], True)


def _along(orders: Tensor) -> CoalitionPlan:
    """Return the plan of some orders, with every coalition that they meet once."""
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
    """Return (p, k + 1, k) the coalitions when players are added one by one in orders (p, k)."""
    place = orders.argsort(1)  # (p, k) the position of each player
    return place[:, None, :] < torch.arange(orders.shape[1] + 1)[None, :, None]
