import itertools
import math

import pytest
import torch

from ddpm_clip.errors import UsageError
from ddpm_clip.explain.maths.shapley import attribute, deletion_test, learnt_order, plan


def glove(coalitions):
    """Player 0 owns a left glove, 1 and 2 a right one each; a pair is worth 1."""
    left, right = coalitions[:, 0], coalitions[:, 1:].any(1)
    return (left & right).double()[:, None]


def game(seed, players, repetitions=1):
    """Any game at all: a random value for every coalition, by its bits."""
    table = torch.randn(2**players, repetitions, generator=torch.Generator().manual_seed(seed))
    return lambda coalitions: table[(coalitions.long() << torch.arange(players)).sum(1)].double()


def by_definition(v, players):
    """The mean over all orders of what each player adds when it comes."""
    values = torch.zeros(players, dtype=torch.float64)
    for order in itertools.permutations(range(players)):
        inside = torch.zeros(1, players, dtype=torch.bool)
        for player in order:
            before = v(inside).item()
            inside[0, player] = True
            values[player] += v(inside).item() - before
    return values / math.factorial(players)


def test_the_glove_game_has_its_known_values():
    todo = plan(3)
    values = attribute(todo, glove(todo.coalitions)).values[0]
    torch.testing.assert_close(values, torch.tensor([4 / 6, 1 / 6, 1 / 6], dtype=torch.float64))


@pytest.mark.parametrize("players", [1, 2, 5])
def test_exact_values_are_those_of_the_definition(players):
    todo, v = plan(players), game(players, players)
    found = attribute(todo, v(todo.coalitions))
    torch.testing.assert_close(found.values[0], by_definition(v, players))
    assert found.exact
    assert found.error < 1e-12


@pytest.mark.slow
def test_sampled_values_sum_exactly_and_come_near_the_exact_ones():
    players = 7
    v = game(3, players, repetitions=4)
    exact_plan, some = plan(players), plan(players, exact_up_to=2, pairs=2000)
    exact = attribute(exact_plan, v(exact_plan.coalitions))
    sampled = attribute(some, v(some.coalitions))
    assert not sampled.exact
    assert sampled.error < 1e-12
    assert (sampled.values - exact.values).abs().max() < 0.1


def test_antithetic_orders_are_exact_where_players_interact_in_pairs():
    players = 12
    generator = torch.Generator().manual_seed(0)
    alone = torch.randn(players, generator=generator, dtype=torch.float64)
    together = torch.randn(players, players, generator=generator, dtype=torch.float64).triu(1)
    todo = plan(players, pairs=1)
    s = todo.coalitions.double()
    v = (s @ alone + ((s @ together) * s).sum(1))[:, None]
    wanted = alone + (together + together.T).sum(1) / 2
    torch.testing.assert_close(attribute(todo, v).values[0], wanted)


@pytest.mark.parametrize("exact_up_to", [10, 1])
def test_random_orders_meet_each_size_on_average(exact_up_to):
    todo = plan(5, exact_up_to=exact_up_to)
    size = todo.coalitions.double().sum(1)
    torch.testing.assert_close(todo.by_size @ size, torch.arange(6).double())
    torch.testing.assert_close(todo.by_size.sum(1), torch.ones(6).double())
    assert not todo.coalitions[0].any()
    assert todo.coalitions[1].all()
    assert len(todo.coalitions.unique(dim=0)) == len(todo.coalitions)


def additive(coalitions, strengths, noise, seed, n=16):
    generator = torch.Generator().manual_seed(seed)
    each = strengths + noise * torch.randn(n, len(strengths), generator=generator)
    return coalitions.double() @ each.double().T


@pytest.mark.parametrize("exact_up_to", [10, 1])
def test_the_deletion_test_passes_where_players_differ(exact_up_to):
    todo = plan(5, exact_up_to=exact_up_to, pairs=3)
    strengths = torch.tensor([0.0, 3.0, 1.0, 0.2, 0.0])
    v = additive(todo.coalitions, strengths, 0.1, 0)
    order = learnt_order(attribute(todo, v))
    assert order[:3].tolist() == [1, 2, 3]
    grown = todo.with_orders(order[None])
    v = additive(grown.coalitions, strengths, 0.1, 0)
    test = deletion_test(grown, v)
    assert test.passed
    assert test.insertion[:, 1].mean() == pytest.approx(3, abs=0.2)
    assert test.deletion[:, 1].mean() == pytest.approx(1.2, abs=0.2)
    assert attribute(grown, v).error < 1e-12


@pytest.mark.slow
def test_the_deletion_test_rarely_passes_where_players_differ_by_chance_only():
    todo, passes = plan(5), 0
    for seed in range(200):
        v = additive(todo.coalitions, torch.full((5,), 0.5), 1.0, seed, n=12)
        passes += deletion_test(todo, v).passed
    assert passes <= 10


def test_a_random_order_lies_between_the_two_ways():
    todo = plan(4)
    v = additive(todo.coalitions, torch.tensor([4.0, 2.0, 1.0, 0.0]), 0.0, 0, n=4)
    test = deletion_test(todo, v)
    torch.testing.assert_close(test.random[0], torch.arange(5).double() * 7 / 4)
    assert test.insertion[0].tolist() == [0, 4, 6, 7, 7]
    assert test.deletion[0].tolist() == [7, 3, 1, 0, 0]


def test_what_was_not_played_is_not_made_up():
    todo = plan(12, pairs=1)
    v = additive(todo.coalitions, torch.arange(12.0), 0.1, 0)
    with pytest.raises(UsageError, match="not played"):
        deletion_test(todo, v)
    with pytest.raises(UsageError, match="too few"):
        deletion_test(plan(2), torch.zeros(4, 2))
    with pytest.raises(UsageError, match="coalitions"):
        attribute(plan(2), torch.zeros(3, 1))
    with pytest.raises(UsageError, match="players"):
        plan(0)
