import pytest
import torch
from torch import nn

from ddpm_clip.explain.prompt.bottleneck import Directions, bottleneck, directions, respond
from ddpm_clip.explain.prompt.lowest_level import tap_of
from ddpm_clip.explain.target.nulls import NULLS
from ddpm_clip.explain.target.planted import TILT, planted_target
from ddpm_clip.utils.generators import finish


class Bottomed(nn.Module):
    """The exact mixture as a network whose lowest map is the log-weights of its modes.

    So the words write exactly TILT c there, and adding it is the same as being asked.
    """

    def __init__(self, truth, used=True):
        super().__init__()
        self.truth, self.bottom, self.used = truth, nn.Identity(), used
        self.image_shape, self.c_embed_dim = truth.image_shape, truth.c_embed_dim

    def forward(self, x_t, t, c, c_mask):
        written = (TILT * c.double() * c_mask.double())[:, :, None, None]
        read = self.bottom(written)[:, :, 0, 0] / TILT
        return self.truth(x_t, t, read if self.used else c, torch.ones_like(c_mask))


def target(prompt="a two", used=True, **options):
    truth = planted_target(prompt, **options)
    return truth.replace(network=Bottomed(truth.network, used))


def test_the_direction_is_what_the_words_write():
    one = target()
    found, _ = finish(directions(one, tap_of(one), 6))
    wanted = torch.zeros(10, 1, 1, dtype=torch.float64)
    wanted[2] = TILT
    assert len(found.of) == 6
    for direction in found.of.values():
        torch.testing.assert_close(direction.double(), wanted)
    assert found.alike().min() == pytest.approx(1.0)


def test_dose_1_is_what_the_words_do_themselves():
    one = target("a seven")
    tap, seeds = tap_of(one), [40, 41, 42]
    found, _ = finish(directions(one, tap, 8))
    steered = finish(respond(one, tap, found, (0.0, 1.0), seeds, 8))
    asked = finish(one.pictures(one.conditions(seeds=seeds), seeds, scale=1.0, steps=8))
    torch.testing.assert_close(steered.x[:, 1], asked, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_the_planted_direction_passes_and_moves_the_class():
    found = bottleneck(target("a four"), quick=True)
    assert found.verdict == "pass", found.test
    assert float(found.numbers["seen"][-1]) == 1.0
    assert float(found.numbers["seen"][0]) < 0.5


@pytest.mark.slow
def test_a_lowest_map_that_is_not_used_fails():
    """The words are written there, but the picture does not come from there."""
    found = bottleneck(target("a four", used=False), quick=True)
    assert found.verdict == "fail"
    assert found.numbers["gain"]["mean"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("null", sorted(set(NULLS) - {"random_weights"}))  # it has no weights
def test_no_null_passes(null):
    assert bottleneck(NULLS[null](target("a six"), 3), quick=True).verdict != "pass"


@pytest.mark.slow
def test_a_network_with_random_weights_fails_or_says_nothing():
    found = bottleneck(NULLS["random_weights"](planted_target("a six", steps=6), 0), quick=True)
    assert found.verdict != "pass"


def test_what_cannot_be_looked_into_is_inconclusive():
    found = bottleneck(planted_target("a six", seeds=range(4)), quick=True)
    assert found.verdict == "inconclusive"
    assert "no inner map" in found.test


def test_a_direction_elsewhere_is_as_long_and_as_steady():
    generator = torch.Generator().manual_seed(0)
    rows = {float(t): torch.randn(24, 3, 3, generator=generator) for t in range(4)}
    found = Directions(rows, dict.fromkeys(rows, 1.0))
    elsewhere = found.elsewhere(1)
    torch.testing.assert_close(elsewhere.alike(), found.alike())
    for t, direction in found.of.items():
        assert elsewhere.of[t].norm().item() == pytest.approx(direction.norm().item(), rel=1e-6)
        assert (
            torch.cosine_similarity(elsewhere.of[t].flatten(), direction.flatten(), 0).abs() < 0.35
        )
