# %% [markdown]
# # 08 Training
#
# **You learn**: what a training run is: a folder that holds everything, can be stopped at any step,
# and goes on as if nothing had happened.
#
# **You need**: lesson 04.
#
# **It takes**: about 150 seconds on two idle cores.
#
# **It buys**: your own pictures. Everything here works on a folder of photos too.
#
# Figures: `curve`, `forward`, `rates`, `noise`.

# %%
import shutil
import tempfile
from pathlib import Path

import torch

from ddpm_clip import Run
from ddpm_clip.config.resolve import resolve
from ddpm_clip.course import lesson
from ddpm_clip.errors import ConfigError
from ddpm_clip.models.ema import power_exponent
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.training.samples import write_curve, write_forward
from ddpm_clip.training.steps.validation import by_noise
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Line, Plot

L = lesson("08")
home = Path(tempfile.mkdtemp(prefix="lesson-08-"))

# %% [markdown]
# ## 1. A config, and where each value comes from
#
# Defaults, a preset, a file, the environment, the command line: each may change a value. The config
# knows the origin of everything that is not a default.
#
# As a command: `ddpm-clip train drawn-flowers:400 --preset smoke --print-config`

# %%
changes = {
    "data.source": f"drawn-flowers:{L.pick(400, 64)}",
    "training.steps": L.pick(150, 10),
    "training.warmup": L.pick(20, 2),
    "training.checkpoint_every": L.pick(50, 5),
    "training.heldout_every": L.pick(25, 5),
    "training.dtype": "float32",
    "training.device": "cpu",
}
config, origins = resolve(preset="smoke", flags=changes)
for key in ("training.steps", "training.batch_size", "model.down_chs", "training.lr"):
    value = config
    for part in key.split("."):
        value = getattr(value, part)
    print(f"{key} = {value}  (from: {origins.get(key, 'the defaults')})")

# %% [markdown]
# A key that does nothing is a mistake, and it is refused, with the name that was meant:

# %%
try:
    resolve(preset="smoke", assignments=["training.learning_speed=1e-3"])
    told = ""
except ConfigError as error:
    print(error)
    told = str(error)
L.claim(
    "8.a",
    "an unknown key is refused",
    "learning_speed" in told,
    {"message": told.partition("\n")[0]},
    kind="exact",
)

# %% [markdown]
# ## 2. A run
#
# `start_run` makes a folder, `prepare` decodes and embeds the pictures once, and `train` is a
# **generator**: it yields after each step, and whoever calls it prints, draws or stops.
#
# As a command: `ddpm-clip train drawn-flowers:400 --preset smoke --out runs/mine`

# %%
run = start_run(home / "whole", config)
with run.writing():
    prepared = finish(prepare(run))
    for step in train(run, prepared):
        if step.heldout_loss is not None:
            print(f"step {step.step}: loss {step.loss:.3f}, held out {step.heldout_loss:.3f}")
L.show("curve", shutil.copy(write_curve(run), L.path("curve")))
print("in the folder:", ", ".join(sorted(path.name for path in run.folder.iterdir())))

# %% [markdown]
# ## 3. Stopped and resumed
#
# The same training again, but stopped on the way, and then resumed. Order, noise and masks of a
# step are drawn from (seed, step), so nothing depends on what came before in this process.
#
# As a command: Ctrl-C, then `ddpm-clip resume runs/mine`

# %%
stop = L.pick(90, 6)
broken = start_run(home / "broken", config)
with broken.writing():
    for step in train(broken, finish(prepare(broken))):
        if step.step == stop:
            break
with broken.writing():
    again = Run.open(broken.folder)
    resumed = [step.step for step in train(again, finish(prepare(again)))]
print(f"stopped after step {stop}; resumed at step {resumed[0]}")

# %%
losses = [[row["loss"] for row in Run.open(home / name).history()] for name in ("whole", "broken")]
networks = [load(home / name).network.state_dict() for name in ("whole", "broken")]
same = all(
    torch.equal(a, b) for a, b in zip(networks[0].values(), networks[1].values(), strict=True)
)
L.claim(
    "8.b",
    "losses and weights of the resumed training are those of the unbroken one, bit for bit",
    losses[0] == losses[1] and same,
    {"equal losses": losses[0] == losses[1], "equal weights": same, "steps": len(losses[0])},
)

# %% [markdown]
# ## 4. The learning rate
#
# ### Exercise 8.1
#
# Write `rate(step, total, lr, warmup, decay, final)`: the rate of a step, counted from 1. It rises
# in a straight line over `warmup` steps, stays, and falls in a straight line over the last share
# `decay` of all steps, to `final` times lr at the last step.


# %% tags=["exercise-8.1"]
def rate(step, total, lr, warmup, decay, final):
    return ...  # your code


# %%
L.check("8.1", rate)

# %%
rows = run.history()
steps = [row["step"] for row in rows]
L.plot("rates", Plot("learning rate", "step", "lr", [Line("", steps, [row["lr"] for row in rows])]))

# %% [markdown]
# ## 5. Averaged weights
#
# Weights jump about from step to step; their average is better. With a constant decay, a short
# training would still hold much of its random start. The power-function profile spans the same
# fraction of the training at every step.
#
# ### Exercise 8.2
#
# Write `average(old, new, k, gamma)`: the average after update k, counted from 1. The old average
# has the weight (1 - 1/k) to the power of gamma + 1.


# %% tags=["exercise-8.2"]
def average(old, new, k, gamma):
    return ...  # your code


# %%
L.check("8.2", average)

# %%
gamma = power_exponent(0.10)
for n in (10, 100, 1000):
    start = float(torch.tensor([(1 - 1 / k) ** (gamma + 1) for k in range(1, n + 1)]).prod())
    print(
        f"after {n} updates, a constant decay of .999 holds {0.999**n:.0%} of the start,", end=" "
    )
    print(f"ours {start:.0%}")

# %% [markdown]
# Does the average pay after so few steps? Told, not promised.

# %%
model = load(home / "whole")
checkpoint = run.load(groups=("model", "ema"))
errors = {}
for name in ("model", "ema"):
    model.network.load_state_dict(checkpoint.tensors[name])
    bins = by_noise(model.network, model.ddpm, prepared.heldout_set())
    errors[name] = sum(one.with_condition for one in bins) / len(bins)
L.claim(
    "8.c",
    "averaged weights have a smaller held-out loss than raw ones",
    errors["ema"] < errors["model"],
    {"averaged": errors["ema"], "raw": errors["model"]},
    kind="told",
)

# %% [markdown]
# ## 6. Where the loss lies
#
# One number hides much. By noise level: at little noise a guess is easy, at much noise it cannot be
# good.

# %%
middle = [(one.sigma_low * one.sigma_high) ** 0.5 for one in bins]
lines = [
    Line("with the condition", middle, [one.with_condition for one in bins]),
    Line("without", middle, [one.without_condition for one in bins]),
]
L.plot("noise", Plot("loss by noise level", "sigma/alpha", "loss", lines, xscale="log"))
L.show("forward", shutil.copy(write_forward(run, prepared, model.ddpm)[0], L.path("forward")))

# %% [markdown]
# ## 7. Pairs
#
# ### Exercise 8.3
#
# Pictures and embeddings come from two files. Write `paired(pictures, rows)`: both are lists of
# (key, value); return the pairs (picture, row) with equal keys, in the order of the pictures.
# Pictures without a row are left out.
#
# An earlier project joined by position. One picture could not be read, and every pair after it was
# wrong.


# %% tags=["exercise-8.3"]
def paired(pictures, rows):
    return ...  # your code


# %%
L.check("8.3", paired)

# %% [markdown]
# ## 8. Take it with you
#
# `ddpm-clip pack runs/mine --out models/mine` makes a small folder of weights in half precision,
# and `ddpm-clip generate "a red rose" --model models/mine` paints with it.
#
# **Next**: lesson 09. Does your model copy?

# %%
shutil.rmtree(home)
