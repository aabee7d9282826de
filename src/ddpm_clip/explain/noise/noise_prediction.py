"""The analysis of the predicted noise: how accurate it is, and what a CLIP can read in it.

Test: the network's error is smaller than that of the best estimate that looks at each pixel
separately, the requested word stands out in the difference of the two branches, and no word stands
out in random noise.
"""

from collections.abc import Generator, Sequence
from typing import Any

from torch import Tensor

from ddpm_clip.explain.noise.noise_accuracy import Accuracy, LinearEstimate, accuracy
from ddpm_clip.explain.noise.noise_reading import (
    ALLOWED,
    FAR,
    LABELS,
    MAPS,
    ReadMaps,
    read_maps,
    top_words,
)
from ddpm_clip.explain.noise.vocabularies import words_of
from ddpm_clip.explain.panels.kinds import Bars, Curve, Heatmap, Panel, Strip, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recorder
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import Prerequisite, check_prerequisite
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import not_counted, weigh
from ddpm_clip.statistics.means import Means, means
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

LEVELS, REFERENCES = {True: 8, False: 14}, {True: 24, False: 64}
"""Noise levels and reference pictures, with `quick` and without."""

LEAST_RATIO, MOST_RATIO = 0.05, 20.0
"""sigma/alpha between which levels count: outside, any estimate is right or none can be."""

COARSE = 6
"""Steps of the quick reference pictures, which only give means and variances of pixels."""

PLACES = 4
"""Steps of the walk at which the maps are read."""

TOP = 8
"""Words shown for each map."""

NAME, TITLE = "noise_prediction", "What the predicted noise contains"
CAPTION = (
    "Predicting the noise in a picture is the same as predicting the picture. The curves compare "
    "the prediction with noise that was added on purpose: how much of the noise and of the picture "
    "is right at each noise level, how much of the error the words remove, and how much smaller "
    "it is than that of the best estimate that looks at each pixel separately. Then a CLIP reads "
    "four maps along a walk: the noisy picture, the noise predicted with words, the noise "
    "predicted without, and the difference of the two. A bar shows how far a word stands above "
    "random noise, in standard deviations; a word within 3 of them means nothing."
)


def explain(
    target: AnalysisTarget, *, quick: bool = False, words: str | Sequence[str] = (), top: int = TOP
) -> Generator[Progress, None, Explanation]:
    """Measure how accurate the predicted noise is by level, and read words in it.

    Args:
        target: the model and the prompt.
        quick: take fewer noise levels and reference pictures.
        words: words for a CLIP to look for in the maps, in addition to the requested class; a
            string is read by `words_of`: "cifar100", a file, or words separated by commas. By
            default they are the names of the classes.
        top: number of words to show for each map.
    """
    c = target.conditions()
    chosen = target.steps_of(quick)
    steps = len(target.timesteps(chosen))
    places = [round((i + 0.5) * (steps - 1) / PLACES) for i in range(PLACES)]
    recorder = Recorder(target, c, at=places, count=steps)
    for step in recorder.listen(target.walk(c, steps=chosen)):
        yield Progress("noise prediction", step.i + 1, steps)
    walked = recorder.recording()
    found, reference = yield from _measured(target, c, quick)
    sought = words_of(words) if isinstance(words, str) else words
    read = read_maps(target, walked, sought, reference)
    probs = None if target.judging is None else target.judge(walked.x_end).cpu()
    prerequisite = yield from check_prerequisite(target, probs)
    verdict, test = _verdict(found, read, prerequisite)
    panels: list[Panel] = [_right(found), _gained(found)]
    if read is not None:
        panels += [_strip(read), *_bars(read, top), _map(read)]
    return Explanation(
        NAME,
        TITLE,
        CAPTION,
        tuple(panels),
        test,
        verdict,
        _numbers(target, found, read, prerequisite, top),
    )


noise_prediction = plainly(explain)


def _measured(
    target: AnalysisTarget, c: Tensor, quick: bool
) -> Generator[Progress, None, tuple[Accuracy, Tensor]]:
    """Measure accuracy on pictures painted at scale 1, as guidance distorts their distribution."""
    seeds = list(target.seeds)
    x = yield from target.pictures(
        c, seeds, stage="noise prediction: pictures", scale=1.0, steps=target.steps_of(quick)
    )
    n = REFERENCES[quick]
    others = target.more_seeds(n, start=len(seeds))
    reference = yield from target.pictures(
        target.conditions(seeds=others),
        others,
        scale=0.0,
        stage="noise prediction: without words",
        steps=COARSE if quick else None,
    )
    timesteps, branches = target.timesteps(LEVELS[quick]), target.branches(c)
    linear = LinearEstimate.of(reference.cpu())
    found = accuracy(branches, target.schedule, x, linear, timesteps, seed=max(seeds))
    return found, reference


def _counted(found: Accuracy) -> Means:
    """Return the skill of each picture, averaged over the levels that count."""
    inside = (found.ratio > LEAST_RATIO) & (found.ratio < MOST_RATIO)
    return means(found.skill[:, inside].mean(1))


def _verdict(
    found: Accuracy, read: ReadMaps | None, prerequisite: Prerequisite
) -> tuple[Verdict, str]:
    skill = _counted(found)
    test = (
        f"The network leaves {1 - float(skill.mean):.0%} of the error of the best estimate that "
        f"looks at each pixel separately (95 % interval {1 - float(skill.high):.0%} to "
        f"{1 - float(skill.low):.0%}; has to be below 100 %)."
    )
    claims, spurious = [skill], False
    margin = None if read is None else read.margin
    if read is not None:
        test += (
            f" Fresh random noise reaches |z| > {FAR:g} in {read.reader.chance:.2%} of the cells "
            f"(allowed: {ALLOWED:.0%})."
        )
        spurious = read.reader.chance > ALLOWED
    if margin is not None:
        test += (
            f" In the difference map the requested word stands {margin} standard deviations above "
            "the others (has to be above 0)."
        )
        claims.append(margin)
    else:
        test += (
            " The requested word is not tested: that takes a CLIP, a requested class, and another "
            "word."
        )
    verdict = weigh(prerequisite, claims, refuted=spurious, shown=margin is not None)
    return verdict, test + not_counted(prerequisite)


def _numbers(
    target: AnalysisTarget,
    found: Accuracy,
    read: ReadMaps | None,
    prerequisite: Prerequisite,
    top: int,
) -> dict[str, Any]:
    shares = {
        name: means(getattr(found, name)).as_dict()
        for name in ("noise", "picture", "skill", "words", "contours")
    }
    numbers = {
        "n": len(target.seeds),
        "sigma_over_alpha": found.ratio,
        "skill_counted": _counted(found).as_dict(),
        "r2": shares,
        "phases": {
            "a tenth of the picture": found.level_of(0.1),
            "nine tenths": found.level_of(0.9),
        },
        "gate": prerequisite.as_dict(),
    }
    if read is not None:
        z = means(read.z.permute(2, 0, 1, 3))
        margin = read.margin
        numbers["reading"] = {
            "words": read.reader.words,
            "sigma_over_alpha": read.ratio,
            "maps": MAPS,
            "z": z.as_dict(),
            "noise_beyond_3": read.reader.chance,
            "asked_above_others": None if margin is None else margin.as_dict(),
            "top": {
                name: top_words(read.reader.words, one, top)
                for name, one in zip(MAPS, read.z.mean((1, 2)), strict=True)
            },
        }
    return numbers


def _right(found: Accuracy) -> Curve:
    x: list[float] = found.ratio.tolist()
    return Curve(
        "Accuracy of the prediction (R², with 95 % intervals)",
        [mean_line("of the noise", x, found.noise), mean_line("of the picture", x, found.picture)],
        "sigma/alpha",
        "R²",
        xscale="log",
        reverse=True,
        ylim=(-0.1, 1.05),
        note="Both show the same error: where there is much noise, the noise is easy to predict "
        "and the picture is not.",
    )


def _gained(found: Accuracy) -> Curve:
    x: list[float] = found.ratio.tolist()
    return Curve(
        "Gain over simpler predictions",
        [
            mean_line("error removed, compared with pixel by pixel", x, found.skill),
            mean_line("error removed by the words", x, found.words),
            mean_line("error on the picture's contours (correlation)", x, found.contours),
            Line("no gain", [min(x), max(x)], [0.0, 0.0], style="guide"),
        ],
        "sigma/alpha",
        "share",
        xscale="log",
        reverse=True,
        ylim=(-0.6, 1.05),
    )


def _strip(read: ReadMaps) -> Strip:
    shown = read.reader.shown(read.maps[:, :, 0].flatten(0, 1)).view(read.maps[:, :, 0].shape)
    return Strip(
        "Four maps along the walk",
        shown,
        LABELS,
        [f"{r:.2g}" for r in read.ratio],
        "Each is scaled to the brightness and contrast of a picture, as the CLIP sees it. "
        "Above each column: noise level, sigma/alpha.",
    )


def _bars(read: ReadMaps, top: int) -> list[Bars]:
    """Return a panel per map: its strongest words, over all steps and pictures."""
    panels = []
    for name, z in zip(LABELS, read.z.mean(1), strict=True):  # (b, p) each
        every = means(z)
        rows = [
            read.reader.words.index(word)
            for word, _ in top_words(read.reader.words, every.mean, top)
        ]
        panels.append(
            Bars(
                f"Words read in: {name}",
                [read.reader.words[i] for i in rows],
                every.mean[rows].tolist(),
                every.low[rows].tolist(),
                every.high[rows].tolist(),
                "standard deviations from random noise",
            )
        )
    return panels


def _map(read: ReadMaps) -> Heatmap:
    """Show the requested word along the walk, or without one, the strongest in x_t at its end."""
    word = int(read.z[0, -1].mean(0).argmax()) if read.asked_class is None else read.asked_class
    return Heatmap(
        f"“{read.reader.words[word]}” in the maps along the walk",
        read.z[..., word].mean(2),
        LABELS,
        [f"{r:.2g}" for r in read.ratio],
        "standard deviations from random noise",
        "sigma/alpha",
        diverging=True,
    )
