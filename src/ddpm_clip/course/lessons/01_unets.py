# %% [markdown]
# # 01 U-Nets
#
# **You learn**: what a denoiser is made of, why it has the shape of a U, and why one step of
# denoising cannot paint.
#
# **You need**: convolutional networks; a first look at lesson 00.
#
# **It takes**: about 90 seconds on two idle cores.
#
# **It buys**: a network that cleans digits so well that a judge accepts them, and the reason why it
# makes ink blots of pure noise.
#
# Figures: `mix`, `loss`, `denoised`, `without_skips`, `blots`.

# %%
import time

import torch
from torch import nn
from torch.nn import functional as F

from ddpm_clip.course import lesson
from ddpm_clip.course.bricks import Bricks, BrickUNet
from ddpm_clip.course.fitting import FitOptions, fit
from ddpm_clip.course.pictures import digits
from ddpm_clip.course.reading import accepted
from ddpm_clip.diffusion.schedules import linear
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.tensors import to_float

L = lesson("01")
data, heldout = digits(L.pick(1500, 60)).split(L.pick(200, 20))
print(data.origin)

# %% [markdown]
# ## 1. A picture and noise, half and half
#
# Pictures are numbers in [-1, 1], so that their middle is 0, as that of the noise is. Mix a picture
# and noise half and half. What should the factors be?
#
# Variances add. If both parts have variance 1, then ½ x + ½ eps has the variance ¼ + ¼ = ½: the mix
# is greyer than either part. With the factors √½ the variance stays 1.

# %%
torch.manual_seed(0)
x_0 = to_float(heldout.pixels[:10])
eps = torch.randn_like(x_0)
unit = torch.randn(100_000), torch.randn(100_000)
halves, roots = 0.5 * unit[0] + 0.5 * unit[1], (unit[0] + unit[1]) / 2**0.5
print(f"variance with halves: {float(halves.var()):.2f}, with roots: {float(roots.var()):.2f}")
L.show("mix", torch.cat([x_0, 0.5 * x_0 + 0.5 * eps, (x_0 + eps) / 2**0.5]).clamp(-1, 1))

# %% [markdown]
# ### Exercise 1.1
#
# Write `half_noise(x, eps)`: mix them half and half, and keep unit variance.


# %% tags=["exercise-1.1"]
def half_noise(x, eps):
    return ...  # your code


# %%
L.check("1.1", half_noise)

# %% [markdown]
# In the library such a mix is one row of a **noise schedule**: the timestep at which sigma equals
# alpha.

# %%
schedule = linear(1000)
t_half = float(schedule.timestep_of(torch.tensor([1.0])))
alpha, sigma = schedule.at(t_half)
ddpm = DDPM(schedule, parameterization="x_0")  # the network answers with the clean picture
L.claim(
    "1.a",
    "at the timestep where sigma/alpha = 1 both factors are the root of one half",
    abs(alpha - 0.5**0.5) < 1e-6 and abs(sigma - 0.5**0.5) < 1e-6,
    {"timestep": t_half, "alpha": alpha, "sigma": sigma},
    kind="exact",
)

# %% [markdown]
# ## 2. The blocks, one by one
#
# **Convolution, normalisation, activation** keep the size of the map and change its channels.
#
# **Pooling** halves the map. Each number then sees a larger part of the picture.
#
# **Transposed convolution** doubles it again: each number stamps a small kernel into a larger map.

# %%
x = torch.randn(4, 1, 28, 28)
block = nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
for name, layer, given in [
    ("convolution, norm, activation", block, x),
    ("max pooling", nn.MaxPool2d(2), torch.randn(4, 32, 28, 28)),
    (
        "transposed convolution, kernel 2, stride 2",
        nn.ConvTranspose2d(32, 16, 2, 2),
        x.repeat(1, 32, 1, 1),
    ),
]:
    print(f"{name:<32}{tuple(given.shape)} -> {tuple(layer(given).shape)}")

# %% [markdown]
# How large is the result of a transposed convolution? That depends on kernel, stride and padding.

# %%
for options in [{"kernel": 2, "stride": 2}, {"kernel": 3, "stride": 2}, {"kernel": 4, "stride": 2}]:
    for padding in (0, 1):
        layer = nn.ConvTranspose2d(1, 1, options["kernel"], options["stride"], padding)
        print(options, "padding", padding, "7 ->", layer(torch.zeros(1, 1, 7, 7)).shape[-1])

# %% [markdown]
# ### Exercise 1.2
#
# Write `upsampled(n, kernel, stride, padding, output_padding)`: the length that a row of n numbers
# has after a transposed convolution. Draw the stamps on paper first.


# %% tags=["exercise-1.2"]
def upsampled(n, kernel, stride, padding, output_padding):
    return ...  # your code


# %%
L.check("1.2", upsampled)

# %% [markdown]
# ## 3. The U
#
# Halve the map twice, and double it twice. On the way down the network gathers what the picture
# shows. But small maps have lost where exactly the edges are.
#
# A **skip connection** hands the maps of the way down to the way up, channel by channel.
# `BrickUNet` is such a network; its parts can be swapped.

# %%
torch.manual_seed(0)
network = BrickUNet(Bricks.basic(), 1000, 1, 28)
c, mask = torch.zeros(4, 1), torch.ones(4, 1)
rows = []


def note(name):
    def hook(module, given, made):
        rows.append({"part": name, "in": tuple(given[0].shape), "out": tuple(made.shape)})

    return hook


for name in ("enter", "down1", "down2", "middle", "up2", "up1", "leave"):
    getattr(network, name).register_forward_hook(note(name))
network(x, torch.zeros(4), c, mask)
L.table(rows)
print(f"{sum(p.numel() for p in network.parameters()):,} parameters")

# %% [markdown]
# ### Exercise 1.3
#
# Write `joined(x, skip)`: the channels of x, then those of the skip. A map of 7 rows, halved and
# doubled, comes back with 8; crop x to the size of the skip.


# %% tags=["exercise-1.3"]
def joined(x, skip):
    return ...  # your code


# %%
L.check("1.3", joined)

# %%
L.quiz("1.Q2")  # answer with L.quiz("1.Q2", "a")

# %% [markdown]
# ## 4. Training a denoiser
#
# Take a picture, add noise, and ask for the picture. `fit` is the training loop of all lessons; it
# is short, and you can read it: `ddpm_clip/course/fitting.py`.
#
# Two networks are trained for the same number of steps: one with skips, one without.

# %%
count = L.pick(100, 3)
options = FitOptions(timestep=t_half, drop=0.0)
networks, losses = {}, {}
for name, bricks in {
    "with skips": Bricks.basic(),
    "without": Bricks("batch", "relu", "max", "transpose2", "none", False, False, False, "zero"),
}.items():
    torch.manual_seed(0)
    networks[name] = BrickUNet(bricks, 1000, 1, 28)
    start = time.perf_counter()
    steps = fit(networks[name], ddpm, data.pixels, steps=count, options=options)
    losses[name] = [step.loss for step in steps]
    print(f"{name}: {time.perf_counter() - start:.0f} s")
lines = [Line(name, list(range(1, count + 1)), values) for name, values in losses.items()]
L.plot("loss", Plot("squared error of the picture", "step", "loss", lines, yscale="log"))

# %%
x_0 = to_float(heldout.pixels)
generator = torch.Generator().manual_seed(5)
noisy = alpha * x_0 + sigma * torch.randn(x_0.shape, generator=generator)
t, c, mask = torch.full((len(x_0),), t_half), torch.zeros(len(x_0), 1), torch.ones(len(x_0), 1)


def cleaned(network, x_t):
    with torch.no_grad():
        return network(x_t, t[: len(x_t)], c[: len(x_t)], mask[: len(x_t)]).clamp(-1, 1)


clean = {name: cleaned(network, noisy) for name, network in networks.items()}
error = {name: float(F.mse_loss(one, x_0)) for name, one in clean.items()}
L.show("denoised", torch.cat([noisy[:10].clamp(-1, 1), clean["with skips"][:10], x_0[:10]]))
L.show("without_skips", clean["without"][:10])
L.claim(
    "1.b",
    "without skips the held-out error is at least 1.5 times as large",
    error["without"] >= 1.5 * error["with skips"],
    {"error without": error["without"], "with": error["with skips"]},
)

# %% [markdown]
# ## 5. One step cannot paint
#
# The network turns a noisy digit into a digit. Then it should turn pure noise into a digit as well?
# Try it.

# %%
pure = torch.randn(x_0.shape, generator=generator)
blots = cleaned(networks["with skips"], pure)
mean = to_float(data.pixels).mean(0, keepdim=True)
L.show("blots", torch.cat([blots[:9], mean]))

# %% [markdown]
# Nothing but blots. The last picture is the mean of all digits. Noise says nothing about the
# picture, and then the guess with the smallest error is a mean. A digit that is guessed boldly
# would be wrong most of the time, and pay for it.
#
# The way out is the subject of lesson 02: take many small steps. Each one decides a little, and the
# next one can build on it.

# %%
good = int(accepted("digits", clean["with skips"]).sum())
poor = int(accepted("digits", blots).sum())
L.claim(
    "1.c",
    "the judge accepts 90 % of cleaned digits, and less than 10 % of answers to pure noise",
    good >= 0.9 * len(x_0) and poor < 0.1 * len(x_0),
    {"cleaned, accepted": good, "from pure noise, accepted": poor, "of": len(x_0)},
)

# %%
L.quiz("1.Q1")  # answer with L.quiz("1.Q1", "a")

# %% [markdown]
# ## 6. Faster?
#
# `torch.compile` turns a network into faster code, and that takes time itself. Whether it pays in a
# lesson of a minute is told here, not promised. In the smallest size it is left out.


# %%
def seconds_of(call):
    start = time.perf_counter()
    for _ in range(20):
        call()
    return (time.perf_counter() - start) / 20


plain = seconds_of(lambda: cleaned(networks["with skips"], noisy[:64]))
faster = plain
if not L.smoke:
    try:
        compiled = torch.compile(networks["with skips"])
        cleaned(compiled, noisy[:64])
        faster = seconds_of(lambda: cleaned(compiled, noisy[:64]))
    except Exception as error:  # no compiler on this machine: then there is nothing to tell
        print(f"torch.compile does not work here: {type(error).__name__}")
L.claim(
    "1.d",
    "compiled, the network is faster",
    faster < plain,
    {"ms a batch": 1000 * plain, "compiled": 1000 * faster},
    kind="told",
)

# %% [markdown]
# ## Pitfalls
#
# * BatchNorm in training mode normalises with the other pictures of the batch. Call `eval()` before
#   painting; `fit` does it at its end.
# * A grey picture has the shape (1, h, w), not (h, w). Squeeze it, and the next layer takes rows
#   for channels.
#
# **Next**: lesson 02, many steps instead of one.
