# %% [markdown]
# # 04 Guidance
#
# **You learn**: how a network is told what to paint, and how guidance makes it listen.
#
# **You need**: lesson 03, or at least 02.
#
# **It takes**: about 150 seconds on two idle cores.
#
# **It buys**: any digit on request. You see what the guidance weight does to the share of right
# digits, and what it costs.
#
# Figures: `classes`, `flowers`, `weights`, `sweep`, `curves`, `clamps`.

# %%
import torch

from ddpm_clip.course import lesson
from ddpm_clip.course.fitting import fit, recipe
from ddpm_clip.course.pictures import digits, flowers
from ddpm_clip.course.reading import right, saturated
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.visualization import tensor_grid

L = lesson("04")
data = digits(L.pick(1500, 40))
words, c = data.values("digit"), data.one_hot("digit")
print(data.origin)

# %% [markdown]
# ## 1. A condition
#
# The digit is told as ten numbers: a 1 at its place, zeros elsewhere. The network turns them into a
# factor and a shift for each channel of its maps (FiLM). So one network paints ten kinds of
# pictures.
#
# **One trick makes guidance possible.** In training, the condition of one picture in ten is
# dropped. So the network learns pictures in general as well. A dropped condition is not a row of
# zeros: the network has a **null** of its own, which it learns.

# %%
print("the condition of a", data.facts[6]["digit"], "is", c[6].int().tolist())
mask = DDPM.get_context_mask(c[:12], 0.1, torch.Generator().manual_seed(3))
print("a mask for 12 pictures:", mask.flatten().int().tolist(), "of shape", tuple(mask.shape))

# %% [markdown]
# ### Exercise 4.1
#
# Write `context_mask(b, drop, generator)`: a column (b, 1) of ones and zeros. 0 drops a condition,
# with probability `drop`. Draw from the given generator only, so that a training can be repeated.


# %% tags=["exercise-4.1"]
def context_mask(b, drop, generator):
    return ...  # your code


# %%
L.check("4.1", context_mask)

# %%
L.quiz("4.Q2")  # answer with L.quiz("4.Q2", "a")

# %% [markdown]
# ## 2. Training

# %%
torch.manual_seed(0)
network, ddpm = recipe(1, 28, 10, sigma_data=0.6)
for step in fit(network, ddpm, data.pixels, c, steps=L.pick(350, 3)):
    if step.step % 100 == 0:
        print(f"step {step.step}: loss {step.loss:.3f}")

# %%
each = L.pick(8, 1)
asked = torch.eye(10).repeat_interleave(each, dim=0)
options = {"steps": L.pick(20, 4)}
x = ddpm.sample(network, asked, scale=2.0, seeds=list(range(each)) * 10, **options)
L.show("classes", x, columns=each, row_names=words)

# %% [markdown]
# The same with flowers in colour, asked for by the colour of their petals. Each column has one
# noise, so you see what the condition changes and what the noise decides.

# %%
garden = flowers(L.pick(1500, 40), 16, seed=4)
colours = garden.values("petals")
torch.manual_seed(0)
painter, painter_ddpm = recipe(3, 16, len(colours))
training = fit(painter, painter_ddpm, garden.pixels, garden.one_hot("petals"), steps=L.pick(150, 3))
print(f"last loss: {[step.loss for step in training][-1]:.3f}")
each = L.pick(6, 1)
asked = torch.eye(len(colours)).repeat_interleave(each, dim=0)
x = painter_ddpm.sample(
    painter, asked, scale=2.0, seeds=list(range(each)) * len(colours), **options
)
L.show("flowers", x, columns=each, row_names=colours)

# %% [markdown]
# ## 3. The weight
#
# The network can be asked twice: with the condition, and without. Guidance goes from the second
# answer to the first, **and on beyond it**:
#
# ```
# guided = (1 + w) cond - w uncond
# ```
#
# w = 0 is the plain conditional answer, w = -1 the answer without a condition. Many programs use
# the **scale** s = 1 + w instead. Look which one is meant before you type a number: in this
# library, `scale` is s, and `sample_w` takes w.
#
# ### Exercise 4.2
#
# Write `guided(cond, uncond, w)`.


# %% tags=["exercise-4.2"]
def guided(cond, uncond, w):
    return ...  # your code


# %%
L.check("4.2", guided)

# %% [markdown]
# ### Exercise 4.3
#
# Write `converted(w, s)`: it returns two numbers, the scale that means w, and the weight that means
# s.


# %% tags=["exercise-4.3"]
def converted(w, s):
    return ...  # your code


# %%
L.check("4.3", converted)

# %%
L.quiz("4.Q1")  # answer with L.quiz("4.Q1", "a")

# %% [markdown]
# At s = 1 and at s = 0 only one of the two answers is needed, and the library asks for no other.
# So these two must be equal bit for bit to a network that is never, or always, asked without
# condition.


# %%
class Always:
    """The network with a mask that is always the same."""

    def __init__(self, network, kept):
        self.network, self.kept = network, kept
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def __call__(self, x_t, t, c, c_mask):
        return self.network(x_t, t, c, torch.full_like(c_mask, self.kept))


few = torch.eye(10)[:4]
short = {"steps": 4, "seeds": [1, 2, 3, 4]}
kept, dropped = Always(network, 1.0), Always(network, 0.0)
plain = ddpm.sample(network, few, scale=1.0, **short)
none = ddpm.sample(network, few, scale=0.0, **short)
same = {
    "s = 1": torch.equal(plain, ddpm.sample(kept, few, scale=1.0, **short)),
    "s = 0": torch.equal(none, ddpm.sample(dropped, few, scale=1.0, **short)),
}
mixed = ddpm.sample(network, few, scale=torch.tensor([1.0, 0.0, 1.0, 0.0]), **short)
off = max(float((mixed[0] - plain[0]).abs().max()), float((mixed[1] - none[1]).abs().max()))
L.claim(
    "4.a",
    "s = 1 is the conditional answer and s = 0 the other, bit for bit; in a mixed batch to 1e-5",
    all(same.values()) and off < 1e-5,
    {**same, "largest difference in a mixed batch": off},
    kind="exact",
)

# %% [markdown]
# ## 4. A sweep
#
# Every column below starts from the same noise and asks for the same digit. Only w changes.

# %%
weights = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
each = L.pick(6, 1)
asked = torch.eye(10).repeat_interleave(each, dim=0)
wanted = [word for word in words for _ in range(each)]
seeds = list(range(500, 500 + len(asked)))
swept = ddpm.sample_w(network, asked, weights, seeds=seeds, **options)  # (7, n, 1, 28, 28)
first = swept[:, ::each]
L.show("weights", first.flatten(0, 1), columns=10, row_names=[f"w = {w:g}" for w in weights])
frames = [tensor_grid(first[i], 5, column_names=[f"w = {w:g}"]) for i, w in enumerate(weights)]
L.show("sweep", frames)

# %%
n = len(asked)
counts = [int(right("digits", one, wanted).sum()) for one in swept]
ends = [saturated(one) for one in swept]
spans = ["{:.2f} to {:.2f}".format(*wilson(k, n)) for k in counts]
L.table(
    [
        {
            "w": w,
            "s": 1 + w,
            "right digit": f"{k} of {n}",
            "interval": span,
            "values at an end": end,
        }
        for w, k, span, end in zip(weights, counts, spans, ends, strict=True)
    ]
)
share = Line("right digits", weights, [k / n for k in counts])
L.plot(
    "curves", Plot("", "w", "share", [share, Line("values at an end", weights, ends)], ylim=(0, 1))
)

# %%
at = dict(zip(weights, counts, strict=True))
L.claim(
    "4.b",
    "at w = 1 at least 50 points more digits are right than without a condition (w = -1)",
    (at[1.0] - at[-1.0]) / n >= 0.50,
    {"right at w = 1": at[1.0], "at w = -1": at[-1.0], "of": n},
)
L.claim(
    "4.c",
    "without a condition the digits are right by chance, within 10 points",
    abs(at[-1.0] / n - 0.1) <= 0.10,
    {"right at w = -1": at[-1.0], "of": n},
)
best = max(weights, key=lambda w: at[w])
L.claim(
    "4.d",
    "the largest weight of the sweep is not the best one",
    best != weights[-1],
    {"best w": best, "right there": at[best], "right at w = 2": at[2.0]},
    kind="told",
)
L.claim(
    "4.e",
    "more guidance means more values at the ends of the range",
    ends[-1] > ends[weights.index(0.0)],
    {"share at w = 0": ends[weights.index(0.0)], "at w = 2": ends[-1]},
    kind="told",
)

# %% [markdown]
# ## 5. When guidance is too strong
#
# A guided picture may leave the range of real ones. Three remedies: **clamp** each predicted
# picture to the range; **rescale** its contrast to that of the conditional answer; guide only
# within an **interval** of noise levels. A **negative condition** replaces the null: away from a
# nine, say.

# %%
six = torch.eye(10)[6:7].repeat(L.pick(8, 1), 1)
nine = torch.eye(10)[9:10].expand_as(six)
seeds = list(range(len(six)))
ways = {
    "s = 6, no clamp": {"clamp": "none"},
    "static clamp": {"clamp": "static"},
    "dynamic clamp": {"clamp": "dynamic"},
    "rescale 0.7": {"clamp": "none", "rescale": 0.7},
    "interval 0.2 to 3": {"clamp": "none", "interval": (0.2, 3.0)},
    "away from nine": {"clamp": "static", "c_neg": nine},
}
made = [
    ddpm.sample(network, six, scale=6.0, seeds=seeds, **way, **options) for way in ways.values()
]
L.show("clamps", torch.cat(made), columns=len(six), row_names=list(ways))
L.claim(
    "4.f",
    "rescaling leaves fewer values at the ends than no clamp at all",
    saturated(made[3]) < saturated(made[0]),
    {"no clamp": saturated(made[0]), "rescaled": saturated(made[3])},
    kind="told",
)

# %% [markdown]
# ## 6. A mistake that does not show here
#
# DLI's course draws one number for **each number of the condition**, not for each picture. For
# a one-hot row that hardly matters: its only 1 is dropped in a tenth of all draws, and then all of
# the row is zero, as it should be.

# %%
rows = torch.eye(10).repeat(1000, 1)
elements = DDPM.get_context_mask(rows, 0.1, torch.Generator().manual_seed(0), mode="element")
empty = float((rows * elements == 0).all(1).float().mean())
L.claim(
    "4.g",
    "of one-hot rows, a mask of single numbers empties a tenth, within one point",
    abs(empty - 0.1) < 0.01,
    {"rows that are all zero": empty},
    kind="exact",
)

# %% [markdown]
# With a CLIP's condition of a hundred numbers it is another story. That is lesson 05b.
#
# ## A pitfall
#
# Strong guidance at the noisiest timesteps gives every seed the same picture: all of them are led
# to the most typical one before the noise had a say. The interval helps.
#
# **Next**: lesson 05 asks with words.
