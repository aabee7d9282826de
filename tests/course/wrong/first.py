"""Wrong answers to lessons 00, 01 and 02 (and to the tasks of 06 that repeat those)."""

import math

import torch
from collected import wrong


@wrong("0.1", "degrees")
def full_turn_of_360(n):
    angle = 360 / n
    return math.cos(angle)


@wrong("0.1", "gaps counted as words minus one")
def as_on_a_line(n):
    return math.cos(2 * math.pi / (n - 1)) if n > 1 else 1.0


@wrong("0.1", "sine")
def wrong_function(n):
    return math.sin(2 * math.pi / n)


@wrong("0.1", "half the angle")
def half_a_turn(n):
    return math.cos(math.pi / n)


@wrong("0.1", "values")
def ten_words_only(n):
    return 0.8090169943749475


@wrong("0.1", "values")
def in_degrees(n):
    return 360 / n


@wrong("1.1", "variance kept")
def halves(x, eps):
    return 0.5 * x + 0.5 * eps


@wrong("1.1", "variance kept")
def root_of_one_only(x, eps):
    return x / 2**0.5 + eps / 2


@wrong("1.1", "same twice")
def noise_redrawn(x, eps):
    return (x + torch.randn_like(x)) / math.sqrt(2)


@wrong("1.1", "inputs unchanged")
def in_place(x, eps):
    return x.add_(eps).div_(math.sqrt(2))


@wrong("1.1", "half and half")
def little_noise(x, eps):
    return 0.75**0.5 * x + 0.25**0.5 * eps


@wrong("1.1", "variance kept")
def plain_sum(x, eps):
    return x + eps


@wrong("1.2", "formula of the plain convolution")
def downwards(n, kernel, stride, padding, output_padding):
    return (n - kernel + 2 * padding) // stride + 1


@wrong("1.2", "padding taken off once")
def one_side(n, kernel, stride, padding, output_padding):
    return stride * (n - 1) + kernel + output_padding - padding


@wrong("1.2", "output padding forgotten")
def no_output_padding(n, kernel, stride, padding, output_padding):
    return stride * (n - 1) + kernel - 2 * padding


@wrong("1.2", "width of the kernel forgotten")
def points(n, kernel, stride, padding, output_padding):
    return stride * (n - 1) + 1 - 2 * padding + output_padding


@wrong("1.2", "gaps counted as numbers")
def n_gaps(n, kernel, stride, padding, output_padding):
    return stride * n + kernel - 2 * padding + output_padding


@wrong("1.2", "values")
def doubles(n, kernel, stride, padding, output_padding):
    return 2 * n


@wrong("1.3", "added instead of concatenated")
def added(x, skip):
    height, width = skip.shape[2], skip.shape[3]
    return x[:, :, :height, :width] + skip


@wrong("1.3", "pictures concatenated instead of channels")
def stacked(x, skip):
    height, width = skip.shape[2], skip.shape[3]
    return torch.cat((x[:, :, :height, :width], skip))


@wrong("1.3", "order of the channels")
def skip_first(x, skip):
    height, width = skip.shape[2], skip.shape[3]
    return torch.cat((skip, x[:, :, :height, :width]), 1)


@wrong("1.3", "odd maps")
def never_cropped(x, skip):
    return torch.cat((x, skip), 1)


@wrong("1.3", "odd maps")
def crops_the_skip(x, skip):
    height, width = skip.shape[2], skip.shape[3]
    return (
        torch.cat((x, skip[:, :, : height - 1, : width - 1]), 1)
        if x.shape[2] != height
        else (torch.cat((x, skip), 1))
    )


@wrong("1.3", "rows cropped at the wrong end")
def crops_the_top(x, skip):
    up, left = x.shape[2] - skip.shape[2], x.shape[3] - skip.shape[3]
    return torch.cat((x[:, :, up:, left:], skip), 1)


@wrong("2.1", "root forgotten")
@wrong("6.1", "root forgotten")
def squares(betas):
    kept = torch.cumprod(1 - betas, 0)
    return kept, 1 - kept


@wrong("2.1", "betas summed instead of multiplied")
@wrong("6.1", "betas summed instead of multiplied")
def summed(betas):
    lost = torch.cumsum(betas, 0)
    return torch.sqrt(1 - lost), torch.sqrt(lost)


@wrong("2.1", "product of the betas")
@wrong("6.1", "product of the betas")
def product_of_betas(betas):
    lost = torch.cumprod(betas, 0)
    return torch.sqrt(1 - lost), torch.sqrt(lost)


@wrong("2.1", "alpha of one step")
@wrong("6.1", "alpha of one step")
def one_step(betas):
    return torch.sqrt(1 - betas), torch.sqrt(betas)


@wrong("2.1", "type")
@wrong("6.1", "type")
def alpha_only(betas):
    return torch.cumprod(1 - betas, 0).sqrt()


@wrong("2.2", "levels spread over the columns (no view)")
@wrong("6.2", "levels spread over the columns (no view)")
def no_view(x_0, t, eps, alpha, sigma):
    return alpha[t] * x_0 + sigma[t] * eps


@wrong("2.2", "first timestep for all")
@wrong("6.2", "first timestep for all")
def first_for_all(x_0, t, eps, alpha, sigma):
    a, s = alpha[t][0].item(), sigma[t][0].item()
    return a * x_0 + s * eps


@wrong("2.2", "sigma squared")
@wrong("6.2", "sigma squared")
def variance_of_noise(x_0, t, eps, alpha, sigma):
    a, s = alpha[t].reshape(-1, 1, 1, 1), sigma[t].reshape(-1, 1, 1, 1)
    return a * x_0 + (1 - a**2) * eps + 0 * s


@wrong("2.2", "alpha squared")
@wrong("6.2", "alpha squared")
def alpha_bar_for_alpha(x_0, t, eps, alpha, sigma):
    a, s = alpha[t].reshape(-1, 1, 1, 1), sigma[t].reshape(-1, 1, 1, 1)
    return a * a * x_0 + s * eps


@wrong("2.2", "alpha and sigma swapped")
@wrong("6.2", "alpha and sigma swapped")
def swapped(x_0, t, eps, alpha, sigma):
    a, s = alpha[t].reshape(-1, 1, 1, 1), sigma[t].reshape(-1, 1, 1, 1)
    return s * x_0 + a * eps


def _mean(x_t, eps_hat, beta, alpha_bar, divided_by):
    return (x_t - beta * eps_hat / torch.sqrt(1 - alpha_bar)) / torch.sqrt(divided_by)


@wrong("2.3", "noise at t = 0")
@wrong("6.3", "noise at t = 0")
def always_noise(x_t, eps_hat, t, betas, z):
    alpha_bar = torch.prod(1 - betas[: t + 1])
    return _mean(x_t, eps_hat, betas[t], alpha_bar, 1 - betas[t]) + torch.sqrt(betas[t]) * z


@wrong("2.3", "beta of the step before")
@wrong("6.3", "beta of the step before")
def one_too_early(x_t, eps_hat, t, betas, z):
    alpha_bar = torch.prod(1 - betas[: t + 1])
    beta = betas[t - 1]
    mean = _mean(x_t, eps_hat, beta, alpha_bar, 1 - beta)
    return mean + torch.sqrt(beta) * z if t else mean


@wrong("2.3", "alpha-bar in the root")
@wrong("6.3", "alpha-bar in the root")
def all_steps_undone(x_t, eps_hat, t, betas, z):
    alpha_bar = torch.prod(1 - betas[: t + 1])
    mean = _mean(x_t, eps_hat, betas[t], alpha_bar, alpha_bar)
    return mean + torch.sqrt(betas[t]) * z if t else mean


@wrong("2.3", "sign of the noise")
@wrong("6.3", "sign of the noise")
def noise_put_in(x_t, eps_hat, t, betas, z):
    alpha_bar = torch.prod(1 - betas[: t + 1])
    mean = _mean(x_t, -eps_hat, betas[t], alpha_bar, 1 - betas[t])
    return mean + torch.sqrt(betas[t]) * z if t else mean


@wrong("2.3", "values")
@wrong("6.3", "values")
def never_any_noise(x_t, eps_hat, t, betas, z):
    alpha_bar = torch.prod(1 - betas[: t + 1])
    return _mean(x_t, eps_hat, betas[t], alpha_bar, 1 - betas[t])


@wrong("2.4", "variance kept")
def no_shrinking(x_0, betas, noises):
    x = x_0
    for i in range(len(betas)):
        x = x + betas[i] ** 0.5 * noises[i]
    return x


@wrong("2.4", "variance kept")
def roots_forgotten(x_0, betas, noises):
    x = x_0
    for i in range(len(betas)):
        x = (1 - betas[i]) * x + betas[i] * noises[i]
    return x


@wrong("2.4", "steps in reversed order")
def backwards(x_0, betas, noises):
    x = x_0
    for i in reversed(range(len(betas))):
        x = (1 - betas[i]) ** 0.5 * x + betas[i] ** 0.5 * noises[i]
    return x


@wrong("2.4", "variance kept")
def one_noise(x_0, betas, noises):
    x = x_0
    for beta in betas:
        x = (1 - beta) ** 0.5 * x + beta**0.5 * noises[0]
    return x


@wrong("2.4", "inputs unchanged")
def in_place_chain(x_0, betas, noises):
    for beta, noise in zip(betas, noises, strict=True):
        x_0.mul_((1 - beta) ** 0.5).add_(beta**0.5 * noise)
    return x_0


@wrong("2.3", "beta as the standard deviation")
@wrong("6.3", "beta as the standard deviation")
def beta_times_z(x_t, eps_hat, t, betas, z):
    mean = _mean(x_t, eps_hat, betas[t], torch.prod(1 - betas[: t + 1]), 1 - betas[t])
    return mean + betas[t] * z if t else mean


@wrong("2.3", "variance of the posterior")
@wrong("6.3", "variance of the posterior")
def less_noise_than_asked(x_t, eps_hat, t, betas, z):
    kept = torch.prod(1 - betas[: t + 1])
    mean = _mean(x_t, eps_hat, betas[t], kept, 1 - betas[t])
    if t == 0:
        return mean
    share = (1 - kept / (1 - betas[t])) / (1 - kept)
    return mean + torch.sqrt(betas[t] * share) * z
