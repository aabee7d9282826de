# ruff: noqa: D100 - the first cell says what this is
# %% [markdown]
# # Explain and visualize
#
# What does the noise hold, at which steps do the words act, what does guidance change, and which
# way does a picture take? Every analysis below ends in the **verdict of a test that could have
# failed**; what was tested, and how it is known to fail where nothing is to be found, stands in
# `docs/explanations.md`.
#
# As a script: `python examples/explain_and_visualize.py` draws into `outputs/explained/`. The
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

SMOKE = os.environ.get("EXPLAIN_SMOKE") == "1"  # does it run? Asked of the exact mixture
SEEDS = 4 if SMOKE else 8
OUT = Path("outputs") / "explained"


def asked(model: str, prompt: str) -> AnalysisTarget:
    """A model that is asked for something."""
    return planted_target(prompt, range(SEEDS)) if SMOKE else target_of(model, prompt, SEEDS)


def show(name: str, image: Image.Image) -> None:
    """Below the cell in a notebook, as a file elsewhere."""
    if "get_ipython" in globals():
        from IPython.display import display

        display(image)
    else:
        OUT.mkdir(parents=True, exist_ok=True)
        image.save(OUT / f"{name}.png")


def tell(found: Explanation) -> None:
    """The verdict in words, and all panels."""
    print(f"{found.title}: {found.verdict}. {found.test}\n")
    show(found.name, found.image())


# %% [markdown]
# ## A little theory
#
# A picture $x_0$ is noised in one jump, $x_t = \alpha_t x_0 + \sigma_t \varepsilon$ (Ho et al.
# 2020, eq. 4), and a network learns to say what was there. What it says at a noise level is an
# average: $\hat x_0 = E[x_0 \mid x_t, c]$, over all pictures that may have become this $x_t$ and
# fit the condition $c$. At high noise that is the mean of everything the words allow; at low noise
# it is one picture. Everything below happens in between.

# %%
painter = target_of("digits", "a six", 1)
schedule = painter.schedule
x_0 = [step.x_prev for step in painter.walk(painter.conditions())][-1]
rows = schedule.timestep_of(torch.logspace(-1.5, 1.5, 8, dtype=torch.float64))
noised = torch.cat([painter.ddpm.q(x_0, rows[i : i + 1])[0] for i in range(len(rows))])
levels = [f"{painter.ratio(float(t)):.2g}" for t in rows]
shown = noised / (1 + 2 * schedule.at(rows)[1].float().view(-1, 1, 1, 1))
forward = Strip("A six under growing noise (above: sigma/alpha)", shown[None], (), levels)
show("forward", draw(forward))

# %% [markdown]
# The signal is there long after a person has lost it. How long, is a question of numbers:

# %%
for t, level in zip(rows.tolist(), levels, strict=True):
    alpha, sigma = schedule.at(t)
    print(
        f"sigma/alpha {level:>5}: alpha {alpha:.3f}, sigma {sigma:.3f}, "
        f"log-SNR {2 * torch.tensor(alpha / sigma).log():+.1f}"
    )

# %% [markdown]
# ## Trajectories
#
# The walk from noise to picture, and whether what the network foresees may be believed. That its
# error falls from step to step is no evidence: it falls for random weights, too.

# %%
six = asked("digits", "a six")
tell(trajectory(six, quick=True))

# %% [markdown]
# The same, figure by figure: sharpness, edges, spectrum, nearness to the words.

# %%
tell(stepwise(six, quick=True))

# %% [markdown]
# ## What the noise holds
#
# How much of a picture is its seed's and how much its prompt's? And what is in the predicted noise?

# %%
tell(initial_noise(six, quick=True))

# %%
tell(noise_prediction(six, quick=True))

# %% [markdown]
# ## When it is decided
#
# A finished picture is noised up to some level and walked down again. Below some level it comes
# back as what it was: there the class is decided.

# %%
tell(commitment(six, quick=True))

# %% [markdown]
# ## Which steps the words act in
#
# Two views of one question. First, the words are swapped in a window of steps. Then every set of
# bins of steps is played with the words on or off, and each bin gets its fair share (Shapley).

# %%
tell(switching(six, quick=True))

# %%
tell(timesteps(six, quick=True))

# %% [markdown]
# ## Guidance
#
# What the words change of the foreseen picture, step by step. Its length alone would prove
# nothing: shuffled prompts make as long a difference.

# %%
tell(guidance_field(six, quick=True))

# %% [markdown]
# ## Which words
#
# Words are left out, in every combination that there is.

# %%
sentence = asked("digits", "a photo of the digit six")
tell(words(sentence, quick=True))

# %% [markdown]
# ## Colour
#
# The same questions can be put to any model that paints from words.

# %%
rose = asked("flowers", "a red rose")
tell(trajectory(rose, quick=True))

# %%
tell(words(rose, quick=True))

# %% [markdown]
# ## A truth to measure by
#
# How do we know that the instruments work? On an exact mixture every answer has a closed form.
# What passes here and fails where a null took something away may be believed elsewhere.

# %%
tell(trajectory(planted_target("a two", range(SEEDS)), quick=True))
