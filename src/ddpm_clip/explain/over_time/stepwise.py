"""Picture metrics at every step: sharpness, edges, contrast, colour, frequency, entropy.

Each is a formula of `picture_metrics.py` or `spectrum.py` on x_0-hat and x_t, with an interval over
the seeds. Test: finished pictures are nearer to their own words than to those of any control
prompt, after subtracting the cosine of pictures without words.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.explain.maths import picture_metrics
from ddpm_clip.explain.maths.spectrum import centroid, radial_spectrum
from ddpm_clip.explain.over_time.alignment import Alignment
from ddpm_clip.explain.panels.kinds import Curve, Panel
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite, other_prompts
from ddpm_clip.explain.verdict.reading import LEVELS, columns
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.statistics.means import means
from ddpm_clip.types import Progress, Step
from ddpm_clip.utils.plots.curves import Line

TITLE = "Metrics by step"
CAPTION = (
    "Picture metrics at every step of the walk, with 95 % intervals over the seeds. Noise is on "
    "the left, the finished picture on the right. “Predicted” is the network's estimate of the "
    "finished picture at that step (x_0-hat); “noisy” is its input (x_t), which is mostly noise "
    "at first. The last curves show the cosine of pictures and words in the embedding space of a "
    "CLIP, minus the cosine of the same seed's picture without words."
)
LEAST = 6
"""Seeds below which nothing is tested."""

WORDLESS = "predicted without words"
"""Label of the curves of walks without words."""

FIGURES: dict[str, Callable[[Tensor], Tensor]] = {
    "sharpness": picture_metrics.sharpness,
    "edges": picture_metrics.edges,
    "contrast": picture_metrics.contrast,
    "colourfulness": picture_metrics.colourfulness,
    "mean_frequency": lambda x: centroid(radial_spectrum(x)).to(x),
}
"""(b, c, h, w) -> (b,) metrics, computed on x_0-hat and on x_t."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measurements of n walks of s steps.

    Attributes:
        ratio: (s,) sigma/alpha.
        predicted, noisy: (n, s) values of each metric on x_0-hat and on x_t.
        psnr: (n, s) PSNR of x_0-hat against the finished picture, in dB.
        noise: (n, s) variance of the predicted noise; 1 if it is standard normal noise.
        entropy: (n, s) entropy of the judge's probabilities, in bits; None without a judge.
        spectrum: (s, f) mean power of x_0-hat at each frequency.
        x: (n, c, h, w) finished pictures.
        e: (n, s, d) embeddings of x_0-hat; None without an embedder.
    """

    ratio: list[float]
    predicted: dict[str, Tensor]
    noisy: dict[str, Tensor]
    psnr: Tensor
    noise: Tensor
    entropy: Tensor | None
    spectrum: Tensor
    x: Tensor
    e: Tensor | None


def explain(
    target: AnalysisTarget, *, quick: bool = False, controls: int = 5
) -> Generator[Progress, None, Explanation]:
    """Measure the pictures at every step, and test whether they end up near their own words.

    Args:
        target: the model and the prompt.
        quick: take fewer steps.
        controls: number of other prompts that the pictures are compared with.
    """
    steps = target.steps_of(quick)
    c = target.conditions()
    with_words = yield from _measure(target, target.walk(c, steps=steps), steps, "stepwise")
    without_words = yield from _measure(
        target, target.walk(c, steps=steps, scale=0.0), steps, "stepwise: without words"
    )
    aligned = _aligned(target, with_words, without_words, controls)
    prerequisite: Prerequisite | None = None
    if target.judging is not None and target.asked_class is not None:
        prerequisite = yield from check_prerequisite(target, target.judge(with_words.x))
    verdict, test = _verdict(prerequisite, aligned, len(target.seeds))
    return Explanation(
        "stepwise",
        TITLE,
        CAPTION,
        _panels(with_words, without_words, aligned),
        test,
        verdict,
        _numbers(prerequisite, with_words, aligned),
    )


stepwise = plainly(explain)


def _measure(
    target: AnalysisTarget, walk: Any, steps: int, stage: str
) -> Generator[Progress, None, Measured]:
    kept: list[Step] = []
    for step in walk:
        kept.append(step)
        yield Progress(stage, step.i + 1, steps)
    x, predicted = kept[-1].x_prev.clamp(-1, 1), [step.pred.x_0 for step in kept]

    def along(figure: Callable[[Tensor], Tensor], pictures: list[Tensor]) -> Tensor:
        return torch.stack([figure(one.float()).cpu() for one in pictures], 1)

    def entropy(one: Tensor) -> Tensor:
        return picture_metrics.entropy(target.judge(one))

    return Measured(
        [target.ratio(step.t) for step in kept],
        {name: along(figure, predicted) for name, figure in FIGURES.items()},
        {name: along(figure, [step.x_t for step in kept]) for name, figure in FIGURES.items()},
        along(lambda one: picture_metrics.psnr(one, x.float()), predicted),
        along(lambda one: one.flatten(1).var(1), [step.pred.eps for step in kept]),
        None if target.judging is None else along(entropy, predicted),
        torch.stack([radial_spectrum(one.float()).mean(0) for one in predicted]),
        x,
        _embedded(target, predicted),
    )


def _embedded(target: AnalysisTarget, pictures: list[Tensor]) -> Tensor | None:
    each = [target.embed(x) for x in pictures]
    known = [e.cpu() for e in each if e is not None]
    return torch.stack(known, 1) if known else None


def _aligned(
    target: AnalysisTarget, with_words: Measured, without_words: Measured, controls: int
) -> Alignment | None:
    """Compare pictures with texts; None without an embedder or without another prompt."""
    chosen = other_prompts(target, controls)
    if with_words.e is None or without_words.e is None or not chosen:
        return None
    texts = target.embed_texts([target.prompt, *chosen])
    if texts is None:
        return None
    return Alignment.of((target.prompt, *chosen), with_words.e, without_words.e, texts.cpu())


def _verdict(
    prerequisite: Prerequisite | None, aligned: Alignment | None, n: int
) -> tuple[Verdict, str]:
    test = (
        "Finished pictures have to be nearer to their own words than to those of every control "
        "prompt, after subtracting the cosine of pictures without words."
    )
    if aligned is None:
        return "inconclusive", (
            f"{test} Not tested: there is no CLIP to embed these pictures and prompts."
        )
    unmet = prerequisite.unmet if prerequisite is not None else ""
    if unmet or n < LEAST:
        return "inconclusive", f"{test} Not tested: {unmet or 'too few seeds'}."
    nearest, least = aligned.nearest()
    return weigh(prerequisite, [aligned.over_controls()]), (
        f"{test} The hardest control is “{nearest}”: the cosine with the prompt's own words is "
        f"higher by {least}."
    )


def _numbers(
    prerequisite: Prerequisite | None, found: Measured, aligned: Alignment | None
) -> dict[str, Any]:
    curves = {f"{name}_foreseen": values for name, values in found.predicted.items()}
    curves |= {f"{name}_seen": values for name, values in found.noisy.items()}
    curves |= {"psnr_to_the_end": found.psnr, "variance_of_predicted_noise": found.noise}
    curves |= {} if found.entropy is None else {"judge_entropy_bits": found.entropy}
    return {
        "n": len(found.x),
        "steps": len(found.ratio),
        "sigma_over_alpha": found.ratio,
        "gate": None if prerequisite is None else prerequisite.as_dict(),
        "curves": {name: means(values).as_dict() for name, values in curves.items()},
        "alignment": None if aligned is None else aligned.as_dict(),
    }


def _panels(
    with_words: Measured, without_words: Measured, aligned: Alignment | None
) -> tuple[Panel, ...]:
    pairs = [
        ("sharpness", "variance of the Laplacian", "log"),
        ("edges", "mean Sobel gradient", "log"),
        ("contrast", "standard deviation", "linear"),
        ("mean_frequency", "waves across the picture", "linear"),
    ]
    if float(with_words.predicted["colourfulness"].max()) > 0:
        pairs.insert(3, ("colourfulness", "from 0 to about 150", "linear"))
    panels: list[Panel] = [
        _curve(
            name.replace("_", " ").capitalize(),
            unit,
            with_words.ratio,
            {
                "predicted": with_words.predicted[name],
                "noisy": with_words.noisy[name],
                WORDLESS: without_words.predicted[name],
            },
            scale,
        )
        for name, unit, scale in pairs
    ]
    panels.append(_spectrum(with_words))
    # without the last step, whose x_0-hat is the finished picture: its PSNR is infinite
    psnr = {"predicted": with_words.psnr[:, :-1], WORDLESS: without_words.psnr[:, :-1]}
    title = "How close to the finished picture"
    panels.append(_curve(title, "PSNR, dB", with_words.ratio[:-1], psnr))
    noise = {"with words": with_words.noise, "without words": without_words.noise}
    title = "Variance of the predicted noise (1 for real noise)"
    panels.append(_curve(title, "variance", with_words.ratio, noise))
    if with_words.entropy is not None and without_words.entropy is not None:
        entropy = {"predicted": with_words.entropy, WORDLESS: without_words.entropy}
        panels.append(_curve("Entropy of the judge's answer", "bits", with_words.ratio, entropy))
    if aligned is not None:
        title = "Cosine with texts, minus that of pictures without words"
        panels.append(_curve(title, "cosine", with_words.ratio, aligned.curves()))
    return tuple(panels)


def _curve(
    title: str, unit: str, x: list[float], series: dict[str, Tensor], scale: str = "linear"
) -> Curve:
    lines = []
    for label, values in series.items():
        m = means(values)
        low = m.low.clamp(min=float(m.mean.min()) / 2) if scale == "log" else m.low
        lines.append(Line(label, x, m.mean.tolist(), low.tolist(), m.high.tolist()))
    return Curve(title, lines, LEVELS, unit, xscale="log", yscale=scale, reverse=True)


def _spectrum(found: Measured) -> Curve:
    at = columns(len(found.ratio))[::3]
    waves = [float(f) for f in range(1, found.spectrum.shape[1])]
    lines = [
        Line(
            f"sigma/alpha {found.ratio[i]:.2g}",
            waves,
            found.spectrum[i, 1:].clamp(min=1e-6).tolist(),
        )
        for i in at
    ]
    return Curve(
        "Radial spectrum of the predicted picture",
        lines,
        "waves across the picture",
        "power",
        xscale="log",
        yscale="log",
        note="White noise of variance 1 has a power of 1 everywhere.",
    )
