"""Other right answers to lessons 00 to 04, and to the tasks of 06 that repeat those."""

import cmath
import math

import numpy as np
import torch
import torch.nn.functional as F
from collected import right
from torch import nn


@right("0.1")
def root_of_unity(n):
    return cmath.exp(2j * cmath.pi / n).real


@right("0.1")
def from_two_vectors(n):
    angle = np.deg2rad(360 / n)
    first, second = np.array([1.0, 0.0]), np.array([np.cos(angle), np.sin(angle)])
    return first @ second


@right("1.1")
def by_lerp(x, eps):
    return torch.lerp(x, eps, 0.5) * math.sqrt(2)


@right("1.1")
def own_loop(x, eps):
    return torch.stack(
        [math.sqrt(0.5) * a + math.sqrt(0.5) * b for a, b in zip(x, eps, strict=True)]
    )


@right("1.2")
def by_running_the_layer(n, kernel, stride, padding, output_padding):
    layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, output_padding)
    return layer(torch.zeros(1, 1, n)).shape[2]


@right("1.2")
def by_the_manual(n, kernel, stride, padding, output_padding, dilation=1):
    return (n - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@right("1.3")
def by_narrow(x, skip):
    x = x.narrow(2, 0, skip.shape[2]).narrow(3, 0, skip.shape[3])
    return torch.hstack([x, skip])


@right("1.3")
def by_negative_padding(x, skip):
    down, along = (skip.shape[i] - x.shape[i] for i in (2, 3))
    return torch.cat((F.pad(x, (0, along, 0, down)), skip), 1)


@right("2.1", "6.1")
def by_logarithms(betas):
    log_kept = torch.log1p(-betas.double()).cumsum(0)
    return (log_kept / 2).exp(), (-torch.expm1(log_kept)).sqrt()


@right("2.1", "6.1")
def by_a_loop(betas):
    kept, alphas = 1.0, []
    for beta in betas.tolist():
        kept *= 1 - beta
        alphas.append(kept**0.5)
    alpha = torch.tensor(alphas)
    return [alpha, (1 - alpha**2).sqrt()]


@right("2.2", "6.2")
def by_einsum(x_0, t, eps, alpha, sigma):
    return torch.einsum("b,bchw->bchw", alpha[t], x_0) + torch.einsum("b,bchw->bchw", sigma[t], eps)


@right("2.2", "6.2")
def picture_by_picture(x_0, t, eps, alpha, sigma):
    made = [alpha[i] * x + sigma[i] * e for x, i, e in zip(x_0, t.tolist(), eps, strict=True)]
    return torch.stack(made)


@right("2.3", "6.3")
def by_way_of_x_0(x_t, eps_hat, t, betas, z):
    kept = torch.cat([torch.ones(1), torch.cumprod(1 - betas, 0)])
    now, before = kept[t + 1], kept[t]
    x_0 = (x_t - (1 - now).sqrt() * eps_hat) / now.sqrt()
    beta = betas[t]
    mean = before.sqrt() * beta / (1 - now) * x_0
    mean = mean + (1 - beta).sqrt() * (1 - before) / (1 - now) * x_t
    return mean + (beta.sqrt() * z if t > 0 else 0)


@right("2.3", "6.3")
def with_numpy(x_t, eps_hat, t, betas, z):
    b = betas.double().numpy()
    alpha_bar = np.prod(1 - b[: t + 1])
    mean = (x_t.double() - b[t] / np.sqrt(1 - alpha_bar) * eps_hat) / np.sqrt(1 - b[t])
    return (mean + np.sqrt(b[t]) * (t != 0) * z).float()


@right("2.4")
def in_the_closed_form(x_0, betas, noises):
    kept = (1 - betas).cumprod(0)
    x = kept[-1].sqrt() * x_0
    for i in range(len(betas)):
        x = x + (betas[i] * kept[-1] / kept[i]).sqrt() * noises[i]
    return x


@right("2.4")
def recursively(x_0, betas, noises):
    if len(betas) == 0:
        return x_0
    before = recursively(x_0, betas[:-1], noises[:-1])
    return math.sqrt(1 - betas[-1]) * before + math.sqrt(betas[-1]) * noises[-1]


@right("3.1")
def by_the_layer(x, groups):
    return nn.GroupNorm(groups, x.shape[1], affine=False)(x)


@right("3.1")
def group_by_group(x, groups):
    made = []
    for part in x.chunk(groups, dim=1):
        mean = part.mean((1, 2, 3), keepdim=True)
        variance = part.var((1, 2, 3), keepdim=True, correction=0)
        made.append((part - mean) * (variance + 1e-5).rsqrt())
    return torch.cat(made, dim=1)


@right("3.2")
def by_unfold(x):
    b, c, h, w = x.shape
    return F.unfold(x, 2, stride=2).view(b, 4 * c, h // 2, w // 2)


@right("3.2")
def by_slices(x):
    parts = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.stack(parts, dim=2).flatten(1, 2)


@right("3.3")
def by_a_convolution(n, kernel, stride):
    made = F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, kernel), stride=stride)
    return [int(one) for one in made.flatten()]


@right("3.3")
def place_by_place(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return [sum(0 <= j - i * stride < kernel for i in range(n)) for j in range(length)]


@right("3.4")
def interleaved(t, T, dim):
    rates = (math.pi / T) ** (torch.arange(dim // 2) / (dim // 2 - 1))
    angles = torch.outer(t.float(), rates)
    return torch.stack([angles.cos(), angles.sin()], dim=2).flatten(1)


@right("3.4")
def of_the_transformer(t, T, dim):
    rates = torch.exp(-math.log(10_000) * torch.arange(dim // 2) / (dim // 2))
    angles = t[:, None] * rates[None]
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


@right("3.5")
def all_divisors(channels, most):
    return max(g for g in range(1, most + 1) if channels % g == 0)


@right("3.5")
def downwards(channels, most):
    for groups in range(most, 1, -1):
        if not channels % groups:
            return groups
    return 1


@right("4.1", "6.5")
def by_bernoulli(b, drop, generator):
    return torch.bernoulli(torch.full((b, 1), 1.0 - drop), generator=generator)


@right("4.1", "6.5")
def by_where(b, drop, generator):
    u = torch.rand(b, generator=generator)
    return torch.where(u < drop, 0.0, 1.0).unsqueeze(1)


@right("4.2", "6.7")
def from_the_unconditional(cond, uncond, w):
    return torch.lerp(uncond, cond, 1.0 + w)


@right("4.2", "6.7")
def on_from_the_conditional(cond, uncond, w):
    return cond + w * (cond - uncond)


@right("4.3")
def as_a_list(w, s):
    return [w + 1, s - 1]


@right("4.3")
def with_tensors(w, s):
    both = torch.tensor([w, s]) + torch.tensor([1.0, -1.0])
    return tuple(both.tolist())
