"""Rung by rung the samplers equal the schedulers of diffusers, on a fixed random network."""

import pytest
import torch
from torch.nn import functional as F

from ddpm_clip.diffusion.parameterization import PARAMETERIZATIONS
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import SCHEDULES
from ddpm_clip.types import Prediction

diffusers = pytest.importorskip("diffusers")
THEIRS = "ignore:__array__ implementation:DeprecationWarning"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(THEIRS)]

T = 1000
SCHEDULE = SCHEDULES["linear"](T)
EVEN_ROWS = list(range(T - 1, -1, -100))  # 999, 899, … 99: the spacing that DDIMScheduler assumes
UNEVEN_ROWS = [999, 900, 777, 600, 500, 321, 200, 90, 40, 11, 3, 0]
KIND = {"eps": "epsilon", "v": "v_prediction", "x_0": "sample"}
SHAPE = (2, 3, 8, 8)
KERNEL = 0.2 * torch.randn(3, 3, 3, 3, generator=torch.Generator().manual_seed(7))


def network(x, t, parameterization):
    """Something smooth and bounded of picture and row: its velocity, or what follows from it."""
    v = torch.tanh(F.conv2d(x, KERNEL, padding=1) + 0.001 * float(t))
    eps, x_0 = PARAMETERIZATIONS["v"].read(v, x, *SCHEDULE.at(float(t)))
    return {"eps": eps, "x_0": x_0, "v": v}[parameterization]


def ours(name, parameterization, rows, noises, **options):
    read = PARAMETERIZATIONS[parameterization].read

    def predict(x, t):
        return Prediction(*read(network(x, t, parameterization), x, *SCHEDULE.at(t)))

    walk = SAMPLERS[name](predict, SCHEDULE, rows, noises[-1], lambda i: noises[i], **options)
    return [step.x_prev for step in walk]


def scheduler_of(name, parameterization, **options):
    scheduler = getattr(diffusers, name)(
        num_train_timesteps=T, prediction_type=KIND[parameterization], **options
    )
    # Theirs is a float32 table, which 1 - alpha_bar spoils; the table is not what is compared here.
    scheduler.alphas_cumprod = SCHEDULE.alpha**2
    return scheduler


@pytest.fixture
def noises():
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(SHAPE, generator=generator) for _ in range(len(UNEVEN_ROWS) + 1)]


def assert_same(mine, theirs):
    assert len(mine) == len(theirs)
    for i, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        assert (one - other).abs().max() < 1e-4, f"rung {i}"


@pytest.mark.parametrize("parameterization", KIND)
@pytest.mark.parametrize(
    ("variance", "kind"), [("beta", "fixed_large"), ("posterior", "fixed_small")]
)
def test_ddpm_equals_the_ddpm_scheduler(parameterization, variance, kind, noises, monkeypatch):
    scheduler = scheduler_of(
        "DDPMScheduler", parameterization, variance_type=kind, clip_sample=False
    )
    scheduler.set_timesteps(timesteps=UNEVEN_ROWS)
    module = __import__("diffusers.schedulers.scheduling_ddpm", fromlist=["randn_tensor"])
    x, theirs = noises[-1], []
    for i, t in enumerate(scheduler.timesteps):
        monkeypatch.setattr(module, "randn_tensor", lambda *a, i=i, **k: noises[i])
        x = scheduler.step(network(x, t, parameterization), t, x).prev_sample
        theirs.append(x)
    assert_same(ours("ddpm", parameterization, UNEVEN_ROWS, noises, variance=variance), theirs)


@pytest.mark.parametrize("parameterization", KIND)
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim_equals_the_ddim_scheduler(parameterization, eta, noises):
    scheduler = scheduler_of("DDIMScheduler", parameterization, clip_sample=False)
    scheduler.set_timesteps(len(EVEN_ROWS))
    x, theirs = noises[-1], []
    for i, t in enumerate(EVEN_ROWS):
        said = network(x, t, parameterization)
        fresh = noises[i] if eta else None
        x = scheduler.step(said, t, x, eta=eta, variance_noise=fresh).prev_sample
        theirs.append(x)
    assert_same(ours("ddim", parameterization, EVEN_ROWS, noises, eta=eta), theirs)


@pytest.mark.parametrize("parameterization", KIND)
@pytest.mark.parametrize(
    ("name", "kind"), [("dpmpp_2m", "dpmsolver++"), ("dpmpp_2m_sde", "sde-dpmsolver++")]
)
def test_dpmpp_equals_the_multistep_scheduler(parameterization, name, kind, noises):
    scheduler = scheduler_of(
        "DPMSolverMultistepScheduler",
        parameterization,
        algorithm_type=kind,
        solver_order=2,
        solver_type="midpoint",
        lower_order_final=True,
        final_sigmas_type="zero",
    )
    scheduler.set_timesteps(timesteps=UNEVEN_ROWS)
    x, theirs = noises[-1], []
    for i, t in enumerate(scheduler.timesteps):
        x = scheduler.step(
            network(x, t, parameterization), t, x, variance_noise=noises[i]
        ).prev_sample
        theirs.append(x)
    assert_same(ours(name, parameterization, UNEVEN_ROWS, noises), theirs)


@pytest.mark.parametrize("parameterization", ["eps", "v"])  # their "sample" mode divides otherwise
def test_heun_equals_the_heun_scheduler(parameterization, noises):
    scheduler = scheduler_of("HeunDiscreteScheduler", parameterization)
    scheduler.set_timesteps(timesteps=UNEVEN_ROWS)
    y = noises[-1] / SCHEDULE.at(float(UNEVEN_ROWS[0]))[0]  # they walk in y = x / alpha
    halves = []
    for t in scheduler.timesteps:
        said = network(scheduler.scale_model_input(y, t), t, parameterization)
        y = scheduler.step(said, t, y).prev_sample
        halves.append(y)
    after = [SCHEDULE.at(float(row))[0] for row in UNEVEN_ROWS[1:]] + [1.0]
    whole = [*halves[1::2], halves[-1]]  # every second half, and the last rung, which has no second
    theirs = [alpha * y for alpha, y in zip(after, whole, strict=True)]
    assert_same(ours("heun", parameterization, UNEVEN_ROWS, noises), theirs)
