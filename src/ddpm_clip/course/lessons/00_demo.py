# %% [markdown]
# # 00 Demo: words and digits on a circle
#
# **You see**: the whole way once, from words to pictures. Nothing has to be understood yet.
#
# **You need**: Python. No GPU, no network, no data.
#
# **It takes**: about 60 seconds on two idle cores.
#
# **It buys**: a picture of what the other lessons are about.
#
# Figures: `digits`, `compass`, `bars`, `strip`, `morph`.

# %%
import math
from itertools import pairwise

import torch

from ddpm_clip import TextToImage
from ddpm_clip.course import lesson
from ddpm_clip.course.pictures import digits
from ddpm_clip.course.reading import right
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.editing.interpolation import interpolate
from ddpm_clip.editing.sheets import morph, strip
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace, compass, similarity
from ddpm_clip.training.clip.contrastive import train_clip
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Plot
from ddpm_clip.utils.plots.maps import compass_plot
from ddpm_clip.utils.tensors import stack_pictures, to_float, to_picture

L = lesson("00")
words = list(DIGITS)

# %% [markdown]
# ## 1. From words to pictures
#
# The model `digits` comes with the package. It paints what a word says, from noise, in a few steps.

# %%
tti = TextToImage.from_pretrained("digits")
each = L.pick(16, 2)
pictures = tti(words, n=each, seed=0, steps=L.pick(20, 4))
x = stack_pictures(pictures, 28, 1)  # (10 * each, 1, 28, 28) in [-1, 1]
L.show("digits", x, columns=each, row_names=words)

# %% [markdown]
# Are these digits? You can look. A **judge** looks too: a small network that was trained on real
# digits, apart from the model. It reads each picture, or says that it is not like a real one.

# %%
asked = [word for word in words for _ in range(each)]
read = int(right("digits", x, asked).sum())
L.claim(
    "0.a",
    "the judge accepts at least 98 % of the digits, and reads what was asked for",
    read >= 0.98 * len(asked),
    {"read as asked": read, "of": len(asked)},
)

# %% [markdown]
# ## 2. A space for pictures and words
#
# How does the model know what "six" means? A **CLIP** puts pictures and words into one space, so
# that a picture lies near the word that fits it. Here is a tiny one, trained from scratch. Its
# space has only two dimensions, so that we can draw all of it.
#
# All vectors have length 1. In two dimensions they lie on a circle.

# %%
data, heldout = digits(L.pick(1000, 60)).split(L.pick(200, 20))
print(data.origin)


def trained_clip(dim, steps):
    torch.manual_seed(0)
    clip = MiniClip(1, 28, dim, 16, 64, max_inverse_temperature=100)
    for step in train_clip(clip, data.pixels, data.facts, steps=steps, batch_size=96, lr=3e-3):
        if step.step % 150 == 0:
            print(f"step {step.step}: loss {step.loss:.2f}")
    return EmbeddingSpace(f"{dim} dimensions", clip.eval())


flat = trained_clip(2, L.pick(450, 3))

# %%
images = [to_picture(one) for one in to_float(heldout.pixels)]
labels = [one["digit"] for one in heldout.facts]
found = compass(flat, images, labels, words)
points = {word: [] for word in words}
for point, label in zip(found.points.tolist(), found.labels, strict=True):
    points[label].append(point)
arrows = dict(zip(found.texts, found.arrows.tolist(), strict=True))
L.show("compass", compass_plot(points, arrows, L.path("compass"), title="words and pictures"))

# %% [markdown]
# Each arrow is a word, each dot a picture that the CLIP has not seen in training. A dot near its
# arrow has been understood.
#
# To read a picture, take the word with the nearest arrow. This is called **zero-shot**
# classification: nobody has trained a classifier.

# %%
L.claim(
    "0.b",
    "in two dimensions, at least 90 % of held-out digits are nearest to their own word",
    (found.agree or 0) >= 0.90,
    {"nearest word is right": found.agree},
)

# %% [markdown]
# Ten words share one circle. However they are placed, some neighbours must be close.

# %%
angles = torch.arange(10) * 2 * math.pi / 10
best = torch.stack([angles.cos(), angles.sin()], dim=1)  # the ten words, evenly spread
alike = float((best @ best.T - 2 * torch.eye(10)).max())
L.claim(
    "0.c",
    "ten words on a circle cannot all be less alike than the cosine of 36 degrees",
    abs(alike - math.cos(math.radians(36))) < 1e-6,
    {"cosine of neighbours": alike},
    kind="exact",
)

# %% [markdown]
# ### Exercise 0.1
#
# If n words are spread evenly on a circle, what is the cosine of two neighbours? Write the function
# and run the cell below it. Try it by hand first: for n = 4 the answer is 0.


# %% tags=["exercise-0.1"]
def neighbour_cosine(n):
    return ...  # your code


# %%
L.check("0.1", neighbour_cosine)

# %% [markdown]
# ## 3. More dimensions, more room
#
# The same CLIP with 64 dimensions. Words can now lie at right angles, and most of them do. Watch
# the **margin**: how much nearer the right word is than the next best one.

# %%
roomy = trained_clip(64, L.pick(450, 3))


def scores_of(space):
    """Cosines (words, pictures) and the mean margin of the right word."""
    scores = similarity(space, images, words, labels).scores
    own = torch.tensor([words.index(label) for label in labels])
    mine = scores[own, torch.arange(len(labels))]
    others = scores.scatter(0, own[None], -2.0).amax(0)
    return scores, float((mine - others).mean())


flat_scores, flat_margin = scores_of(flat)
roomy_scores, roomy_margin = scores_of(roomy)

# %%
picture = labels.index("six")
plots = [
    Plot(f"{space.name}: a six", "cosine", bars={"": list(zip(words, row.tolist(), strict=True))})
    for space, row in ((flat, flat_scores[:, picture]), (roomy, roomy_scores[:, picture]))
]
L.plot("bars", *plots)
L.claim(
    "0.d",
    "with 64 dimensions the margin to the runner-up is at least twice as large as with 2",
    roomy_margin >= 2 * flat_margin,
    {"margin in 2 dimensions": flat_margin, "in 64": roomy_margin},
)

# %%
L.quiz("0.Q1")  # answer with L.quiz("0.Q1", "a")

# %% [markdown]
# ## 4. Between two words
#
# Words are points, so there is a way from one to another. All frames begin with the same noise, and
# only the condition moves, along an arc.

# %%
settings = tti.settings(n=1, seed=3, steps=L.pick(20, 4))
frames = finish(interpolate(tti, "six", "zero", settings, frames=L.pick(9, 3)))
L.show("strip", strip(frames))
L.show("morph", morph(frames))

# %% [markdown]
# When does the six become a zero? The judge reads each frame.

# %%
along = stack_pictures([one.image for one in frames], 28, 1)
seen = ["six" if bool(right("digits", one[None], ["six"])) else "other" for one in along]
changes = sum(a != b for a, b in pairwise(seen))
L.claim(
    "0.e",
    "the class changes once along the arc",
    changes == 1,
    {"frames read as six": seen.count("six"), "of": len(seen), "changes": changes},
    kind="told",
)

# %% [markdown]
# ## A pitfall
#
# This CLIP was told one fact of each picture: its digit. If it were also told how thick or how
# slanted a stroke is, two dimensions would not do: each further fact needs room of its own.
#
# **Next**: lesson 01, the network that all of this rests on.
