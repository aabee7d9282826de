"""The walk itself: what is seen and foreseen at each step, and the way through the embeddings.

Test: what the network foresees is unbiased (see `settling.py`), and walks of different prompts
end, each, where its own words lie. Knows nothing of reports.
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
"""Other prompts whose walks are compared."""

LEAST = 5
"""Prompts below which no order of them can be told from chance: of four, one in 24 is right."""

SHOWN, COLUMNS = 3, 10
"""Pictures and steps of a strip."""

BY_CHANCE = 0.01
"""How likely an order of the prompts as good as theirs may be by lot."""

LEVELS = (-1.0, 1.6)
"""log10 of the sigma/alpha, from 0.1 to 40, between which slopes are looked at."""

TITLE = "From noise to picture"
CAPTION = (
    "The upper strip shows what the network sees at each step, the lower one the picture that it "
    "foresees from it. The curves say how far that is from the finished picture and how much a "
    "step changes it. The path shows the foreseen pictures in the plane of a CLIP's space in "
    "which finished pictures of several prompts (dots) differ most. It begins at what the words "
    "alone make the network expect and ends at one picture; where it does not leave its own dots, "
    "the words decided the class before the noise had a say."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Paths:
    """Finished pictures of several prompts in a plane, and the way of the own ones.

    Attributes:
        prompts: (p,) the own one first.
        match: of pictures and texts.
        ends: (p, n, 2) finished pictures.
        way: (s, b, 2) foreseen pictures of the own prompt.
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
    """Strips, distances, slopes and the path of walks, and whether they may be believed."""
    c = target.conditions()
    steps = target.steps_of(quick)
    count = len(target.timesteps(steps))
    recorder = Recorder(target, c, branches=False, count=count)
    for step in recorder.listen(target.walk(c, steps=steps)):
        yield Progress("trajectory", step.i + 1, count)
    walked = recorder.recording()
    believed = yield from _slopes(target, c, quick)
    paths = yield from _paths(target, walked, quick)
    verdict, test = _verdict(believed, paths)
    errors, halves = errors_to_end(walked), halved_at(walked.ratio, errors_to_end(walked))
    panels: list[Panel] = [*_strips(walked), _distances(walked, errors), _believed(believed)]
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
                "sigma_over_alpha": believed.ratio,
                "slope": believed.slope,
                "error": believed.error,
                "worst": believed.worst,
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
    """Of pictures painted at scale 1: a guided picture is bolder than what the network models."""
    seeds = list(target.seeds)
    x = yield from target.pictures(
        c, seeds, stage="trajectory: slopes", scale=1.0, steps=target.steps_of(quick)
    )
    ratios = torch.logspace(*LEVELS, 7 if quick else 14, dtype=torch.float64)
    rows = sorted(set(target.schedule.timestep_of(ratios).tolist()), reverse=True)
    return slopes(target, x, c, rows, seeds)


def _paths(
    target: AnalysisTarget, walked: Recording, quick: bool
) -> Generator[Progress, None, _Paths | None]:
    """None where nobody embeds or there is nothing to compare with."""
    prompts = [target.prompt, *other_prompts(target, CONTROLS)]
    texts = target.embed_texts(prompts)
    if texts is None or len(prompts) < LEAST:
        return None
    n = min(4 if quick else 8, len(target.seeds))
    seeds = target.seeds[:n]
    said = [text for text in prompts[1:] for _ in seeds]
    c = target.conditions(said, list(seeds) * (len(prompts) - 1))
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
    """(e, 2) directions of most variance of centred rows, and the share that lies in them."""
    values, vectors = torch.linalg.eigh(rows.double().T @ rows.double())
    shown = values[-2:].sum() / values.sum().clamp(min=1e-12)
    return vectors[:, [-1, -2]].float(), float(shown)


def _verdict(believed: Slopes, paths: _Paths | None) -> tuple[Verdict, str]:
    n_levels = len(believed.ratio)
    unbiased, biased = believed.worst <= TOLERANCE, believed.surely > TOLERANCE
    said = (
        f"Pictures regressed on what was foreseen of them have slope 1 where a denoiser is "
        f"right; over {n_levels} noise levels the worst is {believed.worst:.2f} away "
        f"(allowed: {TOLERANCE})."
    )
    if paths is None:
        said += " Nobody embeds these pictures and prompts, so no path could be tested."
        return "fail" if biased else "inconclusive", said
    said += (
        f" The walks of {paths.match.right} of {paths.match.n} prompts end nearest to their "
        f"own words; by lot an order as good has probability {paths.match.by_chance:.2g} "
        f"(allowed: {BY_CHANCE})."
    )
    # no order at all is one that half of all orders are as good as
    refuted, matched = paths.match.by_chance >= 0.5, paths.match.by_chance <= BY_CHANCE
    return weigh(None, (), refuted=biased or refuted, shown=unbiased and matched), said


def _strips(walked: Recording) -> list[Strip]:
    steps = len(walked.t)
    places = sorted({round(i * (steps - 1) / (COLUMNS - 1)) for i in range(COLUMNS)})
    names = [f"{walked.ratio[i]:.2g}" for i in places]
    rows = range(min(SHOWN, walked.x_0.shape[1]))
    note = "Above each column: the noise level, sigma/alpha."
    noisy = walked.x_t[places][:, list(rows)].transpose(0, 1)
    # as bright as a picture can be shown: x_t is up to one unit of noise around it
    seen = noisy / (1 + 2 * walked.sigma[places].float().view(1, -1, 1, 1, 1))
    return [
        Strip("What the network sees (x_t)", seen, (), names, note),
        Strip(
            "What it foresees (x_0-hat)",
            walked.x_0[places][:, list(rows)].transpose(0, 1),
            (),
            names,
        ),
    ]


def _distances(walked: Recording, errors: Tensor) -> Curve:
    step = list(range(1, len(walked.t) + 1))
    return Curve(
        "Distance along the walk (rms of a pixel, with 95 % intervals)",
        [
            mean_line("from x_0-hat to the finished picture", step, errors.T),
            mean_line("what a step changes of x_0-hat", step[1:], changes(walked).T),
        ],
        "step",
        "rms",
        note="That the first falls proves little: the last step is x_0-hat itself, so it falls "
        "for a random network as well.",
    )


def _believed(believed: Slopes) -> Curve:
    x, y = list(believed.ratio), believed.slope
    wide = 1.96 * believed.error
    guide = [min(x), max(x)]
    return Curve(
        "Is what it foresees unbiased?",
        [
            Line(
                "slope of pictures on what was foreseen",
                x,
                y.tolist(),
                (y - wide).tolist(),
                (y + wide).tolist(),
            ),
            Line("right", guide, [1.0, 1.0], style="guide"),
            Line("allowed", guide, [1 - TOLERANCE] * 2, style="guide"),
            Line("allowed", guide, [1 + TOLERANCE] * 2, style="guide"),
        ],
        "sigma/alpha",
        "slope",
        xscale="log",
        reverse=True,
        ylim=(min(0.8, float(y.min()) - 0.1), max(1.3, float(y.max()) + 0.2)),
        note="Finished pictures (guidance 1) are noised anew and foreseen from there.",
    )


def _path(paths: _Paths) -> Curve:
    # the paths first, so that dots lie on them; equal labels share a colour
    lines = [
        Line(f"“{paths.prompts[0]}”", way[:, 0].tolist(), way[:, 1].tolist())
        for way in paths.way.transpose(0, 1)[:SHOWN]
    ]
    lines += [
        Line(f"“{text}”", end[:, 0].tolist(), end[:, 1].tolist(), style="dots")
        for text, end in zip(paths.prompts, paths.ends, strict=True)
    ]
    return Curve(
        "The way through the embeddings",
        lines,
        "first direction",
        "second direction",
        note=f"The plane holds {paths.shown:.0%} of the variance of the finished pictures.",
    )
