"""Guidance asks as little as it can, adds up as it says, and keeps pictures in range."""

import pytest
import torch
from exact import ExactDenoiser, Gaussian, Mixture, end_of, seeded_noise

from ddpm_clip.config.schema import GenerationConfig
from ddpm_clip.diffusion.guidance import CLAMPS, Guidance, dynamic_clamp, guided
from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.errors import UsageError

SCHEDULE = SCHEDULES["cosine"](1000)
V = PARAMETERIZATIONS["v"]
ROW = 600.0


class Counting:
    """A smooth network that remembers how it was asked: (rows of the batch, rows shown)."""

    def __init__(self):
        self.asked = []

    def __call__(self, x_t, t, c, c_mask):
        self.asked.append((len(x_t), int(c_mask.sum())))
        note = torch.where(c_mask > 0.5, c, torch.full_like(c, 0.3)).sum(1).view(-1, 1, 1, 1)
        return torch.tanh(0.7 * x_t + note + 0.001 * t.view(-1, 1, 1, 1))


@pytest.fixture
def network():
    return Counting()


@pytest.fixture
def x_t():
    return torch.randn(4, 1, 5, 5, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def c():
    return torch.randn(4, 3, generator=torch.Generator().manual_seed(1))


def x_0_of(network, x_t, c, guidance, c_neg=None, t=ROW):
    return guided(network, SCHEDULE, V, c, guidance, c_neg)(x_t, t).x_0


def branch(network, x_t, c, shown, t=ROW):
    """x_0 of one branch, asked alone."""
    mask = torch.full((len(x_t), 1), float(shown))
    said = network(x_t, torch.full((len(x_t),), t), c, mask)
    return V.read(said, x_t, *SCHEDULE.at(t))[1]


@pytest.mark.parametrize("scale", [1.0, torch.ones(4)], ids=["number", "tensor"])
def test_scale_1_is_exactly_the_conditional_prediction_in_one_branch(network, x_t, c, scale):
    x_0 = x_0_of(network, x_t, c, Guidance(scale))
    assert network.asked == [(4, 4)]
    assert torch.equal(x_0, branch(network, x_t, c, True))


def test_scale_0_is_exactly_the_unconditional_prediction_in_one_branch(network, x_t, c):
    x_0 = x_0_of(network, x_t, c, Guidance(0.0))
    assert network.asked == [(4, 0)]
    assert torch.equal(x_0, branch(network, x_t, c, False))


@pytest.mark.parametrize("scale", [-2.0, 0.5, 2.0, 4.0])
def test_both_branches_in_one_call_equal_two_calls(network, x_t, c, scale):
    x_0 = x_0_of(network, x_t, c, Guidance(scale))
    assert network.asked == [(8, 4)], "one batched call"
    cond, uncond = branch(network, x_t, c, True), branch(network, x_t, c, False)
    assert torch.allclose(x_0, uncond + scale * (cond - uncond), atol=1e-5)


def test_both_branches_stand_beside_the_guided_prediction(network, x_t, c):
    pred = guided(network, SCHEDULE, V, c, Guidance(3.0))(x_t, ROW)
    assert torch.allclose(pred.x_0_cond, branch(network, x_t, c, True), atol=1e-6)
    assert torch.allclose(pred.x_0_uncond, branch(network, x_t, c, False), atol=1e-6)


def test_the_seeds_weight_is_our_scale_less_one(network, x_t, c):
    w = 1.5
    cond, uncond = branch(network, x_t, c, True), branch(network, x_t, c, False)
    x_0 = x_0_of(network, x_t, c, Guidance(1 + w))
    assert torch.allclose(x_0, (1 + w) * cond - w * uncond, atol=1e-5)


def test_a_scale_a_picture_acts_on_that_picture_only(network, x_t, c):
    scales = torch.tensor([0.0, 1.0, 2.0, -1.0])
    together = x_0_of(network, x_t, c, Guidance(scales))
    for k, scale in enumerate(scales.tolist()):
        alone = x_0_of(network, x_t[k : k + 1], c[k : k + 1], Guidance(scale))
        assert torch.allclose(together[k], alone[0], atol=1e-5)


def test_a_negative_prompt_takes_the_place_of_the_null(network, x_t, c):
    c_neg = c.flip(0)
    x_0 = x_0_of(network, x_t, c, Guidance(2.0), c_neg)
    assert network.asked == [(8, 8)]
    cond, away = branch(network, x_t, c, True), branch(network, x_t, c_neg, True)
    assert torch.allclose(x_0, away + 2.0 * (cond - away), atol=1e-5)


def test_outside_the_interval_one_branch_runs_and_the_scale_counts_as_1(network, x_t, c):
    predict = guided(network, SCHEDULE, V, c, Guidance(3.0, interval=(0.15, 3.0)))
    for ratio, both in ((0.1, False), (0.16, True), (2.9, True), (3.5, False), (50.0, False)):
        t = SCHEDULE.timestep_of(torch.tensor([ratio])).item()
        network.asked.clear()
        x_0 = predict(x_t, t).x_0
        assert network.asked == [(8, 4) if both else (4, 4)], ratio
        cond, uncond = (branch(network, x_t, c, shown, t) for shown in (True, False))
        wanted = uncond + 3.0 * (cond - uncond) if both else cond
        assert torch.allclose(x_0, wanted, atol=1e-5), ratio


def test_the_interval_leaves_scales_below_1_alone(network, x_t, c):
    t = SCHEDULE.timestep_of(torch.tensor([50.0])).item()
    x_0 = x_0_of(network, x_t, c, Guidance(0.0, interval=(0.15, 3.0)), t=t)
    assert torch.equal(x_0, branch(network, x_t, c, False, t))


def test_the_interval_holds_its_upper_end_and_not_its_lower():
    guidance = Guidance(2.0, interval=(0.5, 3.0))
    assert [guidance.scales_at(ratio, 1).item() for ratio in (0.5, 0.50001, 3.0, 3.001)] == [
        1,
        2,
        2,
        1,
    ]


def test_the_noise_goes_with_the_guided_and_clamped_picture(network, x_t, c):
    alpha, sigma = SCHEDULE.at(ROW)
    for clamp in CLAMPS:
        for scale in (1.0, 6.0):
            pred = guided(network, SCHEDULE, V, c, Guidance(scale, clamp=clamp))(x_t, ROW)
            assert torch.allclose(alpha * pred.x_0 + sigma * pred.eps, x_t, atol=1e-5)


def test_the_static_clamp_cuts_and_the_dynamic_one_also_shrinks():
    x = torch.linspace(-3, 3, 200).view(1, 1, 10, 20)
    assert torch.equal(CLAMPS["static"](x), x.clamp(-1, 1))
    assert torch.equal(CLAMPS["none"](x), x)
    limit = x.abs().flatten().quantile(0.995)
    assert torch.allclose(dynamic_clamp(x), x.clamp(-limit, limit) / limit)


def test_the_dynamic_clamp_leaves_pictures_in_range_alone_and_treats_each_by_itself():
    calm = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)) - 0.5
    both = dynamic_clamp(torch.cat([calm, 4 * calm]))
    assert torch.equal(both[0], calm[0])
    assert both[1].abs().max() <= 1


def test_rescale_1_gives_the_guided_picture_the_spread_of_the_conditional_one(network, x_t, c):
    x_0 = x_0_of(network, x_t, c, Guidance(5.0, rescale=1.0))
    cond = branch(network, x_t, c, True)
    assert torch.allclose(x_0.flatten(1).std(1), cond.flatten(1).std(1), rtol=1e-4)


def test_rescale_mixes_linearly(network, x_t, c):
    none, half, full = (x_0_of(network, x_t, c, Guidance(5.0, rescale=phi)) for phi in (0, 0.5, 1))
    assert torch.allclose(half, (none + full) / 2, atol=1e-5)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), torch.tensor([1.0, float("nan")])])
def test_a_scale_that_is_no_number_is_refused(network, scale):
    x, c = torch.zeros(2, 1, 4, 4), torch.zeros(2, 3)
    with pytest.raises(UsageError, match="finite") as refused:
        x_0_of(network, x, c, Guidance(scale))
    assert refused.value.param == "guidance"


def test_an_unknown_clamp_is_refused_before_anything_is_asked(network, c):
    with pytest.raises(UsageError, match="did you mean 'static'"):
        guided(network, SCHEDULE, V, c, Guidance(clamp="statik"))


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_what_one_branch_predicts_is_clamped_as_well(x_t, c, scale):
    def far(x_t, t, c, c_mask):
        return 30 * x_t

    t = SCHEDULE.timestep_of(torch.tensor([3.0])).item()
    alpha, sigma = SCHEDULE.at(t)
    for clamp, limit in (("none", None), ("static", 1.0), ("dynamic", 1.0)):
        pred = guided(far, SCHEDULE, V, c, Guidance(scale, clamp=clamp))(x_t, t)
        largest = pred.x_0.abs().max().item()
        assert largest > 10 if limit is None else largest == pytest.approx(limit)
        assert torch.allclose(alpha * pred.x_0 + sigma * pred.eps, x_t, atol=1e-4)


# Saturation: eight classes of 4 x 4 pixels, overlapping, so that guidance has something to decide

GENERATOR = torch.Generator().manual_seed(0)
PATTERNS = 0.3 * torch.where(torch.rand(8, 1, 4, 4, generator=GENERATOR) < 0.5, 1.0, -1.0).double()
WIDTH = 0.3


def saturated(x):
    return (x.clamp(-1, 1).abs() > 0.99).double().mean().item()


def saturation(scale, **options):
    """Share of saturated pixels at a guidance scale, relative to that of real pictures."""
    classes = [Gaussian(pattern, WIDTH) for pattern in PATTERNS]
    everything = Mixture(PATTERNS, torch.full((8,), 1 / 8).double(), WIDTH)
    network = ExactDenoiser(classes, everything, SCHEDULE, (1, 4, 4))
    c = torch.eye(8)[:1].expand(2000, -1)
    predict = guided(network, SCHEDULE, V, c, Guidance(scale, **options))
    noise = seeded_noise((2000, 1, 4, 4))
    end = end_of(SAMPLERS["dpmpp_2m"](predict, SCHEDULE, SCHEDULE.walk(20), noise(-1), noise))
    real = PATTERNS[0] + WIDTH * seeded_noise((50_000, 1, 4, 4), seed=1)(0)
    return saturated(end) / saturated(real)


OWN = GenerationConfig()
DEFAULTS = {"interval": OWN.interval, "clamp": OWN.clamp, "rescale": OWN.rescale}
"""How pictures are painted where nothing else is asked, at the scale OWN.guidance."""


@pytest.mark.slow
def test_unguided_pictures_saturate_as_real_ones_do():
    assert saturation(1.0) == pytest.approx(1.0, abs=0.2)


@pytest.mark.slow
def test_the_default_settings_saturate_at_most_half_more_than_real_pictures():
    assert OWN.guidance == 2.0
    assert saturation(OWN.guidance, **DEFAULTS) <= 1.5


@pytest.mark.slow
def test_at_w_2_the_defaults_alone_saturate_more_and_a_rescale_brings_it_down():
    """What docs/maths.md says: two thirds more by default, and no more than real with a rescale."""
    assert saturation(3.0) == pytest.approx(2.0, abs=0.2)
    assert saturation(3.0, **DEFAULTS) == pytest.approx(1.65, abs=0.15)
    assert saturation(3.0, **DEFAULTS | {"rescale": 0.7}) <= 1.1


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"interval": (0.15, 1.0), "clamp": "static"}, {"rescale": 0.7}]
)
def test_protected_guidance_at_w_2_saturates_at_most_half_more_than_real_pictures(options):
    assert saturation(3.0, **options) <= 1.5


@pytest.mark.slow
def test_the_dynamic_clamp_saturates_less_than_the_static_one():
    dynamic = saturation(3.0, **DEFAULTS | {"clamp": "dynamic"})
    assert dynamic < saturation(3.0, **DEFAULTS) - 0.1
