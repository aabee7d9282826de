# %% [markdown]
# # Explain and visualize
#
# What does the initial noise decide, in which steps do the words act, what does guidance change,
# and how does a picture emerge? Every analysis below ends in a **verdict, the outcome of a test
# that can fail**. `docs/explanations.md` describes each test, and how we know that it fails when
# there is nothing to find.
#
# Run as a script, `python examples/explain_and_visualize.py` draws into `outputs/explained/`. The
# notebook of the same name is written from this file by `scripts/write_notebook.py`.

# %%
import os
from pathlib import Path

import torch
from PIL import Image

from ddpm_clip.explain import AnalysisTarget, target_of
from ddpm_clip.explain.guidance.guidance_field import guidance_field
from ddpm_clip.explain.noise.initial_noise import initial_noise
from ddpm_clip.explain.noise.noise_prediction import noise_prediction
from ddpm_clip.explain.over_time.commitment import commitment
from ddpm_clip.explain.over_time.stepwise import stepwise
from ddpm_clip.explain.over_time.switching import switching
from ddpm_clip.explain.over_time.timesteps import timesteps
from ddpm_clip.explain.over_time.trajectory import trajectory
from ddpm_clip.explain.panels.drawing import draw
from ddpm_clip.explain.panels.kinds import Strip
from ddpm_clip.explain.prompt.words import words
from ddpm_clip.explain.target.planted import planted_target
from ddpm_clip.explain.verdict.result import Explanation

SMOKE = os.environ.get("EXAMPLES_SMOKE") == "1"  # a fast run on the exact mixture
SEEDS = 4 if SMOKE else 8
OUT = Path("outputs") / "explained"


def target(model: str, prompt: str) -> AnalysisTarget:
    """A model with a prompt and seeds, ready to be analysed."""
    return planted_target(prompt, range(SEEDS)) if SMOKE else target_of(model, prompt, SEEDS)


def show(name: str, image: Image.Image) -> None:
    """Show a picture below the cell in a notebook; save it as a file elsewhere."""
    if "get_ipython" in globals():
        from IPython.display import display

        display(image)
    else:
        OUT.mkdir(parents=True, exist_ok=True)
        image.save(OUT / f"{name}.png")


def report(found: Explanation) -> None:
    """Print the verdict and show all panels."""
    print(f"{found.title}: {found.verdict}. {found.test}\n")
    show(found.name, found.image())


# %% [markdown]
# ## A little theory
#
# A picture $x_0$ is noised in one jump, $x_t = \alpha_t x_0 + \sigma_t \varepsilon$ (Ho et al.
# 2020, eq. 4), and a network learns to predict it. At each noise level its prediction is an
# average, $\hat x_0 = E[x_0 \mid x_t, c]$, over all pictures that could have led to this $x_t$ and
# match the condition $c$. At high noise this is the mean of everything that the words allow; at low
# noise it is a single picture. Everything below happens in between.

# %%
painter = target_of("digits", "a six", 1)
schedule = painter.schedule
x_0 = [step.x_prev for step in painter.walk(painter.conditions())][-1]
ts = schedule.timestep_of(torch.logspace(-1.5, 1.5, 8, dtype=torch.float64))
noised = torch.cat([painter.ddpm.q(x_0, ts[i : i + 1])[0] for i in range(len(ts))])
levels = [f"{painter.ratio(float(t)):.2g}" for t in ts]
shown = noised / (1 + 2 * schedule.at(ts)[1].float().view(-1, 1, 1, 1))
forward = Strip("A six under growing noise (above: sigma/alpha)", shown[None], (), levels)
show("forward", draw(forward))

# %% [markdown]
# The signal is still there long after a person has lost sight of it. The numbers say how much:

# %%
for t, level in zip(ts.tolist(), levels, strict=True):
    alpha, sigma = schedule.at(t)
    print(
        f"sigma/alpha {level:>5}: alpha {alpha:.3f}, sigma {sigma:.3f}, "
        f"log-SNR {2 * torch.tensor(alpha / sigma).log():+.1f}"
    )

# %% [markdown]
# ## Trajectories
#
# The walk from noise to picture, and whether the predicted picture can be trusted. That its error
# falls from step to step is no evidence: it also falls for random weights.

# %%
six = target("digits", "a six")
report(trajectory(six, quick=True))

# %% [markdown]
# The same walk in numbers: sharpness, edges, spectrum, nearness to the words.

# %%
report(stepwise(six, quick=True))

# %% [markdown]
# ## What the noise decides
#
# How much of a picture comes from its seed, and how much from its prompt? And what can be found in
# the predicted noise?

# %%
report(initial_noise(six, quick=True))

# %%
report(noise_prediction(six, quick=True))

# %% [markdown]
# ## When the class is decided
#
# A finished picture is noised to some level and denoised again. Below a certain level the same
# class comes back: there the class is decided.

# %%
report(commitment(six, quick=True))

# %% [markdown]
# ## In which steps the words act
#
# Two views of one question. First, the words act only in a window of steps, or everywhere but
# there. Then they are switched on in every combination of bins of steps, and each bin gets its
# share of the effect (its Shapley value).

# %%
report(switching(six, quick=True))

# %%
report(timesteps(six, quick=True))

# %% [markdown]
# ## Guidance
#
# What the words change in the predicted picture, step by step. The size of this change alone would
# prove nothing: shuffled prompts cause changes of the same size.

# %%
report(guidance_field(six, quick=True))

# %% [markdown]
# ## Which words
#
# Words are left out of the prompt, in every possible combination.

# %%
sentence = target("digits", "a photo of the digit six")
report(words(sentence, quick=True))

# %% [markdown]
# ## Colour
#
# The same analyses work for any model that paints from words.

# %%
rose = target("flowers", "a red rose")
report(trajectory(rose, quick=True))

# %%
report(words(rose, quick=True))

# %% [markdown]
# ## A known answer
#
# How do we know that the analyses work? On an exact mixture every answer has a closed form. An
# analysis that passes here, and does not pass when something it relies on is ablated, can be
# trusted elsewhere.

# %%
report(trajectory(planted_target("a two", range(SEEDS)), quick=True))
