"""Explanations, each with a test that can fail: every analysis returns an `Explanation`.

- `guidance/`: what does guidance change?
- `inversions/`: from pictures back to noise, and between two pictures
- `maths/`: pure mathematics: attributions, frequencies, picture metrics
- `noise/`: what does the initial noise decide, and what does the predicted noise contain?
- `over_time/`: when is it decided? Analyses of the steps of a walk
- `panels/`: what an analysis shows: data for pictures and plots, and their drawing
- `prompt/`: which words, and which parts of the condition, matter?
- `report/`: all analyses of one prompt, as a folder with one page
- `target/`: the model under study: a denoiser, a prompt, seeds, a judge and an embedder
- `training_data/`: which training pictures steer a prompt, and is any copied?
- `verdict/`: what counts as evidence: prerequisites, claims and verdicts

>>> from ddpm_clip.explain import trajectory  # doctest: +SKIP
>>> trajectory("digits", "a six").show()  # doctest: +SKIP

An analysis is a generator `explain(target, *, quick=False)` in the file of its name;
`analysis.plainly` makes a function of the same name from it. Importing this package loads torch.
"""

from ddpm_clip.explain.guidance.guidance_field import explain as _guidance_field
from ddpm_clip.explain.guidance.guidance_field import guidance_field
from ddpm_clip.explain.guidance.guidance_weights import explain as _guidance_weights
from ddpm_clip.explain.guidance.guidance_weights import guidance_weights
from ddpm_clip.explain.inversions.inversion import explain as _inversion
from ddpm_clip.explain.inversions.inversion import inversion
from ddpm_clip.explain.noise.initial_noise import explain as _initial_noise
from ddpm_clip.explain.noise.initial_noise import initial_noise
from ddpm_clip.explain.noise.noise_prediction import explain as _noise_prediction
from ddpm_clip.explain.noise.noise_prediction import noise_prediction
from ddpm_clip.explain.over_time.commitment import commitment
from ddpm_clip.explain.over_time.commitment import explain as _commitment
from ddpm_clip.explain.over_time.stepwise import explain as _stepwise
from ddpm_clip.explain.over_time.stepwise import stepwise
from ddpm_clip.explain.over_time.switching import explain as _switching
from ddpm_clip.explain.over_time.switching import switching
from ddpm_clip.explain.over_time.timesteps import explain as _timesteps
from ddpm_clip.explain.over_time.timesteps import timesteps
from ddpm_clip.explain.over_time.trajectory import explain as _trajectory
from ddpm_clip.explain.over_time.trajectory import trajectory
from ddpm_clip.explain.prompt.bottleneck import bottleneck
from ddpm_clip.explain.prompt.bottleneck import explain as _bottleneck
from ddpm_clip.explain.prompt.embedding import embedding
from ddpm_clip.explain.prompt.embedding import explain as _embedding
from ddpm_clip.explain.prompt.words import explain as _words
from ddpm_clip.explain.prompt.words import words
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.from_model import target_of
from ddpm_clip.explain.training_data.provenance import explain as _provenance
from ddpm_clip.explain.training_data.provenance import provenance
from ddpm_clip.explain.verdict.analysis import Explain
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.moved import former_names
from ddpm_clip.registry import Registry

EXPLANATIONS: Registry[Explain] = Registry(
    "explanation",
    {
        "trajectory": _trajectory,
        "commitment": _commitment,
        "timesteps": _timesteps,
        "switching": _switching,  # after timesteps, whose coalitions include its windows
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
"""All analyses, in the order of the report."""

__all__ = [
    "EXPLANATIONS",
    "AnalysisTarget",
    "Explanation",
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
    "switching",
    "target_of",
    "timesteps",
    "trajectory",
    "words",
]

__getattr__ = former_names(__name__)
