# %% [markdown]
# # Demo: digits from words
#
# What a small CLIP knows of handwritten digits, and what a diffusion model paints from its words.
# Both ship with the package; nothing is downloaded. It takes about a minute on two idle cores.
#
# As a script, `python examples/demo_notebook.py` writes its files below `outputs/demo/`. (The
# program behind `make demo`, which also trains a model, is `examples/demo.py`.)

# %%
import math
import os
from pathlib import Path

import torch
from PIL import Image

from ddpm_clip import TextToImage
from ddpm_clip.course.pictures import digits
from ddpm_clip.course.reading import read, right
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.editing.arcs import between
from ddpm_clip.editing.interpolation import interpolate
from ddpm_clip.editing.sheets import morph, strip
from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace, compass, similarity
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Plot, draw_plots
from ddpm_clip.utils.plots.maps import compass_plot
from ddpm_clip.utils.tensors import stack_pictures, to_float, to_picture
from ddpm_clip.utils.visualization import grid, save_gif, tensor_grid

SMOKE = os.environ.get("EXAMPLES_SMOKE") == "1"  # the smallest size that runs
HOME = Path("outputs") / "demo"
HOME.mkdir(parents=True, exist_ok=True)
WORDS = list(DIGITS)


def show(path: Path) -> None:
    """Show a file below the cell in a notebook; elsewhere say where it is."""
    if "get_ipython" in globals():
        from IPython.display import Image as Shown
        from IPython.display import display

        display(Shown(filename=str(path)))
    else:
        print(path)


# %% [markdown]
# ## 1. Reading four digits
#
# The CLIP has a vector for each picture and for each word. To read a picture, take the word whose
# vector is nearest. Nobody trained a classifier, hence **zero-shot**. Bars to the left are words
# that the picture is *un*like.

# %%
data = digits(40 if SMOKE else 200, real=False)
print(data.origin)
space = EmbeddingSpace.open("digits", "cpu")
images = [to_picture(one) for one in to_float(data.pixels)]
labels = [one["digit"] for one in data.facts]
chosen = [labels.index(word) for word in ("three", "six", "seven", "nine")]
grid([[images[i] for i in chosen]], column_names=[labels[i] for i in chosen])

# %%
four, names = [images[i] for i in chosen], [labels[i] for i in chosen]
scores = similarity(space, four, WORDS, names).scores  # (words, pictures)
plots = [
    Plot(f"a {name}", "cosine", bars={"": list(zip(WORDS, column.tolist(), strict=True))})
    for name, column in zip(names, scores.T, strict=True)
]
show(draw_plots(plots, HOME / "zero-shot.png", columns=2))
everything = similarity(space, images, WORDS, labels).scores.argmax(0).tolist()
hits = sum(WORDS[row] == label for row, label in zip(everything, labels, strict=True))
print(f"nearest word right: {hits} of {len(labels)}")

# %% [markdown]
# ## 2. The compass
#
# The space has many dimensions; this is the plane in which the pictures differ most. Arrows are
# words, dots pictures. In two dimensions ten words would have to share a circle, where neighbours
# cannot be less alike than the cosine of 36°. In the real space they need not:

# %%
found = compass(space, images, labels, WORDS)
points = {word: [] for word in WORDS}
for point, label in zip(found.points.tolist(), found.labels, strict=True):
    points[label].append(point)
arrows = dict(zip(found.texts, found.arrows.tolist(), strict=True))
show(compass_plot(points, arrows, HOME / "compass.png", title="words and pictures in a plane"))
e = space.texts(WORDS)
nearest = (e @ e.T - 2 * torch.eye(10)).amax(0)
print(f"on a circle, neighbours have a cosine of {math.cos(math.radians(36)):.2f};", end=" ")
print(f"here the nearest other word has {nearest.mean():.2f} on average")

# %% [markdown]
# ## 3. Ten words, sixteen pictures each
#
# The first seeds, nothing chosen. A judge, trained apart from the model on real digits, reads them.

# %%
painter = TextToImage.from_pretrained("digits", "cpu")
each, steps = (2, 3) if SMOKE else (16, 20)
pictures = painter(WORDS, n=each, seed=0, steps=steps)
x = stack_pictures(pictures, 28, 1)
asked = [word for word in WORDS for _ in range(each)]
print(f"read as asked: {int(right('digits', x, asked).sum())} of {len(asked)}")
tensor_grid(x, each, row_names=WORDS)

# %% [markdown]
# ## 4. From three to two
#
# Words are points, so there is a way from one to the other. All frames start from the same noise,
# and only the condition moves. It moves on an **arc**, so that it is as long on the way as at both
# ends. On the straight line it would be shorter in the middle, and shorter means less sure.

# %%
settings = painter.settings(n=2, seed=5, steps=steps)
frames = finish(interpolate(painter, "three", "two", settings, frames=3 if SMOKE else 11))
strip(frames)

# %%
seen = read("digits", stack_pictures([one.image for one in frames], 28, 1))
half = len(frames) // 2
print("seed 5:", " ".join(seen[:half]))
print("seed 6:", " ".join(seen[half:]))
a, b = painter.conditions(["three", "two"], settings, [0, 0]).split(1)
dim = painter.model.conditioner.dim
for share in (0.0, 0.5, 1.0):
    arc, line = between(a, b, share, dim)[:, :dim].norm(), torch.lerp(a, b, share)[:, :dim].norm()
    print(f"share {share}: length on the arc {arc:.1f}, on the straight line {line:.1f}")

# %%
show(save_gif(morph(frames), HOME / "three-two.gif"))

# %% [markdown]
# ## 5. Out of noise
#
# One walk, seen through what the network takes the picture to be at each step.

# %%
walk = list(painter.walk(WORDS, n=1, seed=1, steps=steps))
predicted = [tensor_grid(step.pred.x_0, 10) for step in walk]
show(save_gif(predicted, HOME / "emerging.gif", interval=200))
some = walk[:: max(1, len(walk) // 6)]
rows = [[to_picture(one) for one in step.pred.x_0.clamp(-1, 1)] for step in some]
sheet: Image.Image = grid(rows, row_names=[f"step {step.i}" for step in some])
sheet.save(HOME / "emerging.png")
show(HOME / "emerging.png")

# %% [markdown]
# ## Next
#
# Lesson 00 of the course (`ddpm-clip course start`) trains such a CLIP from scratch, in two
# dimensions and in 64.
