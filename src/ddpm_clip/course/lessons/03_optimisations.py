# %% [markdown]
# # 03 Optimisations
#
# **You learn**: what each improvement of the network of NVIDIA DLI's course does, one at a time.
#
# **You need**: lesson 02.
#
# **It takes**: about 190 seconds on two idle cores.
#
# **It buys**: a table that says which ideas pay, which cost, and of which nothing can be seen in a
# short training. Some of the answers are "not seen", and that is an answer.
#
# Figures: `checkerboard`, `dead`, `pooling`, `time`, `gradients`, `ladder`, `samples`.

# %%
import time

import torch
from torch import nn
from torch.nn import functional as F

from ddpm_clip.course import lesson
from ddpm_clip.course.bricks import Bricks, BrickUNet
from ddpm_clip.course.fitting import FitOptions, edm_ddpm, fit, heldout_errors
from ddpm_clip.course.overlap import phase_map, stamped
from ddpm_clip.course.pictures import flowers
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.errors import UsageError
from ddpm_clip.models import layers
from ddpm_clip.models.course_unet import CourseUNet
from ddpm_clip.statistics.means import means
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.plots.maps import heat_map
from ddpm_clip.utils.tensors import to_float

L = lesson("03")

# %% [markdown]
# ## 1. The checkerboard
#
# A transposed convolution stamps its kernel into the output, once for each input number. With
# kernel 3 and stride 2, stamps overlap at every second place. Give it a constant map, and what
# comes out is not constant: a checkerboard.

# %%
boards = torch.stack([stamped(8, kernel, 2)[4:12, 4:12] for kernel in (2, 3, 4)])
uneven = boards / boards.mean((1, 2), keepdim=True) - 1  # 0 where all places get the same
L.show("checkerboard", (0.8 * uneven[:, None]).clamp(-1, 1), columns=3, zoom=12)
for kernel in (2, 3, 4):
    counts = phase_map(kernel, 2).flatten().int().tolist()
    print(f"kernel {kernel}, stride 2: {counts} stamps on the four kinds of places")
even = {kernel: float(phase_map(kernel, 2).std()) == 0 for kernel in (2, 3, 4)}
L.claim(
    "3.a",
    "kernel 2 and 4 cover all places equally, kernel 3 does not",
    even == {2: True, 3: False, 4: True},
    {f"kernel {kernel}": str(phase_map(kernel, 2).int().tolist()) for kernel in (2, 3, 4)},
    kind="exact",
)

# %% [markdown]
# A trained network can learn to even this out. So the map above is a reason to prefer kernel 2,
# not a proof that pictures get worse. The ladder below measures that.
#
# ### Exercise 3.3
#
# Write `overlaps(n, kernel, stride)`: a list that says for each place of the output row how many
# stamps fall on it.


# %% tags=["exercise-3.3"]
def overlaps(n, kernel, stride):
    return ...  # your code


# %%
L.check("3.3", overlaps)

# %% [markdown]
# ## 2. GroupNorm instead of BatchNorm
#
# BatchNorm takes mean and variance over the whole batch. So what comes out for a picture depends on
# its neighbours. GroupNorm takes them within one picture.

# %%
torch.manual_seed(0)
mine, others = torch.randn(1, 16, 8, 8), 3 * torch.randn(3, 16, 8, 8) + 1
norms = {"batch": nn.BatchNorm2d(16), "group": nn.GroupNorm(4, 16)}
moved = {}
for name, norm in norms.items():
    alone = norm(torch.cat([mine, mine, mine, mine]))[0]
    among = norm(torch.cat([mine, others]))[0]
    moved[name] = float((alone - among).detach().abs().max())
L.claim(
    "3.b",
    "in a batch of 4, neighbours change a picture under BatchNorm, and not under GroupNorm",
    moved["batch"] > 1e-3 and moved["group"] < 1e-5,
    {"change under BatchNorm": moved["batch"], "under GroupNorm": moved["group"]},
    kind="exact",
)

# %% [markdown]
# ### Exercise 3.1
#
# Write `group_norm(x, groups)` for x (b, c, h, w), without weights; eps is 1e-5.


# %% tags=["exercise-3.1"]
def group_norm(x, groups):
    return ...  # your code


# %%
L.check("3.1", group_norm)

# %% [markdown]
# The groups have to be of equal size. The library says so:

# %%
try:
    layers.group_norm(48, 32)
except UsageError as error:
    print(error)

# %% [markdown]
# ### Exercise 3.5
#
# Write `groups_for(channels, most)`: the largest number of equal groups, at most `most`.


# %% tags=["exercise-3.5"]
def groups_for(channels, most):
    return ...  # your code


# %%
L.check("3.5", groups_for)

# %%
L.quiz("3.Q1")  # answer with L.quiz("3.Q1", "a")

# %% [markdown]
# ## 3. GELU instead of ReLU
#
# ReLU answers 0 to every negative number, and its gradient is 0 there too. A unit that is negative
# for all inputs is **dead**: it never learns again. GELU is smooth and lets a little through.

# %%
torch.manual_seed(0)
inputs = torch.randn(512, 64)
share = {"ReLU": [], "GELU": []}
depths = list(range(1, 9))
for name, act in {"ReLU": nn.ReLU(), "GELU": nn.GELU()}.items():
    h = inputs
    for _ in depths:
        layer = nn.Linear(64, 64)
        nn.init.normal_(layer.weight, std=0.18)
        nn.init.constant_(layer.bias, -0.25)  # a little below zero, as after some bad steps
        before = layer(h).detach().requires_grad_()
        after = act(before)
        after.sum().backward()
        share[name].append(float((before.grad == 0).float().mean()))
        h = after.detach()
lines = [Line(name, depths, values) for name, values in share.items()]
L.plot("dead", Plot("numbers whose gradient is exactly 0", "layer", "share", lines, ylim=(0, 1)))

# %% [markdown]
# ## 4. Rearranging instead of pooling
#
# Max pooling keeps the largest of four numbers and forgets where it was. Rearranging puts the four
# into four channels: the map is halved, and nothing is lost.

# %%
x = torch.randn(2, 3, 8, 8)
back = F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2)
L.claim(
    "3.c",
    "rearranging can be undone exactly",
    torch.equal(back, x),
    {"largest difference": float((back - x).abs().max())},
    kind="exact",
)
one = to_float(flowers(1, 32, seed=3).pixels)
pooled = F.interpolate(F.max_pool2d(one, 2), scale_factor=2.0)
L.show(
    "pooling", torch.cat([one, pooled, F.pixel_shuffle(F.pixel_unshuffle(one, 2), 2)]), columns=3
)

# %% [markdown]
# Above: a flower, what max pooling has left of it, and what rearranging has left of it.
#
# ### Exercise 3.2
#
# Write `rearrange_pool(x)`: (b, c, h, w) to (b, 4c, h/2, w/2). The four pixels of each block become
# four neighbouring channels.


# %% tags=["exercise-3.2"]
def rearrange_pool(x):
    return ...  # your code


# %%
L.check("3.2", rearrange_pool)

# %% [markdown]
# ## 5. Telling the time
#
# The network must know how noisy its input is. DLI's course gives it sines of t/T: from one
# timestep to the next they hardly change. Sines of many frequencies, the fastest of about one
# radian a timestep, tell neighbours apart.

# %%
rows = torch.arange(1000.0)
course = CourseUNet(1000, 1, 16, (8, 8, 8), 32, 1).features(rows)
ours = layers.TimeEmbedding(1000, 32, 8).features(rows)
away = {
    name: float((features[1:] - features[:-1]).norm(dim=1).mean())
    for name, features in (("course", course), ("ours", ours))
}
few = CourseUNet(1000, 1, 16, (8, 8, 8), 12, 1), layers.TimeEmbedding(1000, 12, 8)
stacked = torch.cat([one.features(rows[:40]) for one in few], dim=1)
L.show(
    "time",
    heat_map(
        stacked.T.tolist(),
        [""] * stacked.shape[1],
        [str(t) if t % 10 == 0 else "" for t in range(40)],
        L.path("time"),
        title="features of t: DLI's above, ours below",
        xlabel="t",
        numbers=False,
    ),
)
L.claim(
    "3.d",
    "neighbouring timesteps are at least 100 times as far apart with many frequencies",
    away["ours"] >= 100 * away["course"],
    {"distance, DLI's": away["course"], "ours": away["ours"]},
    kind="exact",
)

# %% [markdown]
# ### Exercise 3.4
#
# Write `time_features(t, T, dim)`: dim numbers for each timestep. All T timesteps should be apart
# by more than 0.1, all numbers should be bounded, and timesteps may be fractional. There are many
# right answers; the grader looks at these properties.


# %% tags=["exercise-3.4"]
def time_features(t, T, dim):
    return ...  # your code


# %%
L.check("3.4", time_features)

# %% [markdown]
# ## 6. Residual blocks
#
# A residual block adds its input to its output. So there is a short way for the gradient, however
# deep the network is.


# %%
def first_gradient(depth, residual):
    """Norm of the gradient at the first of so many layers."""
    torch.manual_seed(1)
    stack = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth)]
    x = torch.randn(2, 8, 8, 8)
    for layer in stack:
        h = F.gelu(layer(x))
        x = x + h if residual else h
    x.square().mean().backward()
    return float(stack[0].weight.grad.norm())


depths = [1, 2, 4, 8, 16]
plain = [first_gradient(depth, False) for depth in depths]
added = [first_gradient(depth, True) for depth in depths]
lines = [Line("plain", depths, plain), Line("residual", depths, added)]
L.plot(
    "gradients",
    Plot("gradient at the first layer", "layers", "norm", lines, xscale="log", yscale="log"),
)

# %% [markdown]
# ## 7. The ladder
#
# Now everything is measured: one network with every idea, and for each idea one network without
# it. All are trained for the same number of steps, on the same flowers, from the same seed. The
# error is that of held-out flowers, each with a fixed timestep and noise, so networks are compared
# **picture by picture**.

# %%
data, heldout = flowers(L.pick(2200, 40), 16, seed=1).split(L.pick(200, 16))
ddpm = edm_ddpm(cosine(1000))
count, options = L.pick(120, 2), FitOptions(drop=0.0)
arms = {
    "all ideas": {},
    "no skips": {"skip": False, "global_skip": False},
    "no time": {"time": "none"},
    "time as DLI tells it": {"time": "course"},
    "BatchNorm": {"norm": "batch"},
    "ReLU": {"act": "relu"},
    "max pooling": {"pool": "max"},
    "no residual": {"residual": False},
    "no global skip": {"global_skip": False},
    "kernel 3": {"up": "transpose3"},
    "resize": {"up": "resize"},
}
errors, seconds, samples = {}, {}, []
for name, change in arms.items():
    torch.manual_seed(0)
    network = BrickUNet(Bricks(**change), 1000, 3, 16, L.pick((32, 64, 64), (8, 8, 8)))
    start = time.perf_counter()
    for _ in fit(network, ddpm, data.pixels, steps=count, options=options):
        pass
    seconds[name] = time.perf_counter() - start
    errors[name] = heldout_errors(network, ddpm, heldout.pixels)
    c = torch.zeros(6, 1)
    samples.append(ddpm.sample(network, c, steps=L.pick(12, 2), seeds=list(range(6))))
L.show("samples", torch.cat(samples), columns=6, row_names=list(arms))

# %%
base = errors["all ideas"]
rows, names, spans = [], [], []
verdicts = {}
for name in arms:
    change = means(errors[name] - base)
    low, high = float(change.low), float(change.high)
    verdicts[name] = "pays" if low > 0 else "costs" if high < 0 else "not seen"
    rows.append(
        {
            "without it": name,
            "held-out error": float(errors[name].mean()),
            "change": f"{float(change.mean):+.3f} ({low:+.3f} to {high:+.3f})",
            "the idea": "" if name == "all ideas" else verdicts[name],
            "seconds": round(seconds[name]),
        }
    )
    names.append((name, float(errors[name].mean())))
    spans.append(tuple(float(v) for v in (means(errors[name]).low, means(errors[name]).high)))
L.table(rows)
L.plot("ladder", Plot("held-out error after equal steps", "error", bars={"": names}, spans=spans))

# %% [markdown]
# One idea has to show even in so short a training: skips.

# %%
ratio = {name: float(errors[name].mean() / base.mean()) for name in arms}
L.claim(
    "3.e",
    "without skips the held-out error is at least a quarter larger",
    ratio["no skips"] >= 1.25,
    {"error without skips, relative": ratio["no skips"]},
)

# %% [markdown]
# For the others the lesson tells what it saw. Expect some of them to be "not seen", or even to
# cost: a short training on small pictures does not show everything. Another random seed may give
# another verdict: with one of three that were tried, even a sense of time was not seen.

# %%
told = {
    "3.f": ("a sense of time", "no time"),
    "3.g": ("GELU", "ReLU"),
    "3.h": ("GroupNorm", "BatchNorm"),
    "3.i": ("rearranging", "max pooling"),
    "3.j": ("the residual sum", "no residual"),
    "3.k": ("the global skip", "no global skip"),
    "3.l": ("kernel 2 instead of 3", "kernel 3"),
}
for id, (idea, arm) in told.items():
    figures = {"verdict": verdicts[arm], "error without it, relative": ratio[arm]}
    L.claim(id, f"{idea} pays in a short training", verdicts[arm] == "pays", figures, kind="told")

# %%
L.quiz("3.Q2")  # answer with L.quiz("3.Q2", "a")

# %% [markdown]
# ## A pitfall
#
# "Better after equal seconds" often means "faster a step". Max pooling makes cheaper steps than
# rearranging. So compare at equal steps, and tell the seconds beside them, as above.
#
# **Next**: lesson 04 lets you say what to paint.
