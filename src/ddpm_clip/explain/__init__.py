"""Explanations that can fail: each analysis is a file, and hands back an `Explanation`.

>>> from ddpm_clip.explain import trajectory  # doctest: +SKIP
>>> trajectory("digits", "a six").show()  # doctest: +SKIP

An analysis is a generator `explain(subject, *, quick=False)` in the file of its name, and a plain
function of the same name made by `opening.plainly`. Importing this loads torch.
"""

from ddpm_clip.explain.bottleneck import bottleneck
from ddpm_clip.explain.bottleneck import explain as _bottleneck
from ddpm_clip.explain.commitment import commitment
from ddpm_clip.explain.commitment import explain as _commitment
from ddpm_clip.explain.embedding import embedding
from ddpm_clip.explain.embedding import explain as _embedding
from ddpm_clip.explain.guidance_field import explain as _guidance_field
from ddpm_clip.explain.guidance_field import guidance_field
from ddpm_clip.explain.guidance_weights import explain as _guidance_weights
from ddpm_clip.explain.guidance_weights import guidance_weights
from ddpm_clip.explain.initial_noise import explain as _initial_noise
from ddpm_clip.explain.initial_noise import initial_noise
from ddpm_clip.explain.inversion import explain as _inversion
from ddpm_clip.explain.inversion import inversion
from ddpm_clip.explain.noise_prediction import explain as _noise_prediction
from ddpm_clip.explain.noise_prediction import noise_prediction
from ddpm_clip.explain.opening import Explain, subject_of
from ddpm_clip.explain.panels import Explanation
from ddpm_clip.explain.provenance import explain as _provenance
from ddpm_clip.explain.provenance import provenance
from ddpm_clip.explain.stepwise import explain as _stepwise
from ddpm_clip.explain.stepwise import stepwise
from ddpm_clip.explain.subject import Subject
from ddpm_clip.explain.switching import explain as _switching
from ddpm_clip.explain.switching import switching
from ddpm_clip.explain.timesteps import explain as _timesteps
from ddpm_clip.explain.timesteps import timesteps
from ddpm_clip.explain.trajectory import explain as _trajectory
from ddpm_clip.explain.trajectory import trajectory
from ddpm_clip.explain.words import explain as _words
from ddpm_clip.explain.words import words
from ddpm_clip.registry import Registry

EXPLANATIONS: Registry[Explain] = Registry(
    "explanation",
    {
        "trajectory": _trajectory,
        "commitment": _commitment,
        "timesteps": _timesteps,
        "switching": _switching,  # its windows are among the coalitions of timesteps
        "stepwise": _stepwise,
        "guidance_field": _guidance_field,
        "guidance_weights": _guidance_weights,
        "words": _words,
        "embedding": _embedding,
        "initial_noise": _initial_noise,
        "noise_prediction": _noise_prediction,
        "provenance": _provenance,
        "bottleneck": _bottleneck,
        "inversion": _inversion,
    },
)
"""Every analysis, in the order of the report."""

__all__ = [
    "EXPLANATIONS",
    "Explanation",
    "Subject",
    "bottleneck",
    "commitment",
    "embedding",
    "guidance_field",
    "guidance_weights",
    "initial_noise",
    "inversion",
    "noise_prediction",
    "provenance",
    "stepwise",
    "subject_of",
    "switching",
    "timesteps",
    "trajectory",
    "words",
]
