# %% [markdown]
# # 09 Memorisation
#
# **You learn**: that the perfect denoiser copies its training pictures, and how to see whether
# yours does.
#
# **You need**: lesson 02.
#
# **It takes**: about 120 seconds on two idle cores.
#
# **It buys**: a test for copies that you can run on any model, and a feeling for how many pictures
# are enough.
#
# Figures: `ideal`, `suspects`, `losses`.

# %%
import torch

from ddpm_clip import TextToImage
from ddpm_clip.course import lesson
from ddpm_clip.course.exact import IdealDenoiser
from ddpm_clip.course.fitting import FitOptions, fit, heldout_errors, recipe
from ddpm_clip.course.pictures import flowers
from ddpm_clip.diffusion.schedules import cosine
from ddpm_clip.evaluation.metrics.features import pixel_features
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.evaluation.report.nearest_sheet import nearest_sheet
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.tensors import stack_pictures, to_float

L = lesson("09")
data, heldout = flowers(L.pick(2500, 160), 16, seed=9).split(L.pick(500, 60))
train, test = pixel_features(data.pixels), pixel_features(heldout.pixels)

# %% [markdown]
# ## 1. The perfect denoiser
#
# Training asks a network for the mean of all pictures that could have led to x_t. If there are no
# pictures but those of the training set, this mean can be computed: each of them, weighted by the
# probability that x_t was made from it.
#
# ### Exercise 9.1
#
# Write `ideal_denoiser(x_t, alpha, sigma, train)`. By Bayes' rule, the weight of a picture is
# proportional to the density of x_t around alpha times that picture, with standard deviation
# sigma.


# %% tags=["exercise-9.1"]
def ideal_denoiser(x_t, alpha, sigma, train):
    return ...  # your code


# %%
L.check("9.1", ideal_denoiser)

# %% [markdown]
# No network can have a smaller training loss. So let it paint. An **audit** then looks for the
# nearest training picture of each painted one, and for the nearest of pictures that were held out.

# %%
schedule = cosine(1000)
perfect = DDPM(schedule, parameterization="x_0")
n = L.pick(100, 20)
c, seeds = torch.zeros(n, 1), list(range(n))
ideal = IdealDenoiser(to_float(data.pixels), schedule)
painted = perfect.sample(ideal, c, seeds=seeds, steps=L.pick(20, 10))
found = audit(pixel_features(painted), train, test)
L.show("ideal", nearest_sheet(painted, data.pixels, heldout.pixels, found, n=8))
L.claim(
    "9.a",
    "what the perfect denoiser paints is judged as copies",
    found.verdict == "copies",
    {"copies": found.duplicates, "of": found.n, "verdict": found.verdict},
    kind="exact",
)

# %% [markdown]
# Above each column stands how much nearer the training picture is than the held-out one. 0 is a
# copy.
#
# So a diffusion model that paints anything new does so **because its network is not perfect**: it
# cannot tell pictures apart as finely as the formula does, and what it mixes is new.
#
# ## 2. How many pictures are enough?
#
# The same network, the same number of steps, on few and on many pictures.

# %%
sizes = L.pick([10, 60, len(data)], [10, len(data)])
count, audits, losses, sheets = L.pick(220, 3), {}, {}, {}
for size in sizes:
    torch.manual_seed(0)
    network, ddpm = recipe(3, 16, 1)
    for _ in fit(network, ddpm, data.pixels[:size], steps=count, options=FitOptions(drop=0.0)):
        pass
    x = ddpm.sample(network, c, seeds=seeds, steps=L.pick(20, 4))
    audits[size] = audit(pixel_features(x), train[:size], test)
    sheets[size] = x
    known = heldout_errors(network, ddpm, data.pixels[:size].repeat(max(1, 200 // size), 1, 1, 1))
    losses[size] = float(known.mean()), float(heldout_errors(network, ddpm, heldout.pixels).mean())

# %%
L.table(
    [
        {
            "pictures": size,
            "copies": f"{one.duplicates} of {one.n}",
            "nearer to training": f"{one.share:.0%}",
            "verdict": one.verdict,
            "training loss": losses[size][0],
            "held-out loss": losses[size][1],
        }
        for size, one in audits.items()
    ]
)
first = sizes[0]
x = sheets[first]
L.show("suspects", nearest_sheet(x, data.pixels[:first], heldout.pixels, audits[first], n=8))
lines = [
    Line("training", sizes, [losses[size][0] for size in sizes]),
    Line("held out", sizes, [losses[size][1] for size in sizes]),
]
L.plot("losses", Plot("loss by number of pictures", "pictures", "loss", lines, xscale="log"))

# %%
last = sizes[-1]
L.claim(
    "9.b",
    "trained on 10 pictures the network copies, trained on 2,000 it is clear",
    audits[first].verdict == "copies" and audits[last].verdict == "clear",
    {"10 pictures": audits[first].verdict, "all": audits[last].verdict},
)
ratios = [losses[size][1] / losses[size][0] for size in sizes]
L.claim(
    "9.c",
    "the ratio of held-out to training loss falls with the number of pictures",
    ratios == sorted(ratios, reverse=True),
    {f"{size} pictures": ratio for size, ratio in zip(sizes, ratios, strict=True)},
)

# %% [markdown]
# ## 3. A model that ships
#
# The shipped flowers were drawn by a program, so we can draw others that it has never seen, and as
# many that it has. Is what it paints nearer to those it has seen?

# %%
tti = TextToImage.from_pretrained("flowers")
few = L.pick(300, 60)
seen, unseen = flowers(few, 32, seed=0), flowers(few, 32, seed=77)
prompts = ["a red rose", "an orange sunflower", "a white daisy", "a blue violet"]
pictures = tti(prompts, n=L.pick(15, 2), seed=0, steps=L.pick(20, 4))
x = stack_pictures(pictures, 32, 3)
own = audit(pixel_features(x), pixel_features(seen.pixels), pixel_features(unseen.pixels))
L.claim(
    "9.d",
    "the shipped flowers are not nearer to what they were trained on",
    own.verdict == "clear",
    {"verdict": own.verdict, "copies": own.duplicates, "nearer to training": own.share},
    kind="told",
)

# %% [markdown]
# ## What an audit cannot prove
#
# It finds copies of pixels. A picture that is moved, mirrored or recoloured is far away in pixels,
# and still it may be a copy of an idea. And "clear" means that nothing was found with so many
# pictures, not that nothing is there.
