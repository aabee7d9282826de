# %% [markdown]
# # 02 Diffusion
#
# **You learn**: how a picture is turned into noise in one jump, how a network learns to go back,
# and how a sampler walks the way back.
#
# **You need**: lesson 01; that sums of independent Gaussian numbers are Gaussian.
#
# **It takes**: about 150 seconds on two idle cores.
#
# **It buys**: digits from pure noise. Two recipes are trained for the same number of steps, and a
# judge says which paints digits: that of *Generative AI with Diffusion Models*, a course of NVIDIA
# DLI that many begin with ("DLI's course" from here on), and a newer one.
#
# Figures: `panels`, `chain`, `jump`, `schedules`, `loss`, `walk`, `painted`, `bias`, `width`.

# %%
import torch

from ddpm_clip.course import lesson
from ddpm_clip.course.exact import Gaussian, exact_predict
from ddpm_clip.course.fitting import FitOptions, fit, recipe
from ddpm_clip.course.pictures import digits
from ddpm_clip.course.reading import accepted
from ddpm_clip.diffusion.samplers import SAMPLERS
from ddpm_clip.diffusion.schedules import NoiseSchedule, cosine, linear
from ddpm_clip.models.course_unet import CourseUNet
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.tensors import to_float
from ddpm_clip.utils.visualization import tensor_grid

L = lesson("02")
data = digits(L.pick(1500, 40))
print(data.origin)

# %% [markdown]
# ## 1. A picture turns into noise
#
# One step shrinks the picture a little and adds a little noise. How much, is the step's **beta**:
#
# ```
# x_t = √(1 - beta_t) x_{t-1} + √beta_t eps_t
# ```
#
# After t steps, the share alpha-bar of the picture's variance is left: the product of all
# (1 - beta) so far. The rest is noise. We call the two amplitudes **alpha** and **sigma**:
#
# ```
# alpha_t = √alpha-bar_t
# sigma_t = √(1 - alpha-bar_t)
# x_t     = alpha_t x_0 + sigma_t eps
# ```
#
# They are roots because variances add, and amplitudes do not.

# %%
T = 150
betas = torch.linspace(1e-4, 0.02, T)  # as in DLI's course; remember that T is only 150
schedule = NoiseSchedule.from_betas(betas)
ddpm = DDPM(schedule)
torch.manual_seed(0)
x_0 = to_float(data.pixels[6:7])  # one six
noise = torch.randn_like(x_0)
every = torch.cat([ddpm.q(x_0, torch.tensor([t]), noise)[0] for t in range(T)])
L.show("panels", every, columns=15, zoom=1)

# %% [markdown]
# ### Exercise 2.1
#
# Write `levels(betas)`: it returns alpha and sigma of every timestep, two tensors of shape (T,).
# `torch.cumprod` may help.


# %% tags=["exercise-2.1"]
def levels(betas):
    return ...  # your code


# %%
L.check("2.1", levels)

# %% [markdown]
# ## 2. One jump equals many steps
#
# The chain above is a **Markov chain**: each step looks at the step before only. Its noise is
# Gaussian, and a sum of Gaussian numbers is Gaussian. So all t steps together are one jump.
#
# Two animations: on the left the chain, step by step with new noise each time; on the right the
# jump to each t. They differ in every frame, and yet nobody could tell which is which.

# %%
steps = list(range(0, T, L.pick(5, 50)))
x, chain_frames = x_0, []
for t in range(T):
    x = (1 - betas[t]).sqrt() * x + betas[t].sqrt() * torch.randn_like(x)
    if t in steps:
        chain_frames.append(tensor_grid(x, 1, zoom=4))
L.show("chain", chain_frames)
L.show("jump", [tensor_grid(ddpm.q(x_0, torch.tensor([t]))[0], 1, zoom=4) for t in steps])

# %% [markdown]
# Looking is not enough. Take one number, walk the chain 200,000 times, and compare mean and
# variance with the closed form.

# %%
draws, start, last = 200_000, 0.7, 80
generator = torch.Generator().manual_seed(1)
walked = torch.full((draws,), start)
for beta in betas[: last + 1]:
    walked = (1 - beta).sqrt() * walked + beta.sqrt() * torch.randn(draws, generator=generator)
alpha, sigma = schedule.at(float(last))
mean, variance = float(walked.mean()), float(walked.var())
L.claim(
    "2.a",
    "mean and variance of the chain and of the jump agree within 2 %",
    abs(mean / (alpha * start) - 1) < 0.02 and abs(variance / sigma**2 - 1) < 0.02,
    {"mean": mean, "closed form": alpha * start, "variance": variance, "closed": sigma**2},
    kind="exact",
)

# %% [markdown]
# ### Exercise 2.4
#
# Write the chain yourself: `chain(x_0, betas, noises)` takes one step for each beta, with the noise
# of the same number, and returns the last x.


# %% tags=["exercise-2.4"]
def chain(x_0, betas, noises):
    return ...  # your code


# %%
L.check("2.4", chain)

# %% [markdown]
# ## 3. Training: guess the noise
#
# Take a picture, choose a timestep, add noise, and let the network guess the noise. The loss is the
# squared error of its guess (Ho et al. 2020, eq. 14).
#
# In a batch every picture has its own timestep. So alpha and sigma have the shape (b,), and
# pictures have (b, c, h, w). Torch lines up shapes from the right: without a view, the levels
# would be spread over the columns. **Where b equals the width, there is not even an error.**

# %%
level = torch.tensor([0.1, 0.2, 0.3, 0.4])
ones = torch.ones(4, 1, 4, 4)
print("without a view, picture 0 becomes", (level * ones)[0, 0, 0].tolist())
print("with a view, it becomes          ", (level.view(-1, 1, 1, 1) * ones)[0, 0, 0].tolist())

# %% [markdown]
# ### Exercise 2.2
#
# Write the jump for a batch: `q(x_0, t, eps, alpha, sigma)`. t (b,) holds whole timesteps, alpha
# and sigma (T,) the table.


# %% tags=["exercise-2.2"]
def q(x_0, t, eps, alpha, sigma):
    return ...  # your code


# %%
L.check("2.2", q)

# %% [markdown]
# Two recipes, trained for the same number of steps:
#
# * **DLI's**: its network, its 150 betas, it guesses the noise, Adam;
# * **ours**: a U-Net with attention, a cosine schedule with T = 1000, it guesses v (a mixture of
#   noise and picture), noise levels where learning pays, Muon, and averaged weights.
#
# Their losses cannot be compared, because they guess different things.

# %%
count = L.pick(250, 3)
torch.manual_seed(0)
old = CourseUNet(T, 1, 28, (32, 32, 64), 8, 1)
adam = FitOptions(optimizer="adam", lr=1e-3, average=False)
old_losses = [step.loss for step in fit(old, ddpm, data.pixels, steps=count, options=adam)]
print(f"DLI's own size has {2_547_457:,} parameters; this smaller one has", end=" ")
print(f"{sum(p.numel() for p in old.parameters()):,}")

# %%
torch.manual_seed(0)
new, new_ddpm = recipe(1, 28, 1, sigma_data=0.6)
new_losses = [step.loss for step in fit(new, new_ddpm, data.pixels, steps=count)]
axis = list(range(1, count + 1))
L.plot(
    "loss",
    Plot("DLI's recipe", "step", "squared error of the noise", [Line("", axis, old_losses)]),
    Plot("ours", "step", "weighted error of v", [Line("", axis, new_losses)]),
)

# %% [markdown]
# ## 4. The way back
#
# From x_t and the guessed noise, one step back is known in closed form (Ho et al. 2020,
# algorithm 2): take a share of the guessed noise out, scale up, and add a little fresh noise.
# Without the fresh noise, the pictures would be too smooth; after the last step none is added.
#
# ### Exercise 2.3
#
# Write `step_back(x_t, eps_hat, t, betas, z)`: from timestep t to t - 1, with the fresh noise z,
# to which this step gives the variance `betas[t]`. At t = 0 the picture is finished. Without the
# paper at hand, `ddpm-clip course hint 2.3` says which shares these are.


# %% tags=["exercise-2.3"]
def step_back(x_t, eps_hat, t, betas, z):
    return ...  # your code


# %%
L.check("2.3", step_back)

# %% [markdown]
# `DDPM.reverse_q` is that step, and `DDPM.walk` takes all of them and yields each one.

# %%
c = torch.zeros(L.pick(8, 2), 1)
names = {"sampler": "dpmpp_2m", "steps": L.pick(20, 4), "seeds": list(range(len(c)))}
walk = list(new_ddpm.walk(new, c, **names))
shown = [walk[i] for i in range(0, len(walk), max(1, len(walk) // 5))] + walk[-1:]
L.show("walk", torch.cat([step.x_prev.clamp(-1, 1) for step in shown]), columns=len(c))

# %% [markdown]
# Now 100 digits of each recipe, each with the sampler that it was made for. The judge says how many
# are like real digits.

# %%
n = L.pick(100, 4)
c = torch.zeros(n, 1)
seeds = list(range(1000, 1000 + n))
old_x = ddpm.sample(old, c, sampler="ddpm", steps=L.pick(150, 4), seeds=seeds)
new_x = new_ddpm.sample(new, c, steps=L.pick(20, 4), seeds=seeds)
L.show("painted", torch.cat([old_x[:20], new_x[:20]]), columns=10)
taken = {
    "course": int(accepted("digits", old_x).sum()),
    "ours": int(accepted("digits", new_x).sum()),
}
spans = {name: "{:.2f} to {:.2f}".format(*wilson(k, n)) for name, k in taken.items()}
L.table(
    [{"recipe": name, "accepted": taken[name], "of": n, "interval": spans[name]} for name in taken]
)
L.claim(
    "2.b",
    "after equal steps, the judge accepts at least 30 points more of our digits",
    (taken["ours"] - taken["course"]) / n >= 0.30,
    {"accepted, ours": taken["ours"], "DLI's": taken["course"], "of": n},
)

# %% [markdown]
# Why is that so? The recipes differ in many things at once. Lesson 03 changes one thing at a time.
# Before that, one of them can be seen without any network.

# %% [markdown]
# ## 5. A world without networks
#
# Suppose all pictures are one number, drawn from a Gaussian with mean 0.8 and standard deviation
# 0.25. Then the perfect guess is known in a formula. Whatever goes wrong here is the fault of the
# schedule or of the sampler.

# %%
world = Gaussian(0.8, 0.25)


def painted(schedule, sampler, steps, **options):
    """Mean and standard deviation of 4,000 samples of the exact world."""
    generator = torch.Generator().manual_seed(7)

    def fresh(i):
        return torch.randn(4000, 1, 1, 1, generator=generator, dtype=torch.float64)

    grid = DDPM(schedule).grid(steps)
    walk = SAMPLERS[sampler](
        exact_predict(world, schedule), schedule, grid, fresh(-1), fresh, **options
    )
    x = list(walk)[-1].x_prev
    return float(x.mean()), float(x.std())


# %% [markdown]
# **The start.** Sampling begins with pure noise. With these 150 betas training never got there:

# %%
print(f"alpha at the last timestep: {float(schedule.alpha[-1]):.3f} of the 150 unscaled betas,")
print(f"                            {float(linear(150).alpha[-1]):.3f} if they are scaled to T")
unscaled_mean, unscaled_std = painted(schedule, "ddim", 150)
scaled_mean, scaled_std = painted(linear(150), "ddim", 150)
L.table(
    [
        {"betas": "unscaled", "mean": unscaled_mean, "std": unscaled_std},
        {"betas": "scaled to T", "mean": scaled_mean, "std": scaled_std},
        {"betas": "the truth", "mean": 0.8, "std": 0.25},
    ]
)
L.claim(
    "2.c",
    "150 unscaled betas shift the mean by at least .08, scaled ones by less than .02",
    abs(unscaled_mean - 0.8) >= 0.08 and abs(scaled_mean - 0.8) < 0.02,
    {"unscaled": unscaled_mean, "scaled": scaled_mean, "truth": 0.8},
    kind="exact",
)

# %% [markdown]
# **The number of timesteps.** The same betas for other T, without scaling: the bias goes only when
# the chain is long enough to end in noise.

# %%
lengths = L.pick([20, 50, 100, 150, 300, 600, 1000], [20, 150, 1000])
biases = []
for length in lengths:
    short = NoiseSchedule.from_betas(torch.linspace(1e-4, 0.02, length))
    biases.append(abs(painted(short, "dpmpp_2m", 20)[0] - 0.8))
bias = Line("unscaled betas", lengths, biases)
L.plot("bias", Plot("how far the mean is off", "T", "bias", [bias], xscale="log"))

# %% [markdown]
# **The sampler.** The old ancestral sampler needs many steps, whichever of the two usual variances
# it takes: with the larger one, beta, the result is too wide, with the smaller one, the
# posterior's, too narrow. A second-order solver needs few.

# %%
walks = L.pick([5, 10, 20, 50, 150], [5, 10, 20])
kinds = {
    "ancestral, beta": ("ddpm", {"variance": "beta"}),
    "ancestral, posterior": ("ddpm", {"variance": "posterior"}),
    "dpmpp_2m": ("dpmpp_2m", {}),
}
widths = {
    name: [painted(linear(150), sampler, steps, **options)[1] for steps in walks]
    for name, (sampler, options) in kinds.items()
}
lines = [Line(name, walks, values) for name, values in widths.items()]
truth = Line("truth", walks, [0.25] * len(walks), style="guide")
L.plot("width", Plot("standard deviation by steps", "steps", "std", [*lines, truth], xscale="log"))
fast, slow = widths["dpmpp_2m"][walks.index(10)], widths["ancestral, beta"][walks.index(20)]
L.claim(
    "2.d",
    "10 steps of dpmpp_2m are closer to the true width than 20 ancestral ones",
    abs(fast - 0.25) < abs(slow - 0.25),
    {"dpmpp_2m, 10 steps": fast, "ancestral, 20 steps": slow, "truth": 0.25},
    kind="exact",
)

# %% [markdown]
# ## 6. Schedules
#
# A schedule says how fast the noise grows. What matters most is where it ends: in pure noise. The
# cosine schedule spends more timesteps in the middle, where pictures are decided.

# %%
curves = []
for name, one in {
    "150 betas, unscaled": schedule,
    "linear, T = 150": linear(150),
    "linear, T = 1000": linear(1000),
    "cosine, T = 1000": cosine(1000),
    "linear, T = 20": linear(20),
}.items():
    share = [t / (one.T - 1) for t in range(one.T)]
    curves.append(
        Line(name, share[:: max(1, one.T // 40)], one.alpha.tolist()[:: max(1, one.T // 40)])
    )
L.plot("schedules", Plot("how much of the picture is left", "t / T", "alpha", curves))

# %% [markdown]
# Four timesteps are few, and T = 20 with 20 steps is a coarse walk. Is it the number of timesteps
# in training, or the number of steps in sampling?

# %%
coarse = painted(linear(20), "ddpm", 20)[1]
fine = painted(linear(1000), "ddpm", 20)[1]
L.claim(
    "2.e",
    "with 20 steps each, T = 20 is no worse than T = 1000: steps matter, not timesteps",
    abs(coarse - 0.25) < abs(fine - 0.25) + 0.02,
    {"std, T = 20": coarse, "T = 1000": fine, "truth": 0.25},
    kind="told",
)

# %%
for id in ("2.Q1", "2.Q2", "2.Q3", "2.Q4"):
    L.quiz(id)  # answer with L.quiz("2.Q1", "a")

# %% [markdown]
# ## Pitfalls
#
# * At t = 0 no noise is added. Forget it, and every picture has a fine grain.
# * Clamping x_0 to [-1, 1] hides mistakes. When something is wrong, sample with `clamp="none"`
#   first.
# * The loss of a network that guesses noise and of one that guesses v cannot be compared.
#
# **Next**: lesson 03 takes the network apart.
