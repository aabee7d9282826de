"""Metrics by step: how sharp, edged, contrasty, colourful and sure pictures become along a walk.

Each is a formula of `picture_metrics.py` or `spectrum.py` on x_0-hat and x_t, with an interval over
the seeds. Test: the words themselves are what the pictures come to be like, more than those of any
control prompt, beyond what pictures without words are. Knows nothing of reports.
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
    "What can be measured on the pictures of a walk, step by step, with 95 % intervals over the "
    "seeds. Noise is on the left, the finished picture on the right. “Foreseen” is the picture "
    "that the network expects at that step (x_0-hat), “seen” is what it is given (x_t), which is "
    "mostly noise at first. The last curves compare pictures and words in a CLIP's space, less "
    "what pictures of the same seeds without words have in common with them."
)
LEAST = 6
"""Seeds below which nothing is tested."""

WORDLESS = "foreseen without words"

FIGURES: dict[str, Callable[[Tensor], Tensor]] = {
    "sharpness": picture_metrics.sharpness,
    "edges": picture_metrics.edges,
    "contrast": picture_metrics.contrast,
    "colourfulness": picture_metrics.colourfulness,
    "mean_frequency": lambda x: centroid(radial_spectrum(x)).to(x),
}
"""(b, c, h, w) -> (b,), of what is foreseen and of what is seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """n walks of s steps.

    Attributes:
        ratio: (s,) sigma/alpha.
        foreseen, seen: (n, s) of each figure, of x_0-hat and x_t.
        psnr: (n, s) of x_0-hat against the finished picture, in decibels.
        noise: (n, s) the variance of the predicted noise, 1 where it is noise.
        entropy: (n, s) of the judge, in bits; None where nobody judges.
        spectrum: (s, f) mean power of x_0-hat at each frequency.
        x: (n, c, h, w) finished pictures.
        e: (n, s, d) embeddings of x_0-hat; None where nobody embeds.
    """

    ratio: list[float]
    foreseen: dict[str, Tensor]
    seen: dict[str, Tensor]
    psnr: Tensor
    noise: Tensor
    entropy: Tensor | None
    spectrum: Tensor
    x: Tensor
    e: Tensor | None


def explain(
    target: AnalysisTarget, *, quick: bool = False, controls: int = 5
) -> Generator[Progress, None, Explanation]:
    """Figures of the pictures at every step, and whether they come to be like their words.

    Args:
        target: a model with a prompt, or anything that walks like one.
        quick: fewer steps.
        controls: other prompts that the pictures are compared with.
    """
    steps = target.steps_of(quick)
    c = target.conditions()
    spoken = yield from _measure(target, target.walk(c, steps=steps), steps, "stepwise")
    silent = yield from _measure(
        target, target.walk(c, steps=steps, scale=0.0), steps, "stepwise: without words"
    )
    aligned = _aligned(target, spoken, silent, controls)
    prerequisite: Prerequisite | None = None
    if target.judging is not None and target.asked_class is not None:
        prerequisite = yield from check_prerequisite(target, target.judge(spoken.x))
    verdict, test = _verdict(prerequisite, aligned, len(target.seeds))
    return Explanation(
        "stepwise",
        TITLE,
        CAPTION,
        _panels(spoken, silent, aligned),
        test,
        verdict,
        _numbers(prerequisite, spoken, aligned),
    )


stepwise = plainly(explain)


def _measure(
    target: AnalysisTarget, walk: Any, steps: int, stage: str
) -> Generator[Progress, None, Measured]:
    kept: list[Step] = []
    for step in walk:
        kept.append(step)
        yield Progress(stage, step.i + 1, steps)
    x, foreseen = kept[-1].x_prev.clamp(-1, 1), [step.pred.x_0 for step in kept]

    def along(figure: Callable[[Tensor], Tensor], pictures: list[Tensor]) -> Tensor:
        return torch.stack([figure(one.float()).cpu() for one in pictures], 1)

    def unsure(one: Tensor) -> Tensor:
        return picture_metrics.entropy(target.judge(one))

    return Measured(
        [target.ratio(step.t) for step in kept],
        {name: along(figure, foreseen) for name, figure in FIGURES.items()},
        {name: along(figure, [step.x_t for step in kept]) for name, figure in FIGURES.items()},
        along(lambda one: picture_metrics.psnr(one, x.float()), foreseen),
        along(lambda one: one.flatten(1).var(1), [step.pred.eps for step in kept]),
        None if target.judging is None else along(unsure, foreseen),
        torch.stack([radial_spectrum(one.float()).mean(0) for one in foreseen]),
        x,
        _embedded(target, foreseen),
    )


def _embedded(target: AnalysisTarget, pictures: list[Tensor]) -> Tensor | None:
    each = [target.embed(x) for x in pictures]
    known = [e.cpu() for e in each if e is not None]
    return torch.stack(known, 1) if known else None


def _aligned(
    target: AnalysisTarget, spoken: Measured, silent: Measured, controls: int
) -> Alignment | None:
    """None where nobody embeds pictures and texts, or there is no other prompt."""
    chosen = other_prompts(target, controls)
    if spoken.e is None or silent.e is None or not chosen:
        return None
    texts = target.embed_texts([target.prompt, *chosen])
    if texts is None:
        return None
    return Alignment.of((target.prompt, *chosen), spoken.e, silent.e, texts.cpu())


def _verdict(
    prerequisite: Prerequisite | None, aligned: Alignment | None, n: int
) -> tuple[Verdict, str]:
    test = (
        "In the end the pictures have to be nearer to their own words than to those of every "
        "control prompt, beyond what pictures without words are."
    )
    if aligned is None:
        return "inconclusive", f"{test} Not tested: nobody embeds these pictures and prompts."
    closed = prerequisite.closed if prerequisite is not None else ""
    if closed or n < LEAST:
        return "inconclusive", f"{test} Not tested: {closed or 'too few seeds'}."
    nearest, least = aligned.nearest()
    return weigh(prerequisite, [aligned.over_controls()]), (
        f"{test} The hardest control is “{nearest}”: the cosine with the own words is {least} "
        "higher."
    )


def _numbers(
    prerequisite: Prerequisite | None, found: Measured, aligned: Alignment | None
) -> dict[str, Any]:
    curves = {f"{name}_foreseen": values for name, values in found.foreseen.items()}
    curves |= {f"{name}_seen": values for name, values in found.seen.items()}
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


def _panels(spoken: Measured, silent: Measured, aligned: Alignment | None) -> tuple[Panel, ...]:
    pairs = [
        ("sharpness", "variance of the Laplacian", "log"),
        ("edges", "mean Sobel gradient", "log"),
        ("contrast", "standard deviation", "linear"),
        ("mean_frequency", "waves across the picture", "linear"),
    ]
    if float(spoken.foreseen["colourfulness"].max()) > 0:
        pairs.insert(3, ("colourfulness", "of 0 to about 150", "linear"))
    panels: list[Panel] = [
        _curve(
            name.replace("_", " ").capitalize(),
            unit,
            spoken.ratio,
            {
                "foreseen": spoken.foreseen[name],
                "seen": spoken.seen[name],
                WORDLESS: silent.foreseen[name],
            },
            scale,
        )
        for name, unit, scale in pairs
    ]
    panels.append(_spectrum(spoken))
    # the last step foresees the finished picture itself, to any number of decibels
    near = {"foreseen": spoken.psnr[:, :-1], WORDLESS: silent.psnr[:, :-1]}
    panels.append(_curve("How near to the finished picture", "PSNR, dB", spoken.ratio[:-1], near))
    noise = {"with words": spoken.noise, "without words": silent.noise}
    panels.append(_curve("Is the predicted noise noise?", "variance", spoken.ratio, noise))
    if spoken.entropy is not None and silent.entropy is not None:
        unsure = {"foreseen": spoken.entropy, WORDLESS: silent.entropy}
        panels.append(_curve("How unsure the judge is", "bits", spoken.ratio, unsure))
    if aligned is not None:
        title = "Nearness to words, beyond that without words"
        panels.append(_curve(title, "cosine", spoken.ratio, aligned.curves()))
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
        "Radial spectrum of the foreseen picture",
        lines,
        "waves across the picture",
        "power",
        xscale="log",
        yscale="log",
        note="White noise of variance 1 would have 1 everywhere.",
    )
