import pytest
import torch

from ddpm_clip.explain.inversions.interpolations import (
    Interpolation,
    between_noises,
    between_prompts,
    noises,
)
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.utils.generators import finish


def way_of(first, second):
    """A way whose judge gives classes 0 and 1 these probabilities, frame by frame."""
    probs = torch.tensor([first, second]).T[None].double()
    shares = [i / (len(first) - 1) for i in range(len(first))]
    return Interpolation(shares, torch.zeros(1, len(first), 1, 1, 1), probs)


def test_ends_are_the_plain_pictures():
    target, seeds = planted_target("a two"), [3, 4]
    way = finish(between_prompts(target, "a seven", 3, seeds, 10))
    first = finish(target.pictures(target.conditions(seeds=seeds), seeds, steps=10))
    last = finish(target.pictures(target.conditions("a seven", seeds), seeds, steps=10))
    torch.testing.assert_close(way.x[:, 0], first, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(way.x[:, 2], last, atol=1e-6, rtol=1e-6)


def test_between_two_equal_modes_the_class_changes_once_in_the_middle():
    """On the arc the two weights are equal at one half, where the mixture has no preference."""
    target = planted_target("a two")
    way = finish(between_prompts(target, "a seven", 11, list(range(12)), 12))
    assert way.crossings(2, 7).tolist() == [1] * 12
    at = way.crossed_at(2, 7)
    assert at.mean().item() == pytest.approx(0.5, abs=0.05)
    assert at.min() > 0.3
    assert at.max() < 0.7
    assert way.seen(2)[:, :3].all()
    assert way.seen(7)[:, -3:].all()


def test_changes_are_counted_and_placed():
    once = way_of([0.9, 0.8, 0.2, 0.1, 0.1], [0.1, 0.2, 0.8, 0.9, 0.9])
    assert once.crossings(0, 1).tolist() == [1]
    assert once.crossed_at(0, 1).item() == pytest.approx(0.375)  # between frames 1 and 2, halfway
    thrice = way_of([0.9, 0.1, 0.9, 0.1], [0.1, 0.9, 0.1, 0.9])
    assert thrice.crossings(0, 1).tolist() == [3]
    never = way_of([0.9, 0.8], [0.1, 0.2])
    assert never.crossings(0, 1).tolist() == [0]
    assert never.crossed_at(0, 1).isnan().all()


def test_an_arc_between_noises_keeps_their_length_and_a_line_does_not():
    target, shares = planted_target(), [0.0, 0.25, 0.5, 1.0]
    arc = noises(target, (5, 6), shares, False).flatten(1).norm(dim=1)
    wanted = torch.lerp(arc[0], arc[-1], torch.tensor(shares))
    torch.testing.assert_close(arc, wanted, rtol=1e-5, atol=0)
    line = noises(target, (5, 6), shares, True).flatten(1).norm(dim=1)
    assert line[2] / arc[2] == pytest.approx(0.5**0.5, abs=0.1)


def test_between_noises_the_prompt_is_kept():
    target = planted_target("a two")
    way = finish(between_noises(target, [(0, 1), (2, 3)], 5, 10))
    assert way.x.shape[:2] == (2, 5)
    assert way.seen(2).all()
    start = finish(
        target.pictures(target.conditions(seeds=[0, 2]), [0, 2], steps=10, sampler="ddim")
    )
    torch.testing.assert_close(way.x[:, 0], start, atol=1e-5, rtol=1e-5)


def test_without_a_judge_there_are_pictures_and_no_probabilities():
    bare = planted_target("a two").replace(judging=None)
    assert finish(between_noises(bare, [(0, 1)], 3, 4)).probs.shape == (1, 3, 0)
