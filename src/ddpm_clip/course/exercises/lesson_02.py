"""Exercises of lesson 02: noise levels, the jump, the step back, the chain."""

from collections.abc import Callable

import torch
from torch import Tensor

from ddpm_clip.course.exercises.given.cases import betas, normal, of_each
from ddpm_clip.course.grading import Case, Exercise, Finding, Mistake
from ddpm_clip.course.grading.exercise import Answer
from ddpm_clip.diffusion.schedules import NoiseSchedule
from ddpm_clip.models.ddpm import DDPM


def _levels_truth(betas: Tensor) -> tuple[Tensor, Tensor]:
    schedule = NoiseSchedule.from_betas(betas)
    return schedule.alpha, schedule.sigma


def _levels_cases(seed: int) -> list[Case]:
    drawn = normal(seed, 7).sigmoid() * 0.5 + 1e-3
    return [(betas(),), (drawn,), (torch.tensor([0.3]),)]


def _alpha_bar(betas: Tensor) -> Tensor:
    return (1 - betas).cumprod(0)


LEVELS = Exercise(
    id="2.1",
    name="levels",
    parameters=("betas",),
    question="Return alpha and sigma of every timestep, from the betas (T,).",
    truth=_levels_truth,
    cases=_levels_cases,
    mistakes=(
        Mistake(
            "root forgotten",
            lambda betas: (_alpha_bar(betas), 1 - _alpha_bar(betas)),
            "These are the shares of variance. Amplitudes are their square roots.",
        ),
        Mistake(
            "betas summed instead of multiplied",
            lambda betas: ((1 - betas.cumsum(0)).sqrt(), betas.cumsum(0).sqrt()),
            "Each step keeps a share of what is left, so the shares multiply.",
        ),
        Mistake(
            "product of the betas",
            lambda betas: ((1 - betas.cumprod(0)).sqrt(), betas.cumprod(0).sqrt()),
            "beta is what a step replaces by noise. What it keeps is the rest.",
        ),
        Mistake(
            "alpha of one step",
            lambda betas: ((1 - betas).sqrt(), betas.sqrt()),
            "This is the level after one step alone; the steps before count as well.",
        ),
    ),
    hints=(
        "One step keeps the share 1 - beta of the variance. What is left after two steps?",
        "There is a function of tensors for products that accumulate.",
        "alpha and sigma are amplitudes, and their squares add up to 1.",
    ),
    explanation=(
        "Step t keeps 1 - beta_t of the variance of what it gets; t steps keep the product, "
        "alpha-bar (Ho et al. 2020, eq. 4). The rest is noise. alpha and sigma are the roots."
    ),
)


def _q_truth(x_0: Tensor, t: Tensor, eps: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    return DDPM(NoiseSchedule(alpha, sigma)).q(x_0, t, eps)[0]


def _q_cases(seed: int) -> list[Case]:
    schedule = NoiseSchedule.from_betas(betas())
    alpha, sigma = schedule.alpha.float(), schedule.sigma.float()
    # batch equals width in the first case: levels without a view are spread over the columns there
    shapes = ((4, 1, 4, 4), (3, 3, 8, 8), (1, 1, 5, 5))
    found: list[Case] = []
    for i, shape in enumerate(shapes):
        t = torch.tensor([100, 3, 149, 0])[: shape[0]]
        found.append((normal(seed + i, *shape), t, normal(seed + 5 + i, *shape), alpha, sigma))
    return found


def _q_with(alpha_of: Answer, sigma_of: Answer) -> Answer:
    return lambda x_0, t, eps, alpha, sigma: alpha_of(alpha, t) * x_0 + sigma_of(sigma, t) * eps


JUMP = Exercise(
    id="2.2",
    name="q",
    parameters=("x_0", "t", "eps", "alpha", "sigma"),
    question="Noise each picture of a batch to its own timestep in one jump.",
    truth=_q_truth,
    cases=_q_cases,
    mistakes=(
        Mistake(
            "levels spread over the columns (no view)",
            _q_with(lambda level, t: level[t], lambda level, t: level[t]),
            "level[t] has the shape (b,). Against (b, c, h, w) torch lines it up with the columns, "
            "and where b equals the width it does so without an error.",
        ),
        Mistake(
            "first timestep for all",
            _q_with(lambda level, t: level[t[0]], lambda level, t: level[t[0]]),
            "Every picture of the batch has a timestep of its own.",
        ),
        Mistake(
            "sigma squared",
            _q_with(of_each, lambda level, t: of_each(level, t) ** 2),
            "sigma is the amplitude of the noise, its square the variance.",
        ),
        Mistake(
            "alpha squared",
            _q_with(lambda level, t: of_each(level, t) ** 2, of_each),
            "alpha is the amplitude of the picture; alpha-bar is its square.",
        ),
        Mistake(
            "alpha and sigma swapped",
            lambda x_0, t, eps, alpha, sigma: of_each(sigma, t) * x_0 + of_each(alpha, t) * eps,
            "At t = 0 the picture should be almost clean.",
        ),
    ),
    hints=(
        "x_t is a weighted sum of the picture and the noise (Ho et al. 2020, eq. 4).",
        "Print the shape of alpha[t], and that of x_0. How does torch line them up?",
        "The level needs three more dimensions of size 1, behind the first.",
    ),
    explanation=(
        "The sum of Gaussian steps is Gaussian, so one jump equals t steps. The levels (b,) need "
        "the shape (b, 1, 1, 1): otherwise torch lines them up with the columns of the pictures."
    ),
)


def _back_truth(x_t: Tensor, eps_hat: Tensor, t: int, betas: Tensor, z: Tensor) -> Tensor:
    return DDPM(betas).reverse_q(x_t, t, eps_hat, noise=z)


def _back_cases(seed: int) -> list[Case]:
    found: list[Case] = []
    for t in (40, 0, 1, 149):
        x_t, eps_hat, z = (normal(seed + t + i, 2, 1, 4, 4).double() for i in range(3))
        found.append((x_t, eps_hat, t, betas().double(), z))  # 1 - alpha-bar is tiny at t = 0
    return found


def _step_back(
    *,
    noise_at_0: bool = False,
    before: bool = False,
    bar: bool = False,
    sign: int = 1,
    spread_of: Callable[[Tensor, int], Tensor] | None = None,
):
    """Return a step back with one mistake."""

    def step(x_t: Tensor, eps_hat: Tensor, t: int, betas: Tensor, z: Tensor) -> Tensor:
        beta = betas[t - 1] if before else betas[t]
        alpha_bar = _alpha_bar(betas)[t]
        root = alpha_bar.sqrt() if bar else (1 - beta).sqrt()
        mean = (x_t - sign * beta / (1 - alpha_bar).sqrt() * eps_hat) / root
        spread = beta.sqrt() if spread_of is None else spread_of(betas, t)
        return mean + spread * z if t > 0 or noise_at_0 else mean

    return step


def _posterior_spread(betas: Tensor, t: int) -> Tensor:
    alpha_bar = _alpha_bar(betas)
    return (betas[t] * (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])).sqrt()


STEP_BACK = Exercise(
    id="2.3",
    name="step_back",
    parameters=("x_t", "eps_hat", "t", "betas", "z"),
    question=(
        "Go from timestep t to t - 1, given the predicted noise and fresh noise z, to which this "
        "step gives the variance betas[t]."
    ),
    truth=_back_truth,
    cases=_back_cases,
    mistakes=(
        Mistake(
            "noise at t = 0",
            _step_back(noise_at_0=True),
            "After the step from t = 0 the picture is finished; noise would stay in it.",
        ),
        Mistake(
            "beta of the step before",
            _step_back(before=True),
            "betas[t] belongs to the step that leads to x_t, which is the one to be undone.",
        ),
        Mistake(
            "alpha-bar in the root",
            _step_back(bar=True),
            "One step is undone, not all of them: divide by what one step kept.",
        ),
        Mistake(
            "beta as the standard deviation",
            _step_back(spread_of=lambda betas, t: betas[t]),
            "betas[t] is a variance; z is multiplied with its root.",
        ),
        Mistake(
            "variance of the posterior",
            _step_back(spread_of=_posterior_spread),
            "The posterior's variance is a good choice as well, but here it is betas[t].",
        ),
        Mistake(
            "sign of the noise",
            _step_back(sign=-1),
            "The predicted noise is taken out of the picture.",
        ),
    ),
    tolerance=1e-4,
    hints=(
        "Ho et al. 2020, algorithm 2: take a share of the predicted noise out, scale up, add z.",
        "The share of noise is beta_t over sigma_t; then divide by what one step kept.",
        "The last step adds nothing. In all others, z gets the variance beta_t.",
    ),
    explanation=(
        "The mean is (x_t - beta_t / sigma_t eps) / sqrt(1 - beta_t) (Ho et al. 2020, eq. 11), and "
        "the variance of the fresh noise is beta_t. At t = 0 no noise is added."
    ),
)


def _chain_truth(x_0: Tensor, betas: Tensor, noises: Tensor) -> Tensor:
    x = x_0.double()
    for beta, noise in zip(betas.double(), noises.double(), strict=True):
        x = (1 - beta).sqrt() * x + beta.sqrt() * noise
    return x.to(x_0.dtype)


def _chain_cases(seed: int) -> list[Case]:
    shape = (2, 1, 4, 4)
    some = torch.tensor([0.01, 0.2, 0.05, 0.4])
    return [
        (normal(seed, *shape), some, normal(seed + 1, 4, *shape)),
        (normal(seed + 2, *shape), some[:1], normal(seed + 3, 1, *shape)),
    ]


def _chain_keeps_variance(answer: Answer) -> Finding:
    x, steps = normal(4, 20_000), 60
    made = float(answer(x, torch.full((steps,), 0.03), normal(5, steps, 20_000)).var())
    hint = "Each step has to shrink the picture a little before it adds noise."
    got = f"variance grows to {made:.2f}" if made > 1 else f"variance falls to {made:.2f}"
    told = "variance 1 after 60 steps"
    return Finding("variance kept", abs(made - 1) < 0.1, told, got, hint)


def _chain(keep: Answer, add: Answer, order: int = 1, one: bool = False) -> Answer:
    """Return the chain with other factors or another order."""

    def walk(x_0: Tensor, betas: Tensor, noises: Tensor) -> Tensor:
        x = x_0
        for i in range(len(betas))[::order]:
            x = keep(betas[i]) * x + add(betas[i]) * noises[0 if one else i]
        return x

    return walk


CHAIN = Exercise(
    id="2.4",
    name="chain",
    parameters=("x_0", "betas", "noises"),
    question="Walk the forward chain step by step: one beta and one noise a step.",
    truth=_chain_truth,
    cases=_chain_cases,
    properties=(_chain_keeps_variance,),
    mistakes=(
        Mistake(
            "steps in reversed order",
            _chain(lambda b: (1 - b).sqrt(), lambda b: b.sqrt(), order=-1),
            "The first beta belongs to the first step.",
        ),
        Mistake(
            "one noise for all steps",
            _chain(lambda b: (1 - b).sqrt(), lambda b: b.sqrt(), one=True),
            "Each step has a noise of its own: noises[i].",
        ),
    ),
    hints=(
        "q(x_t | x_{t-1}) is a Gaussian: what are its mean and its variance?",
        "Its mean is the last picture, shrunk; its variance is beta.",
        "Factors are square roots of variances: of 1 - beta, and of beta.",
    ),
    explanation=(
        "Each step keeps the share 1 - beta of the variance and puts beta of noise in its place, "
        "so the variance stays 1. Without shrinking, the variance would grow without end."
    ),
)

EXERCISES = (LEVELS, JUMP, STEP_BACK, CHAIN)
