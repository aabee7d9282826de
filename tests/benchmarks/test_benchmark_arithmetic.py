"""What the benchmarks compute from what they measure: exact, and able to say that a bar fails."""

import importlib
import math
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))


def test_arms_take_turns_and_every_other_round_goes_backwards():
    timing, order = importlib.import_module("timing"), []
    arms = {name: lambda name=name: order.append(name) for name in "abc"}
    found = timing.side_by_side(arms, 3, warm_up=1)
    assert "".join(order) == "abc" + "abc" + "cba" + "abc"
    assert [len(one.seconds) for one in found.values()] == [3, 3, 3]


def test_a_ratio_is_taken_round_by_round():
    timing = importlib.import_module("timing")
    slow, fast = timing.Timing((2.0, 4.0, 9.0)), timing.Timing((1.0, 1.0, 3.0))
    found = timing.ratio(timing.rates(fast, 10), timing.rates(slow, 10))
    assert (found.median, found.low, found.high) == (3.0, 2.0, 4.0)


def test_the_stopwatch_stands_while_it_is_paused():
    timing = importlib.import_module("timing")
    now = [100.0]
    watch = timing.Stopwatch(spent=5.0, clock=lambda: now[0])
    now[0] += 10
    with watch.paused():
        now[0] += 1000
        assert watch.seconds == 15
    now[0] += 1
    assert watch.seconds == 16


def test_a_claim_holds_on_the_right_side_of_its_bar_only():
    reporting = importlib.import_module("reporting")
    assert reporting.claim("a", 0.5, 0.5)["holds"]
    assert not reporting.claim("a", 0.49, 0.5)["holds"]
    assert reporting.claim("a", 5.9, 6, at_most=True, unit="s")["holds"]
    assert not reporting.claim("a", 6.1, 6, at_most=True, unit="s")["holds"]
    assert not reporting.claim("a", None, 8, at_most=True, unit="minutes")["holds"]


def test_the_units_of_a_processor_are_read_from_its_flags(tmp_path):
    reporting = importlib.import_module("reporting")
    (tmp_path / "cpuinfo").write_text("model name\t: a cpu\nflags\t\t: fpu avx2 avx512_bf16x\n")
    assert reporting.cpu_features(tmp_path / "cpuinfo") == ["avx2"]
    assert reporting.cpu_features(tmp_path / "nowhere") == []


def test_the_paired_interval_is_newcombes():
    paired = importlib.import_module("paired")
    known = paired.Paired(36, 12, 2, 0)  # method 10 of Newcombe (1998)
    assert known.interval == pytest.approx((0.0569, 0.3404), abs=5e-5)
    assert known.p_value == pytest.approx(2 * (1 + 14 + 91) / 2**14)
    none = paired.Paired(320, 0, 0, 0)
    assert none.interval[0] < 0 < none.interval[1]
    assert paired.Paired.of([True, True, False], [True, False, False]) == paired.Paired(1, 1, 0, 1)


def test_flops_of_a_convolution_are_exact_forward_and_backward():
    counting = importlib.import_module("counting")
    x, w = torch.randn(2, 8, 6, 6, requires_grad=True), torch.randn(16, 8, 3, 3, requires_grad=True)
    with counting.Counter() as counted:
        F.conv2d(x, w, padding=1).sum().backward()
    one = 2 * 2 * 16 * 8 * 9 * 36
    flops = {call.name: call.flops for call in counted.convolutions()}
    assert flops == {"convolution": one, "convolution_backward": 2 * one}
    forward = next(counted.convolutions())
    assert forward.bytes == 4 * (x.numel() + w.numel() + 2 * 16 * 36)
    assert forward.replay()().shape == (2, 16, 6, 6)


def test_the_gradient_of_a_picture_that_needs_none_is_not_counted():
    counting = importlib.import_module("counting")
    x, w = torch.randn(2, 8, 6, 6), torch.randn(16, 8, 3, 3, requires_grad=True)
    with counting.Counter() as counted:
        F.conv2d(x, w, padding=1).sum().backward()
    forward, backward = counted.convolutions()
    assert backward.flops == forward.flops


def test_views_move_nothing_and_additions_three_tensors():
    counting = importlib.import_module("counting")
    x = torch.randn(10, 10)
    with counting.Counter() as counted:
        y = x.view(100).chunk(2)[0]
        _ = y + y.detach()
    assert [call.bytes for call in counted.calls if call.name != "add"] == [0] * 3
    assert counted.calls[-1].bytes == 3 * 50 * 4
    assert counted.groups()["other element-wise work"].flops == 0


def test_a_peer_without_its_needless_imports_leaves_no_stand_in_behind():
    peers = importlib.import_module("peers")
    before = {name: sys.modules.get(name) for name in peers.STAND_INS}
    with peers._stand_ins():
        torchvision = importlib.import_module("torchvision")
        assert torchvision.transforms
    assert {name: sys.modules.get(name) for name in peers.STAND_INS} == before
    assert "torchvision" not in sys.modules


def test_an_absent_peer_says_what_is_to_be_installed(monkeypatch):
    peers = importlib.import_module("peers")
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(peers.NotInstalled, match="pip install diffusers"):
        peers.diffusers_unet()


def test_a_step_of_a_peer_trains_it():
    peers = importlib.import_module("peers")

    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x, t):
            return self.conv(x)

    step = peers.PeerStep(Tiny(), "float32, channels_last", 2, size=8)
    before = step.trained.conv.weight.detach().clone()
    step()
    assert not torch.equal(step.trained.conv.weight, before)
    assert step.trained.conv.weight.grad is None


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [1_500_000, 2_607_681, 3_939_393])
def test_our_network_can_be_made_as_large_as_a_peer(parameters):
    ours = importlib.import_module("ours")
    config = ours.scaled_to(ours.recipe("digits", {"data.image_size": 32}), parameters)
    assert ours.parameters_of(ours._sketched(config)) == pytest.approx(parameters, rel=0.1)


@pytest.mark.slow
def test_our_side_of_a_comparison_is_the_training_itself():
    ours = importlib.import_module("ours")
    config = ours.recipe("smoke", {"data.channels": 1})
    with ours.training(config, 32) as steps:
        found = [next(steps) for _ in range(2)]
    assert [one.step for one in found] == [1, 2]
    assert math.isfinite(found[-1].loss)


def test_minutes_to_a_share_are_those_of_the_first_point_that_reaches_it():
    quality = importlib.import_module("time_to_quality")

    def curve(*points):
        return {"points": [{"minutes": m, "share": s} for m, s in points]}

    some = [curve((3, 0.5), (5, 0.96), (8, 0.94)), curve((3, 0.97)), curve((3, 0.2))]
    assert [quality.minutes_to(one, 0.95) for one in some] == [5, 3, None]
    assert quality.median_minutes(some, 0.95) == 5
    assert quality.median_minutes(some[::2], 0.95) is None


def test_the_peers_rate_warms_up_and_falls_to_nothing():
    students = importlib.import_module("students")
    rates = [students.cosine_rate(step, 2000) for step in (0, 250, 500, 1250, 2000, 3000)]
    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0, 0])
