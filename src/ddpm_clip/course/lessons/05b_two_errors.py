# %% [markdown]
# # 05b Two errors nobody saw
#
# **You learn**: how to find a mistake that raises no error, by measuring.
#
# **You need**: lesson 05.
#
# **It takes**: about 200 seconds on two idle cores.
#
# **It buys**: two mistakes of NVIDIA DLI's course, found and mended. One makes guidance burn the
# pictures, the other loses half of the words.
#
# Figures: `arms`, `guidance`, `gap`, `bridges`.

# %%
import torch
from torch import nn

from ddpm_clip import TextToImage
from ddpm_clip.course import lesson
from ddpm_clip.course.fitting import FitOptions, fit, recipe
from ddpm_clip.course.petal_colour import PetalMeter
from ddpm_clip.course.pictures import digits, flowers
from ddpm_clip.course.reading import right, saturated
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.evaluation.clip.similarity import EmbeddingSpace
from ddpm_clip.evaluation.gap.plot import draw_gap
from ddpm_clip.evaluation.gap.study import study_model
from ddpm_clip.evaluation.metrics.diversity import diversity
from ddpm_clip.evaluation.metrics.features import pixel_features
from ddpm_clip.evaluation.prompts.cases import PromptCase
from ddpm_clip.evaluation.prompts.ceiling import from_pictures
from ddpm_clip.generation.request import SamplingOverrides, requests_for
from ddpm_clip.models.ddpm import DDPM
from ddpm_clip.runs.pretrained import load
from ddpm_clip.statistics.means import means
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Line, Plot
from ddpm_clip.utils.tensors import stack_pictures, to_float

L = lesson("05b")

# %% [markdown]
# ## 1. The mask
#
# In training, conditions are dropped now and then, so that the network also learns pictures without
# any. DLI's course does it like this:
#
# * draw one number for **each number** of the condition, and multiply;
# * take **zeros** for "no condition".
#
# With a one-hot condition that did no harm (lesson 04). A CLIP's condition has 96 numbers. How
# often are all of them dropped at once?
#
# ### Exercise 5b.1
#
# Write `p_all_dropped(drop, e, by_row)`: the probability that all e numbers of a condition are
# dropped, if one number is drawn for the whole row, or one for each number.


# %% tags=["exercise-5b.1"]
def p_all_dropped(drop, e, by_row):
    return ...  # your code


# %%
L.check("5b.1", p_all_dropped)

# %%
rows = torch.ones(10_000, 96)
drawn = {
    mode: DDPM.get_context_mask(rows, 0.1, torch.Generator().manual_seed(0), mode=mode)
    for mode in ("sample", "element")
}
empty = {mode: int((rows * mask == 0).all(1).sum()) for mode, mask in drawn.items()}
L.claim(
    "5b.a",
    "a mask of rows drops a tenth of 10,000 conditions whole, a mask of numbers none",
    abs(empty["sample"] - 1000) < 100 and empty["element"] == 0,
    {"rows": empty["sample"], "numbers": empty["element"]},
    kind="exact",
)

# %% [markdown]
# So the network is never asked without a condition in training. But guidance asks it so at every
# step of sampling.
#
# What does it answer to a question that it has never been asked? Four networks: two masks, two ways
# of saying "nothing".


# %%
class Conditioned(nn.Module):
    """A network whose mask may be of rows or of numbers, and whose null may be zeros or learned."""

    def __init__(self, network, learned):
        super().__init__()
        self.network, self.learned = network, learned
        self.image_shape, self.c_embed_dim = network.image_shape, network.c_embed_dim

    def forward(self, x_t, t, c, c_mask):
        kept = (c_mask.sum(1, keepdim=True) > 0).float()  # (b, 1): is anything left of it?
        kept = kept if self.learned else torch.ones_like(kept)
        return self.network(x_t, t, c * c_mask, kept)


# %% [markdown]
# The conditions are as DLI's course has them: embeddings of length 11, not centred.

# %%
space = EmbeddingSpace.open("flowers")
data, heldout = flowers(L.pick(3000, 60), 16, seed=6).split(L.pick(200, 20))


@torch.no_grad()
def conditions(pixels):
    """Embeddings (n, 96) of length 11."""
    parts = [space.embedder.embed_pixels(to_float(one)) for one in pixels.split(256)]
    return 11 * torch.cat(parts)


c, c_heldout = conditions(data.pixels), conditions(heldout.pixels)
arms = {
    "numbers, zeros": ("element", False),
    "numbers, learned": ("element", True),
    "rows, zeros": ("sample", False),
    "rows, learned": ("sample", True),
}
networks = {}
for name, (mask, learned) in arms.items():
    torch.manual_seed(0)
    network, ddpm = recipe(3, 16, 96)
    networks[name] = Conditioned(network, learned)
    options = FitOptions(mask=mask)
    losses = [
        s.loss
        for s in fit(networks[name], ddpm, data.pixels, c, steps=L.pick(220, 3), options=options)
    ]
    print(f"{name}: last loss {losses[-1]:.3f}")

# %% [markdown]
# First look: the loss **without a condition**, on held-out flowers, each with one fixed timestep
# and noise. The first arm is DLI's, the last one ours.


# %%
@torch.no_grad()
def null_errors(network):
    """Error (n,) of each held-out picture, asked without a condition."""
    draws = torch.Generator().manual_seed(9)
    x_0, n = to_float(heldout.pixels), len(heldout)
    t = ddpm.draw_timesteps(n, draws)
    eps = torch.randn(x_0.shape, generator=draws)
    return ddpm.errors(network, x_0, t, c_heldout, torch.zeros(n, 1), eps)


nulls = {name: null_errors(network) for name, network in networks.items()}
bug, ours = "numbers, zeros", "rows, learned"
L.claim(
    "5b.b",
    "asked without a condition, DLI's arm has an error at least 1.1 times ours",
    float(nulls[bug].mean()) >= 1.1 * float(nulls[ours].mean()),
    {name: float(errors.mean()) for name, errors in nulls.items()},
)

# %% [markdown]
# Second look: what guidance does with it. Flowers are painted from the conditions of held-out
# pictures, with w = 0, 1 and 2, and nothing is clamped. We count values outside the range, and
# pictures whose petals have the colour of the picture that the condition came from.

# %%
n, weights = L.pick(98, 4), [0.0, 1.0, 2.0]
asked = [one["petals"] for one in heldout.facts[:n]]
seeds, meter = list(range(n)), PetalMeter()
shown, outside, hits = [], {}, {}
for name, network in networks.items():
    options = {"clamp": "none", "steps": L.pick(20, 4), "seeds": seeds}
    outside[name], hits[name] = [], []
    for w in weights:
        steps = list(ddpm.walk(network, c_heldout[:n], scale=1 + w, **options))
        x = steps[-1].x_prev
        outside[name].append(saturated(x, 1.0))
        colours = meter.read(x.clamp(-1, 1))["petals"].labels
        hits[name].append(
            torch.tensor([a == b for a, b in zip(colours, asked, strict=True)]).float()
        )
        shown.append(x[:8].clamp(-1, 1))
names = [f"{name}, w = {w:g}" for name in arms for w in weights]
L.show("arms", torch.cat(shown), columns=min(8, n), row_names=names)

# %%
L.table(
    [
        {
            "mask, null": name,
            "null error": float(nulls[name].mean()),
            **{f"outside, w = {w:g}": outside[name][i] for i, w in enumerate(weights)},
            **{f"colour, w = {w:g}": int(hits[name][i].sum()) for i, w in enumerate(weights)},
        }
        for name in arms
    ]
)
L.plot(
    "guidance",
    Plot(
        "values outside the range", "w", "share", [Line(k, weights, v) for k, v in outside.items()]
    ),
    Plot(
        "asked colour",
        "w",
        "share",
        [Line(k, weights, [float(one.mean()) for one in v]) for k, v in hits.items()],
    ),
)

# %%
L.claim(
    "5b.c",
    "at w = 2 DLI's arm has at least 1.4 times as many values outside the range",
    outside[bug][2] >= 1.4 * outside[ours][2],
    {"DLI's": outside[bug][2], "ours": outside[ours][2]},
)
lost = (hits[bug][0] - hits[bug][2]) - (hits[ours][0] - hits[ours][2])  # paired by picture
more = means(lost)
L.claim(
    "5b.d",
    "from w = 0 to w = 2 DLI's arm loses more colours than ours, picture by picture",
    float(more.low) > 0,
    {"difference": str(more)},
)
L.claim(
    "5b.e",
    "the mask alone makes the difference, whatever the null is",
    float(nulls["rows, zeros"].mean()) < float(nulls["numbers, learned"].mean()),
    {
        "rows, zeros": float(nulls["rows, zeros"].mean()),
        "numbers, learned": float(nulls["numbers, learned"].mean()),
    },
    kind="told",
)

# %% [markdown]
# Nothing failed. The loss fell, pictures came out, and without guidance DLI's arm may even
# be ahead. Only the question "what does it say without a condition?" shows the mistake.
#
# ### Exercise 5b.3
#
# Write `nothing(network, x_t, t, c)`: what a network of this library predicts without a condition.


# %% tags=["exercise-5b.3"]
def nothing(network, x_t, t, c):
    return ...  # your code


# %%
L.check("5b.3", nothing)

# %%
L.quiz("5b.Q1")  # answer with L.quiz("5b.Q1", "a")

# %% [markdown]
# ## 2. The gap
#
# The second mistake: the network is trained on **picture** embeddings, and then it is given
# **text** embeddings, as if they were the same. A CLIP embeds pictures and texts as two clouds,
# with a gap between them.

# %%
model = load("digits")
study = study_model(model)
L.show("gap", draw_gap(study, L.path("gap")))

# %% [markdown]
# A **bridge** carries a text across. The simplest one centres each cloud at its own mean, and
# stretches the one to the size of the other.
#
# ### Exercise 5b.2
#
# Write `shifted(e, mean_image, mean_text, radius_image, radius_text)` for unit text embeddings e
# (n, d): centre, stretch by the ratio of the radii (kept within 0.7 and 1.4), and scale so that the
# pictures' radius becomes the root of d.


# %% tags=["exercise-5b.2"]
def shifted(e, mean_image, mean_text, radius_image, radius_text):
    return ...  # your code


# %%
L.check("5b.2", shifted)

# %% [markdown]
# How many digits are right with each bridge, from the same prompts and the same noise? `identity`
# is the mistake: no bridge at all. The ceiling uses real picture embeddings in place of texts.

# %%
tti = TextToImage(model)
phrasings = ("{}", "the digit {}", "a picture of a {}", "the number {}")
prompts = [phrase.format(word) for word in DIGITS for phrase in phrasings][:: L.pick(1, 12)]
truth = [word for word in DIGITS for _ in phrasings][:: L.pick(1, 12)]
each = L.pick(3, 2)
wanted = [word for word in truth for _ in range(each)]
options = {"n": each, "seed": 0, "steps": L.pick(12, 4)}
painted, counts = {}, {}
for bridge in ("identity", "shift", "noise", "knn", "prior"):
    painted[bridge] = stack_pictures(tti(prompts, bridge=bridge, **options), 28, 1)
settings = tti.settings(**options)
cases = [PromptCase(text, {"digit": word}) for text, word in zip(prompts, truth, strict=True)]
bank = digits(L.pick(300, 40), real=False)
ceiling = SamplingOverrides(conditions=from_pictures(tti, bank.pixels, bank.facts, cases))
made = finish(tti.paint_requests(requests_for(prompts, settings), settings, overrides=ceiling))
painted["pictures (ceiling)"] = stack_pictures([one.image for one in made], 28, 1)
counts = {name: int(right("digits", x, wanted).sum()) for name, x in painted.items()}
share = [(name, k / len(wanted)) for name, k in counts.items()]
L.plot("bridges", Plot("right digits, by bridge", "share", bars={"": share}))

# %%
n = len(wanted)
L.claim(
    "5b.f",
    "the bridge `shift` gives at least 30 points more right digits than none",
    (counts["shift"] - counts["identity"]) / n >= 0.30,
    {"identity": counts["identity"], "shift": counts["shift"], "of": n},
)

# %% [markdown]
# Right is not everything. `shift` gives all pictures of a prompt one condition, and `knn` averages
# neighbours, so their digits may look like one hand. `prior` draws a condition for each picture.
# Here is how much pictures of one prompt differ, compared with other pictures of the same digit.

# %%
real = pixel_features(bank.pixels)
groups = [one["digit"] for one in bank.facts]
spread = {
    name: diversity(pixel_features(x), wanted, real, groups).ratio for name, x in painted.items()
}
L.table(
    [{"bridge": name, "variety": value, "right": counts[name]} for name, value in spread.items()]
)
varied = {name: spread[name] for name in ("knn", "shift", "prior")}
L.claim(
    "5b.g", "`shift` paints less variety than `prior`", varied["shift"] < varied["prior"], varied
)
L.claim(
    "5b.h",
    "`knn` paints less variety than `prior`",
    varied["knn"] < varied["prior"],
    varied,
    kind="told",
)

# %% [markdown]
# A gap is not a law. It is a property of a CLIP and of its training (Liang et al. 2022). Here are
# both shipped models: how far apart the means of pictures and texts are.

# %%
for name in ("digits", "flowers"):
    gap = (study if name == "digits" else study_model(load(name))).report
    print(f"{name}: the means are {gap.distance:.2f} apart;", end=" ")
    print(f"mean cosine of two pictures {gap.image_cosine:.2f}, of two texts {gap.text_cosine:.2f}")

# %% [markdown]
# If you have pairs of pictures and captions as embeddings, `ddpm-clip gap --pairs FILE.npz`
# measures their gap and every bridge.
#
# ## A pitfall
#
# Centring hides the first mistake: a condition of zeros then means "the average picture", which the
# network has seen. That is why the arms above use conditions that are not centred.
#
# **Next**: lesson 06, where you build the whole of it yourself.
