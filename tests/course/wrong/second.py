"""Wrong answers to lessons 03 and 04 (and to the tasks of 06 that repeat those)."""

import math

import torch
import torch.nn.functional as F
from collected import wrong


@wrong("3.1", "statistics of the whole batch")
def whole_batch(x, groups):
    b, c, h, w = x.shape
    y = x.view(b, groups, c // groups, h, w)
    mean = y.mean(dim=(0, 2, 3, 4), keepdim=True)
    variance = ((y - mean) ** 2).mean(dim=(0, 2, 3, 4), keepdim=True)
    return ((y - mean) / torch.sqrt(variance + 1e-5)).view(b, c, h, w)


@wrong("3.1", "unbiased variance")
def unbiased(x, groups):
    y = x.reshape(len(x), groups, -1)
    return ((y - y.mean(-1, True)) / torch.sqrt(y.var(-1, keepdim=True) + 1e-5)).reshape(x.shape)


@wrong("3.1", "each channel on its own")
def instance_norm(x, groups):
    return F.instance_norm(x)


@wrong("3.1", "all channels together")
def layer_norm(x, groups):
    return F.layer_norm(x, x.shape[1:])


@wrong("3.1", "eps forgotten")
def no_eps(x, groups):
    y = x.reshape(len(x), groups, -1)
    deviation = y.std(-1, keepdim=True, unbiased=False)
    return ((y - y.mean(-1, True)) / deviation).reshape(x.shape)


@wrong("3.1", "values")
def only_centred(x, groups):
    y = x.reshape(len(x), groups, -1)
    return (y - y.mean(-1, True)).reshape(x.shape)


@wrong("3.2", "pixels of one block torn apart")
def plain_reshape(x):
    b, c, h, w = x.shape
    return x.view(b, c * 4, h // 2, w // 2)


@wrong("3.2", "position before channel")
def sliced(x):
    parts = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return torch.cat(parts, dim=1)


@wrong("3.2", "mean of each block")
def averaged(x):
    return (x[..., ::2, ::2] + x[..., 1::2, ::2] + x[..., ::2, 1::2] + x[..., 1::2, 1::2]) / 4


@wrong("3.2", "one pixel of each block")
def strided(x):
    return x[:, :, ::2, ::2]


@wrong("3.2", "nothing lost")
def four_times_the_same(x):
    return x[:, :, ::2, ::2].repeat_interleave(4, dim=1)


@wrong("3.3", "border taken for the interior")
def no_border(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return [sum(1 for k in range(kernel) if k % stride == j % stride) for j in range(length)]


@wrong("3.3", "one number for all places")
def quotient(n, kernel, stride):
    length = stride * (n - 1) + kernel
    return [kernel // stride for _ in range(length)]


@wrong("3.3", "places of the input")
def input_side(n, kernel, stride):
    counts = [0] * (stride * (n - 1) + kernel)
    for i in range(n):
        for j in range(kernel):
            counts[i * stride + j] += 1
    return [counts[i * stride] for i in range(n)]


@wrong("3.3", "stamps one place short")
def one_short(n, kernel, stride):
    counts = [0] * (stride * (n - 1) + kernel)
    for i in range(n):
        for j in range(kernel - 1):
            counts[i * stride + j] += 1
    return counts


@wrong("3.3", "type")
def as_a_tensor(n, kernel, stride):
    return F.conv_transpose1d(torch.ones(1, 1, n), torch.ones(1, 1, kernel), stride=stride)[0, 0]


@wrong("3.4", "neighbouring timesteps apart")
def share_of_T(t, T, dim):
    return (t / T)[:, None].repeat(1, dim)


@wrong("3.4", "all timesteps apart")
def one_frequency(t, T, dim):
    both = torch.stack([t.sin(), t.cos()], dim=1)
    return both.repeat(1, dim // 2)


@wrong("3.4", "neighbouring timesteps apart")
def in_degrees(t, T, dim):
    frequencies = torch.logspace(0, math.log10(math.pi / T), dim // 2)
    angles = t[:, None] * frequencies * math.pi / 180
    return torch.cat([angles.sin(), angles.cos()], 1)


@wrong("3.4", "fractional timesteps")
def whole_numbers(t, T, dim):
    frequencies = torch.logspace(0, math.log10(math.pi / T), dim // 2)
    angles = t.long()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)


@wrong("3.4", "bounded")
def no_waves(t, T, dim):
    return t[:, None] * torch.logspace(0, -3, dim)


@wrong("3.4", "shape")
def sines_only(t, T, dim):
    return (t[:, None] * torch.logspace(0, -2.5, dim // 2)).sin()


@wrong("3.5", "equal groups")
def smaller_of_both(channels, most):
    return min(channels, most)


@wrong("3.5", "greatest common divisor")
def common_divisor(channels, most):
    a, b = channels, most
    while b:
        a, b = b, a % b
    return a


@wrong("3.5", "equal groups")
def none_if_it_does_not_fit(channels, most):
    return most if channels % most == 0 else 0


@wrong("3.5", "equal groups")
def one_too_few(channels, most):
    return max([g for g in range(1, channels + 1) if channels % g == 0])


@wrong("3.5", "always one group")
def layer_norm_always(channels, most):
    return 1


@wrong("4.1", "shape")
@wrong("6.5", "shape")
def a_number_each(b, drop, generator):
    return (torch.rand(b, 64, generator=generator) >= drop).float()


@wrong("4.1", "rate of dropping")
@wrong("6.5", "rate of dropping")
def keeps_a_tenth(b, drop, generator):
    return (torch.rand(b, 1, generator=generator) < drop).float()


@wrong("4.1", "one draw a picture")
@wrong("6.5", "one draw a picture")
def one_draw_for_all(b, drop, generator):
    kept = torch.rand(1, generator=generator).item() >= drop
    return torch.full((b, 1), float(kept))


@wrong("4.1", "same twice")
@wrong("6.5", "same twice")
def draws_of_its_own(b, drop, generator):
    return torch.bernoulli(torch.full((b, 1), 1 - drop))


@wrong("4.1", "dtype")
@wrong("6.5", "dtype")
def true_and_false(b, drop, generator):
    return torch.rand(b, 1, generator=generator) >= drop


@wrong("4.2", "scale for weight (this is w = s)")
@wrong("6.7", "scale for weight (this is w = s)")
def with_the_scale(cond, uncond, w):
    return w * cond + (1 - w) * uncond


@wrong("4.2", "branches swapped")
@wrong("6.7", "branches swapped")
def other_way(cond, uncond, w):
    return uncond + w * (uncond - cond)


@wrong("4.2", "conditional prediction twice")
@wrong("6.7", "conditional prediction twice")
def unconditional_unused(cond, uncond, w):
    return cond + w * cond - w * cond


@wrong("4.2", "w = 0 without a condition")
@wrong("6.7", "w = 0 without a condition")
def off_means_none(cond, uncond, w):
    if not w:
        return uncond.clone()
    return cond + w * (cond - uncond)


@wrong("4.2", "added instead of subtracted")
@wrong("6.7", "added instead of subtracted")
def plus(cond, uncond, w):
    return (1 + w) * cond + w * uncond


@wrong("4.3", "scale equals weight")
def no_difference(w, s):
    return w, s


@wrong("4.3", "conversions swapped")
def the_other_way_round(w, s):
    return w - 1, s + 1


@wrong("4.3", "one taken off both")
def minus_one(w, s):
    return w - 1.0, s - 1.0


@wrong("4.3", "only the scale converted")
def half_done(w, s):
    return w + 1.0, s


@wrong("4.3", "type")
def one_number(w, s):
    return 1.0 + w
