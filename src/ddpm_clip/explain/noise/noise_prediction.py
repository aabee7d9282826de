"""What is in the noise that the network names: true noise, and what is left of picture and words.

Test: what it names is nearer to the true noise than the best guess pixel by pixel would be, the
difference that the words make is read as the class that was asked for, and random noise is read as
nothing.
Knows nothing of reports.
"""

from collections.abc import Generator, Sequence
from typing import Any

from torch import Tensor

from ddpm_clip.explain.noise.noise_accuracy import Accuracy, LinearGuess, accuracy
from ddpm_clip.explain.noise.noise_reading import ALLOWED, FAR, MAPS, ReadMaps, read_maps, top_words
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
"""Noise levels and reference pictures, where it is to be quick and where not."""

LEAST_RATIO, MOST_RATIO = 0.05, 20.0
"""Noise levels that count for the verdict; beyond, everyone is right or nobody can be."""

COARSE = 6
"""Steps of the quick reference pictures, of which only means and spreads of pixels are taken."""

PLACES = 4
"""Of the walk, at which the maps are read."""

TOP = 8
"""Words that are shown of each map."""

NAME, TITLE = "noise_prediction", "What is in the predicted noise"
CAPTION = (
    "A network that names the noise in a picture has said what the picture is. The curves compare "
    "its answer with noise that is known because it was added on purpose: how much of the noise "
    "and of the picture is right at each noise level, how much of that the words bring, and how "
    "much a plain linear guess leaves undone. Below, a CLIP reads four maps along a walk: what "
    "the network sees, the noise it names with and without the words, and the difference. A bar "
    "counts how far a word stands above random noise, in standard deviations; within 3 it is "
    "nothing."
)


def explain(
    target: AnalysisTarget, *, quick: bool = False, words: str | Sequence[str] = (), top: int = TOP
) -> Generator[Progress, None, Explanation]:
    """How right the named noise is by noise level, and which words are read in it.

    Args:
        target: what is explained.
        quick: fewer noise levels and reference pictures.
        words: that a CLIP looks for in the maps, beside the class that is asked for; a text is
            read by `words_of`: "cifar100", a file, or words with commas between. None take the
            names of the classes.
        top: so many of them are shown.
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
    """Of pictures painted at scale 1: a guided picture is bolder than what the network models."""
    seeds = list(target.seeds)
    x = yield from target.pictures(
        c, seeds, stage="noise prediction: pictures", scale=1.0, steps=target.steps_of(quick)
    )
    n = REFERENCES[quick]
    others = target.more_seeds(n, start=len(seeds))
    wordless = yield from target.pictures(
        target.conditions(seeds=others),
        others,
        scale=0.0,
        stage="noise prediction: wordless",
        steps=COARSE if quick else None,
    )
    rows = target.timesteps(LEVELS[quick])
    ask = target.branches(c)
    guess = LinearGuess.of(wordless.cpu())
    return accuracy(ask, target.schedule, x, guess, rows, seed=max(seeds)), wordless


def _counted(found: Accuracy) -> Means:
    """The skill of each picture, averaged over the levels that count."""
    inside = (found.ratio > LEAST_RATIO) & (found.ratio < MOST_RATIO)
    return means(found.skill[:, inside].mean(1))


def _verdict(
    found: Accuracy, read: ReadMaps | None, prerequisite: Prerequisite
) -> tuple[Verdict, str]:
    skill = _counted(found)
    said = (
        f"The network leaves {1 - float(skill.mean):.0%} of the error of the best guess pixel "
        f"by pixel (95 % interval {1 - float(skill.high):.0%} to {1 - float(skill.low):.0%}; "
        "it has to be below 100 %)."
    )
    claims, loud = [skill], False
    margin = None if read is None else read.margin
    if read is not None:
        said += (
            f" Random noise reaches |z| > {FAR:g} in {read.reader.chance:.2%} of the cells "
            f"(allowed: {ALLOWED:.0%})."
        )
        loud = read.reader.chance > ALLOWED
    if margin is not None:
        said += (
            f" In the difference the asked word stands {margin} standard "
            "deviations above the others (it has to be above 0)."
        )
        claims.append(margin)
    else:
        said += " No asked word could be looked for in the maps."
    verdict = weigh(prerequisite, claims, refuted=loud, shown=margin is not None)
    return verdict, said + not_counted(prerequisite)


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
        "How much is named right (R², with 95 % intervals)",
        [mean_line("of the noise", x, found.noise), mean_line("of the picture", x, found.picture)],
        "sigma/alpha",
        "R²",
        xscale="log",
        reverse=True,
        ylim=(-0.1, 1.05),
        note="Both are one error seen twice: where there is much noise, it is easily named and "
        "the picture is not.",
    )


def _gained(found: Accuracy) -> Curve:
    x: list[float] = found.ratio.tolist()
    return Curve(
        "What the network knows beyond that",
        [
            mean_line("error of the linear guess that is gone", x, found.skill),
            mean_line("error of the wordless branch that is gone", x, found.words),
            mean_line("error lies on the own contours (correlation)", x, found.contours),
            Line("nothing", [min(x), max(x)], [0.0, 0.0], style="guide"),
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
        MAPS,
        [f"{r:.2g}" for r in read.ratio],
        "Each brought to the brightness and contrast of a picture, as the CLIP sees it. "
        "Above each column: sigma/alpha.",
    )


def _bars(read: ReadMaps, top: int) -> list[Bars]:
    """A panel a map: its top words, over all places and pictures."""
    panels = []
    for name, z in zip(MAPS, read.z.mean(1), strict=True):  # (b, p) each
        every = means(z)
        rows = [
            read.reader.words.index(word)
            for word, _ in top_words(read.reader.words, every.mean, top)
        ]
        panels.append(
            Bars(
                f"Read in {name}",
                [read.reader.words[i] for i in rows],
                every.mean[rows].tolist(),
                every.low[rows].tolist(),
                every.high[rows].tolist(),
                "standard deviations from random noise",
            )
        )
    return panels


def _map(read: ReadMaps) -> Heatmap:
    """Of the asked word, or where none is asked of the one that stands out most at the end."""
    word = int(read.z[0, -1].mean(0).argmax()) if read.asked_class is None else read.asked_class
    return Heatmap(
        f"“{read.reader.words[word]}” in the maps along the walk",
        read.z[..., word].mean(2),
        MAPS,
        [f"{r:.2g}" for r in read.ratio],
        "standard deviations from random noise",
        "sigma/alpha",
        diverging=True,
    )
