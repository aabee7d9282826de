"""Exercise of lesson 09: the denoiser that knows nothing but its training pictures."""

from torch import Tensor

from ddpm_clip.course.exact import IdealDenoiser
from ddpm_clip.course.exercises.given.cases import normal
from ddpm_clip.course.grading import Case, Exercise, Mistake


def _truth(x_t: Tensor, alpha: float, sigma: float, train: Tensor) -> Tensor:
    return IdealDenoiser(train).x_0(x_t, alpha, sigma).to(x_t.dtype)


def _cases(seed: int) -> list[Case]:
    train = normal(seed, 5, 1, 2, 2)
    levels = ((0.8, 0.6), (0.1, 0.995), (0.995, 0.1))
    noisy = [a * train[:3] + s * normal(seed + i, 3, 1, 2, 2) for i, (a, s) in enumerate(levels)]
    return [(x, a, s, train) for x, (a, s) in zip(noisy, levels, strict=True)]


def _away(x_t: Tensor, train: Tensor) -> Tensor:
    return (x_t[:, None] - train).square().flatten(2).sum(2)  # (b, n)


def _mean_by(weights: Tensor, train: Tensor) -> Tensor:
    return (weights @ train.flatten(1)).view(len(weights), *train.shape[1:])


IDEAL = Exercise(
    id="9.1",
    name="ideal_denoiser",
    parameters=("x_t", "alpha", "sigma", "train"),
    question=(
        "Return the mean of the training pictures (n, c, h, w), each weighted by the probability "
        "that x_t (b, c, h, w) was made from it."
    ),
    truth=_truth,
    cases=_cases,
    mistakes=(
        Mistake(
            "pictures not shrunk by alpha",
            lambda x, a, s, train: _mean_by((-_away(x, train) / (2 * s**2)).softmax(1), train),
            "x_t was made from alpha times the picture.",
        ),
        Mistake(
            "sigma instead of twice its square",
            lambda x, a, s, train: _mean_by((-_away(x, a * train) / s).softmax(1), train),
            "Look at the exponent of a Gaussian.",
        ),
        Mistake(
            "nearest picture only",
            lambda x, a, s, train: train[_away(x, a * train).argmin(1)],
            "At high noise every picture is as likely as any other, so it must be the mean.",
        ),
        Mistake(
            "softmax over the batch",
            lambda x, a, s, train: _mean_by((-_away(x, a * train) / (2 * s**2)).softmax(0), train),
            "For each noisy picture, the weights of the training pictures add up to 1.",
        ),
        Mistake(
            "result shrunk by alpha",
            lambda x, a, s, train: a * _truth(x, a, s, train),
            "The answer is a clean picture, not a shrunk one.",
        ),
    ),
    tolerance=1e-4,
    hints=(
        "How likely is x_t, if it was made from picture i? It is a Gaussian around alpha x_i.",
        "The logarithm of that is minus a squared distance over twice sigma squared.",
        "A softmax over the training pictures turns these into weights.",
    ),
    explanation=(
        "By Bayes' rule the weights are a softmax of minus the squared distances over 2 sigma^2. "
        "It is the perfect denoiser of its training set, and it copies."
    ),
)

EXERCISES = (IDEAL,)
