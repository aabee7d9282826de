"""What students are taught, against the exact flow of a Gaussian whose walks are recorded."""

from dataclasses import replace

import pytest
import torch
from exact import Gaussian
from torch import nn

from ddpm_clip.diffusion.schedules import CLEAN, SCHEDULES
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.models.layers import zeroed
from ddpm_clip.training.distillation.features import Comparison
from ddpm_clip.training.distillation.methods import METHODS, Lesson, jumps
from ddpm_clip.training.distillation.walks import Walks

COSINE = SCHEDULES["cosine"](1000)
GAUSSIAN = Gaussian(0.5, 0.3)
KEPT = (80.0, 6.0, 1.0, 0.2)
SHAPE = (1, 1, 2)


def timesteps(levels):
    return COSINE.timestep_of(torch.tensor(levels, dtype=torch.float64)).tolist()


def walks(n=512):
    """Exact walks: states at `KEPT` and the clean picture."""
    x = torch.randn(n, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, *rest = timesteps(KEPT)
    x = x * GAUSSIAN.spread(*COSINE.at(first)) + COSINE.at(first)[0] * 0.5
    states = [x, *(GAUSSIAN.ode_map(COSINE, x, first, s) for s in (*rest, CLEAN))]
    return Walks(torch.stack(states, 1).float(), torch.zeros(n, 3), torch.ones(n), KEPT)


TAKEN = walks()


def lesson(student, levels=KEPT[:1], progress=0.9, walks=TAKEN, seed=0):
    ddpm = DDPM(COSINE, parameterization="x_0")
    draws = torch.Generator().manual_seed(seed)
    return Lesson(student, ddpm, walks, levels, progress, 0.4, Comparison(), draws)


def row_map(levels, to_clean=False):
    """A perfect student for jumps between `levels`: what it says for each row's own timestep."""
    from ddpm_clip.diffusion.jumps import jump_target

    ts = timesteps(levels)

    def student(x_t, t, c, c_mask, scale):
        out = torch.empty_like(x_t)
        for row, value in enumerate(t.tolist()):
            i = min(range(len(ts)), key=lambda k: abs(ts[k] - value))
            assert abs(ts[i] - value) < 0.01, "asked at a timestep that is not its own"
            s = CLEAN if to_clean or i + 1 == len(ts) else ts[i + 1]
            x = x_t[row].double()
            end = GAUSSIAN.ode_map(COSINE, x, ts[i], s)
            out[row] = jump_target(x, end, *COSINE.at(ts[i]), *COSINE.at(s)).float()
        return out

    return student


def denoiser(x_t, t, c, c_mask, scale):
    """The teacher, which says the mean."""
    alpha, sigma = COSINE.at(t.double())
    levels = (part.view(-1, 1, 1, 1).float() for part in (alpha, sigma))
    return GAUSSIAN.x_0(x_t, *levels)


@pytest.mark.slow
@pytest.mark.parametrize("levels", [KEPT[:1], (80.0, 1.0), KEPT])
def test_the_exact_jumps_have_no_loss_and_a_denoiser_has(levels):
    trajectory = METHODS["trajectory"]
    assert trajectory(lesson(row_map(levels), levels)).max() < 1e-4
    assert trajectory(lesson(denoiser, levels)).mean() > 0.02


@pytest.mark.slow
def test_at_first_the_jumps_are_between_all_kept_states():
    trajectory = METHODS["trajectory"]
    assert trajectory(lesson(row_map(KEPT), KEPT[:1], progress=0.1)).max() < 1e-4
    assert trajectory(lesson(row_map(KEPT), KEPT[:1], progress=0.1, seed=1)).shape == (512,)


def test_jumps_begin_at_the_nearest_kept_state():
    assert jumps(KEPT, [80.0, 1.0000001]) == [0, 2]


def test_consistency_begins_as_the_training_of_a_denoiser():
    seen = []

    def student(x_t, t, c, c_mask, scale):
        seen.append(torch.is_grad_enabled())
        return torch.zeros_like(x_t)

    low = lesson(student, levels=(0.3,), progress=0.0)
    loss = METHODS["consistency"](low)
    picture = low.walks.states[:, -1]
    # r = 0 for all of these levels: the target is the picture itself, and the weight 1 / t.
    expected = Comparison()(torch.zeros_like(picture), picture)
    weight = loss / expected
    assert weight.min() >= 1 / 0.3 * 0.999, "no level is above that of the call"
    assert (weight.log() + torch.tensor(0.3).log() < 1e-3).float().mean() > 0.4, "the call's own"
    assert seen == [False, True], "no gradient through the target"


class Affine(nn.Module):
    """The denoiser and a(t) x_t + b(t) more, which begins at 0; the flow of a Gaussian is that."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
        self.last = zeroed(nn.Linear(32, 2))

    def forward(self, x_t, t, c, c_mask, scale):
        alpha, sigma = COSINE.at(t.double())
        log = (sigma / alpha).log()
        known = torch.stack([log / 4, (log / 2).sin(), alpha, sigma], 1).float()
        a, b = self.last(self.net(known)).view(-1, 2, 1, 1, 1).unbind(1)
        return denoiser(x_t, t, c, c_mask, scale) + sigma.float().view(-1, 1, 1, 1) * (a * x_t + b)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_student_learns_the_gaussian_and_not_its_mean(method):
    torch.manual_seed(0)
    student, taken = Affine(), walks(512)
    optimizer = torch.optim.Adam(student.parameters(), 2e-3)
    for step in range(400):
        optimizer.param_groups[0]["lr"] = 2e-3 * (1 - step / 400)
        one = lesson(student, progress=step / 400, walks=taken, seed=step)
        optimizer.zero_grad()
        METHODS[method](one).mean().backward()
        optimizer.step()
    first = torch.full((len(taken),), timesteps(KEPT)[0])
    with torch.no_grad():
        x = student(taken.states[:, 0], first, None, None, None)
        mean = denoiser(taken.states[:, 0], first, None, None, None)
    assert x.mean().item() == pytest.approx(0.5, abs=0.05)
    assert x.std().item() == pytest.approx(0.3, abs=0.05)
    assert mean.std() < 0.01, "what a denoiser says in its place"


def test_scale_and_condition_reach_the_student():
    asked = []

    def student(x_t, t, c, c_mask, scale):
        asked.append((c, c_mask, scale))
        return torch.zeros_like(x_t)

    own = replace(walks(4), c=torch.arange(12.0).view(4, 3), scale=torch.tensor([1.0, 2.0, 3, 0]))
    METHODS["trajectory"](lesson(student, walks=own))
    (c, mask, scale), *_ = asked
    assert torch.equal(c, own.c)
    assert torch.equal(scale, own.scale)
    assert bool((mask == 1).all())
