"""The walk itself: x_t and x_0-hat at each step, and the path through the embeddings of a CLIP.

Test: the predicted picture is unbiased (see `settling.py`), and the walks of different prompts end
near their own words.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddpm_clip.explain.over_time.matching import Match, match
from ddpm_clip.explain.over_time.settling import (
    TOLERANCE,
    Slopes,
    changes,
    errors_to_end,
    halved_at,
    slopes,
)
from ddpm_clip.explain.panels.kinds import Curve, Panel, Strip, mean_line
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.recorder import Recorder, Recording
from ddpm_clip.explain.verdict.analysis import plainly
from ddpm_clip.explain.verdict.prerequisite import other_prompts
from ddpm_clip.explain.verdict.result import Explanation, Verdict
from ddpm_clip.explain.verdict.verdicts import weigh
from ddpm_clip.types import Progress
from ddpm_clip.utils.plots.curves import Line

CONTROLS = 5
"""Other prompts whose walks are compared, at most."""

LEAST = 5
"""Prompts below which no order can be significant: of four, one order in 24 is the true one."""

SHOWN, COLUMNS = 3, 10
"""Pictures and steps of a strip."""

BY_CHANCE = 0.01
"""Largest share of all orders that may fit as well as the true one."""

LEVELS = (-1.0, 1.6)
"""log10 of the sigma/alpha, from 0.1 to 40, between which slopes are measured."""

TITLE = "From noise to picture"
CAPTION = (
    "The first strip shows the noisy picture that the network sees at each step (x_t), the second "
    "one the finished picture that it predicts from it (x_0-hat). The curves show how far this "
    "prediction is from the finished picture and how much a step changes it; the step at which "
    "the distance has halved is where the coarse shape is settled. The last panel shows the plane "
    "of a CLIP's embedding space in which finished pictures of several prompts differ most: dots "
    "are finished pictures, lines are the paths of the predictions. A path that starts among the "
    "dots of its own prompt shows that the words alone decide the class there, before the noise "
    "has any influence."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Paths:
    """Finished pictures of several prompts in a plane, and the paths of the own predictions.

    Attributes:
        prompts: (p,) the prompts, the own one first.
        match: how well the pictures match their texts.
        ends: (p, n, 2) finished pictures.
        way: (s, b, 2) predicted pictures of the own prompt.
        shown: share of the finished pictures' variance that lies in the plane.
    """

    prompts: tuple[str, ...]
    match: Match
    ends: Tensor
    way: Tensor
    shown: float


def explain(
    target: AnalysisTarget, *, quick: bool = False
) -> Generator[Progress, None, Explanation]:
    """Show a walk (strips, distances, path), and test whether its predictions can be trusted."""
    c = target.conditions()
    steps = target.steps_of(quick)
    count = len(target.timesteps(steps))
    recorder = Recorder(target, c, branches=False, count=count)
    for step in recorder.listen(target.walk(c, steps=steps)):
        yield Progress("trajectory", step.i + 1, count)
    walked = recorder.recording()
    fitted = yield from _slopes(target, c, quick)
    paths = yield from _paths(target, walked, quick)
    verdict, test = _verdict(fitted, paths)
    errors, halves = errors_to_end(walked), halved_at(walked.ratio, errors_to_end(walked))
    panels: list[Panel] = [*_strips(walked), _distances(walked, errors), _bias(fitted)]
    panels += [_path(paths)] if paths is not None else []
    return Explanation(
        "trajectory",
        TITLE,
        CAPTION,
        tuple(panels),
        test,
        verdict,
        {
            "n": len(target.seeds),
            "steps": len(walked.t),
            "half_of_the_error_gone_at_sigma_over_alpha": {
                "n": halves.n,
                "value": 10 ** float(halves.mean),
                "interval_95": [10 ** float(halves.low), 10 ** float(halves.high)],
            },
            "slopes": {
                "sigma_over_alpha": fitted.ratio,
                "slope": fitted.slope,
                "error": fitted.error,
                "worst": fitted.worst,
                "tolerance": TOLERANCE,
            },
            "prompts": None
            if paths is None
            else {
                "asked": paths.prompts,
                "right": paths.match.right,
                "n": paths.match.n,
                "by_chance": paths.match.by_chance,
                "variance_shown": paths.shown,
            },
        },
    )


trajectory = plainly(explain)


def _slopes(target: AnalysisTarget, c: Tensor, quick: bool) -> Generator[Progress, None, Slopes]:
    """Measure slopes on pictures painted at scale 1, since guidance distorts the distribution."""
    seeds = list(target.seeds)
    x = yield from target.pictures(
        c, seeds, stage="trajectory: slopes", scale=1.0, steps=target.steps_of(quick)
    )
    ratios = torch.logspace(*LEVELS, 7 if quick else 14, dtype=torch.float64)
    timesteps = sorted(set(target.schedule.timestep_of(ratios).tolist()), reverse=True)
    return slopes(target, x, c, timesteps, seeds)


def _paths(
    target: AnalysisTarget, walked: Recording, quick: bool
) -> Generator[Progress, None, _Paths | None]:
    """Embed finished pictures of several prompts; None without an embedder or enough prompts."""
    prompts = [target.prompt, *other_prompts(target, CONTROLS)]
    texts = target.embed_texts(prompts)
    if texts is None or len(prompts) < LEAST:
        return None
    n = min(4 if quick else 8, len(target.seeds))
    seeds = target.seeds[:n]
    each = [text for text in prompts[1:] for _ in seeds]
    c = target.conditions(each, list(seeds) * (len(prompts) - 1))
    others = yield from target.pictures(
        c,
        list(seeds) * (len(prompts) - 1),
        stage="trajectory: other prompts",
        steps=target.steps_of(quick),
    )
    ends = torch.cat([walked.x_end[:n].to(others), others])
    e = target.embed(ends)
    assert e is not None
    ends_e = e.cpu().view(len(prompts), n, -1)
    found = match(ends_e, texts)
    way = torch.stack([_embedded(target, x) for x in walked.x_0])
    middle = ends_e.flatten(0, 1).mean(0)
    axes, shown = _plane(ends_e.flatten(0, 1) - middle)
    return _Paths(tuple(prompts), found, (ends_e - middle) @ axes, (way - middle) @ axes, shown)


def _embedded(target: AnalysisTarget, x: Tensor) -> Tensor:
    e = target.embed(x.to(target.ddpm.device))
    assert e is not None
    return e.cpu()


def _plane(rows: Tensor) -> tuple[Tensor, float]:
    """Return (e, 2) the two directions of largest variance of centred rows, and their share."""
    values, vectors = torch.linalg.eigh(rows.double().T @ rows.double())
    shown = values[-2:].sum() / values.sum().clamp(min=1e-12)
    return vectors[:, [-1, -2]].float(), float(shown)


def _verdict(fitted: Slopes, paths: _Paths | None) -> tuple[Verdict, str]:
    unbiased, biased = fitted.worst <= TOLERANCE, fitted.surely > TOLERANCE
    test = (
        "If the prediction is unbiased, the regression of pictures on their predictions has slope "
        f"1. Over {len(fitted.ratio)} noise levels the largest difference is {fitted.worst:.2f} "
        f"(allowed: {TOLERANCE})."
    )
    if paths is None:
        test += (
            " Whether walks end near their own words is not tested: that takes a CLIP that embeds "
            f"pictures and texts, and {LEAST} prompts."
        )
        return "fail" if biased else "inconclusive", test
    test += (
        f" The walks of {paths.match.right} of {paths.match.n} prompts end nearest to their own "
        f"words; {paths.match.by_chance:.2%} of all assignments of texts to pictures fit as well "
        f"as the true one (allowed: {BY_CHANCE:.0%})."
    )
    # refuted if half of all assignments fit as well as the true one
    refuted, matched = paths.match.by_chance >= 0.5, paths.match.by_chance <= BY_CHANCE
    return weigh(None, (), refuted=biased or refuted, shown=unbiased and matched), test


def _strips(walked: Recording) -> list[Strip]:
    steps = len(walked.t)
    places = sorted({round(i * (steps - 1) / (COLUMNS - 1)) for i in range(COLUMNS)})
    names = [f"{walked.ratio[i]:.2g}" for i in places]
    rows = range(min(SHOWN, walked.x_0.shape[1]))
    note = "Above each column: noise level, sigma/alpha."
    noisy = walked.x_t[places][:, list(rows)].transpose(0, 1)
    # darken noisy pictures, whose values exceed [-1, 1], so that they can be shown
    noisy = noisy / (1 + 2 * walked.sigma[places].float().view(1, -1, 1, 1, 1))
    predicted = walked.x_0[places][:, list(rows)].transpose(0, 1)
    return [
        Strip("What the network sees (x_t)", noisy, (), names, note),
        Strip("What it predicts (x_0-hat)", predicted, (), names),
    ]


def _distances(walked: Recording, errors: Tensor) -> Curve:
    step = list(range(1, len(walked.t) + 1))
    return Curve(
        "Distances along the walk (rms per pixel, with 95 % intervals)",
        [
            mean_line("x_0-hat to the finished picture", step, errors.T),
            mean_line("change of x_0-hat in a step", step[1:], changes(walked).T),
        ],
        "step",
        "rms",
        note="That the first curve falls proves little: the last step is x_0-hat itself, so it "
        "falls for random weights as well.",
    )


def _bias(fitted: Slopes) -> Curve:
    x, y = list(fitted.ratio), fitted.slope
    half = 1.96 * fitted.error
    guide = [min(x), max(x)]
    return Curve(
        "Is the prediction unbiased?",
        [
            Line(
                "slope of pictures on predictions",
                x,
                y.tolist(),
                (y - half).tolist(),
                (y + half).tolist(),
            ),
            Line("unbiased", guide, [1.0, 1.0], style="guide"),
            Line("allowed", guide, [1 - TOLERANCE] * 2, style="guide"),
            Line("allowed", guide, [1 + TOLERANCE] * 2, style="guide"),
        ],
        "sigma/alpha",
        "slope",
        xscale="log",
        reverse=True,
        ylim=(min(0.8, float(y.min()) - 0.1), max(1.3, float(y.max()) + 0.2)),
        note="Finished pictures (guidance 1) are noised again and predicted from there.",
    )


def _path(paths: _Paths) -> Curve:
    # paths first, so that dots are drawn over them; equal labels share a colour
    lines = [
        Line(f"“{paths.prompts[0]}”", way[:, 0].tolist(), way[:, 1].tolist())
        for way in paths.way.transpose(0, 1)[:SHOWN]
    ]
    lines += [
        Line(f"“{text}”", end[:, 0].tolist(), end[:, 1].tolist(), style="dots")
        for text, end in zip(paths.prompts, paths.ends, strict=True)
    ]
    return Curve(
        "Path through the embeddings",
        lines,
        "first direction",
        "second direction",
        note=f"The plane shows {paths.shown:.0%} of the variance of the finished pictures.",
    )
