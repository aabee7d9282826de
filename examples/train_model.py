# %% [markdown]
# # Train a model
#
# A training is a folder that holds everything: config, conditions, checkpoints, samples, curves. It
# can be stopped at any step and goes on as if nothing had happened. This notebook walks through one
# with drawn flowers of 16 pixels, about two minutes on two idle cores. Every section says which
# command does the same.
#
# As a script, `python examples/train_model.py` leaves its run in `outputs/train_model/`. (The
# earlier projects' program, with their configs, is `examples/train.py`.)

# %%
import os
import shutil
from pathlib import Path

from PIL import Image

from ddpm_clip import Run, TextToImage
from ddpm_clip.config.resolve import resolve
from ddpm_clip.data.local.drawn_flowers import write_folder
from ddpm_clip.errors import ConfigError
from ddpm_clip.runs.packing import pack
from ddpm_clip.runs.pretrained import load
from ddpm_clip.training.loop import train
from ddpm_clip.training.prepare.preparation import prepare
from ddpm_clip.training.prepare.start import start_run
from ddpm_clip.training.samples import write_curve, write_forward, write_samples
from ddpm_clip.training.steps.validation import by_noise
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.plots.curves import Line, Plot, draw_plots
from ddpm_clip.utils.visualization import grid

SMOKE = os.environ.get("EXAMPLES_SMOKE") == "1"  # the smallest size that runs
HOME = Path("outputs") / "train_model"
shutil.rmtree(HOME, ignore_errors=True)  # of an earlier run of this notebook


def shown(path: Path) -> Image.Image:
    """Return a picture from a file; a notebook shows what a cell ends with."""
    return Image.open(path).convert("RGB")


# %% [markdown]
# ## 1. Pictures
#
# A folder of picture files. There are no captions, and none are needed.

# %%
paths = write_folder(HOME / "photos", 48 if SMOKE else 2000, size=16, seed=8)
grid([[shown(path) for path in paths[i : i + 16]] for i in (0, 16)])

# %% [markdown]
# ## 2. A config
#
# Defaults, a preset, a file, the environment, the command line: each may change a value, and the
# config knows where each value came from. A mistyped key is refused with the one that was meant.
#
# As a command: `ddpm-clip train photos --preset flowers --set … --print-config`

# %%
changes = {
    "data.source": str(HOME / "photos"),
    "data.image_size": 16,
    "data.heldout": 16 if SMOKE else 128,
    "model.down_chs": [32, 64, 96],
    "model.blocks": 1,
    "model.attention": 4,
    "diffusion.p_mean": -0.6,
    "training.steps": 6 if SMOKE else 500,
    "training.batch_size": 8 if SMOKE else 64,
    "training.optimizer": "muon",
    "training.lr": 6e-3,
    "training.decay": 0.4,
    "training.warmup": 2 if SMOKE else 30,
    "training.checkpoint_every": 3 if SMOKE else 50,
    "training.heldout_every": 3 if SMOKE else 50,
    "training.sample_every": 0,
    "training.dtype": "float32",
    "training.device": "cpu",
    "generation.steps": 3 if SMOKE else 20,
}
config, origins = resolve(preset="flowers", flags=changes)
shown_keys = ("model.down_chs", "training.lr", "diffusion.p_std", "diffusion.schedule")
for key in shown_keys:
    section, _, name = key.partition(".")
    value = getattr(getattr(config, section), name)
    print(f"{key} = {value}  (from: {origins.get(key, 'the defaults')})")
try:
    resolve(preset="flowers", assignments=["training.warm_up=10"])
except ConfigError as error:
    print(error)

# %% [markdown]
# ## 3. The run: prepare once
#
# `start_run` makes the folder. `prepare` decodes each picture, embeds it with a CLIP, and measures
# the statistics that conditions are made with.
#
# As a command, together with the next cells: `ddpm-clip train photos --preset flowers --out RUN`

# %%
run = start_run(HOME / "run", config)
with run.writing():
    prepared = finish(prepare(run))
print(f"{len(prepared.pixels)} pictures to train on, {len(prepared.heldout)} held out")

# %% [markdown]
# ## 4. Train, and stop half-way
#
# `train` is a generator: it yields after each step, and whoever calls it decides what to print and
# when to stop. Here it stops after half of the steps; the run keeps a checkpoint
# every fifty.

# %%
half = config.training.steps // 2
with run.writing():
    for step in train(run, prepared):
        if step.heldout_loss is not None:
            print(f"step {step.step}: loss {step.loss:.3f}, held out {step.heldout_loss:.3f}")
        if step.step == half:
            break

# %% [markdown]
# ## 5. Go on
#
# Which pictures a step sees, their noise and what is hidden are drawn from the seed and the number
# of the step. So the resumed training does, bit for bit, what the unbroken one would have done.
#
# As a command: `ddpm-clip resume RUN`

# %%
run = Run.open(HOME / "run")
with run.writing():
    prepared = finish(prepare(run))
    for step in train(run, prepared):
        if step.heldout_loss is not None:
            print(f"step {step.step}: loss {step.loss:.3f}, held out {step.heldout_loss:.3f}")
print("in the folder:", ", ".join(sorted(path.name for path in run.folder.iterdir())))

# %%
shown(write_curve(run))

# %% [markdown]
# ## 6. Where the loss lies
#
# Errors are weighted by noise level, so compare the two lines, and not their ends: the condition
# helps most where noise hides the picture.

# %%
model = load(HOME / "run", "cpu")
bins = by_noise(model.network, model.ddpm, prepared.heldout_set())
middle = [(one.sigma_low * one.sigma_high) ** 0.5 for one in bins]
lines = [
    Line("with the condition", middle, [one.with_condition for one in bins]),
    Line("without", middle, [one.without_condition for one in bins]),
]
plot = Plot("held-out loss by noise level", "sigma/alpha", "loss", lines, xscale="log")
shown(draw_plots([plot], HOME / "by-noise.png"))

# %% [markdown]
# ## 7. What it has learned
#
# The pictures of training under growing noise, and then words against guidance scales. The averaged
# weights paint.

# %%
shown(write_forward(run, prepared, model.ddpm, animation=False)[0])

# %%
shown(write_samples(run, config.training.steps))

# %% [markdown]
# ## 8. Pack it
#
# The weights in half precision and what painting needs, in a folder that can be given away. A
# packed model paints like the run.
#
# As commands: `ddpm-clip pack RUN --out MODEL`, `ddpm-clip generate "a red rose" --model MODEL`

# %%
packed = pack(HOME / "run", HOME / "model")
size = sum(path.stat().st_size for path in packed.rglob("*") if path.is_file())
print(f"{size / 1e6:.1f} MB:", ", ".join(sorted(path.name for path in packed.iterdir())))
prompts = ["a red rose", "a yellow sunflower", "a blue violet"]
pictures = TextToImage.from_pretrained(str(packed), "cpu")(prompts, n=8, seed=0)
grid([pictures[i : i + 8] for i in range(0, len(pictures), 8)], row_names=prompts)

# %% [markdown]
# ## Next
#
# - With your own pictures: `ddpm-clip train photos/ --out runs/mine`; with a time limit:
#   `--minutes 30`. [The tutorial](../docs/tutorial.md) takes it from there.
# - Lesson 08 of the course (`ddpm-clip course start`) proves that a resumed run is the same, and
#   has exercises.
