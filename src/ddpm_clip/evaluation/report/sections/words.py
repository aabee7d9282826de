"""The sections that measure whether pictures show what the prompt says: judge and another CLIP."""

from collections.abc import Generator
from typing import cast

import torch

from ddpm_clip.errors import DataError, DdpmClipError
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.metrics.retrieval import retrieve
from ddpm_clip.evaluation.prompts.cases import meaning
from ddpm_clip.evaluation.prompts.success import Count, SuccessTable, accepted, tabulated
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.sections.zero_shot import zero_shot_section
from ddpm_clip.reports.figures import Figure, Section
from ddpm_clip.statistics.clusters import cluster_interval
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Embedder, Progress
from ddpm_clip.utils.tensors import to_float

SUCCESS, RETRIEVAL = "Prompt success", "Retrieval by another CLIP"

WEAK = 0.9
"""A judge with a lower accuracy on real pictures is a poor evaluator, and a note says so."""

Work = Generator[Progress, None, Section]


def success_section(data: EvaluationData) -> Work:
    """Measure the share of pictures that the judge reads as requested and does not reject."""
    if data.judge.net is None and data.zero_shot is not None:
        return (yield from zero_shot_section(data, SUCCESS))
    if data.judge.net is None:
        raise DataError(data.judge.why, fix=data.judge.fix)
    yield Progress("judge's reading", 0, 1)
    verdicts = [one for one in data.verdicts if one is not None]
    if not verdicts:
        return _accepted(data, data.judge.net)
    table, ceiling = tabulated(verdicts, data.seed), _ceiling(data)
    yield Progress("judge's reading", 1, 1)
    detail = {"judge": dict(data.judge.about), "painted": table.as_dict(prompts=True)}
    detail |= {} if ceiling is None else {"real": ceiling.as_dict()}
    return Section(
        "success",
        SUCCESS,
        "How many painted pictures show what was requested. This is decided by a judge that was "
        "trained separately from the model; a picture that it rejects as unlike anything it knows "
        'does not count. The column "real" is the same share of real pictures of the same kinds: '
        "a model exceeds it only by painting more typical pictures than they are.",
        _success_figures(table, ceiling),
        tuple(_share(f"requested: {name}", one) for name, one in table.values.items())
        + tuple(_share(name, one) for name, one in table.prompts.items()),
        _success_notes(data, len(verdicts)),
        detail,
    )


def _accepted(data: EvaluationData, judge: JudgeNet) -> Section:
    """If no prompt states facts: measure how many pictures the judge does not reject."""
    painted = accepted(judge, data.x)
    try:
        some = data.pool[0].by_lot(len(data.x), data.seed)
        real = accepted(judge, to_float(some.pixels))
        beside = sum(real) / len(real)
    except DdpmClipError:  # there are no real pictures
        beside = None
    n, fine = len(painted), sum(painted)
    return Section(
        "success",
        SUCCESS,
        "No prompt states facts that a judge could check, so whether pictures follow their "
        "prompts cannot be measured. The judge can still say how many pictures are of a kind that "
        "it knows.",
        (Figure("not rejected by the judge", fine / n, n, "%", wilson(fine, n), beside, "high"),),
        notes=(
            "the judge checks facts that follow a prompt in a file: a red rose<TAB>species=rose",
        ),
        detail={"judge": dict(data.judge.about)},
    )


def _ceiling(data: EvaluationData) -> SuccessTable | None:
    """Return the same table for real pictures, if there are any of these kinds."""
    try:
        found = data.real_verdicts()
    except DdpmClipError:
        return None
    return tabulated(found) if found else None


def _success_figures(table: SuccessTable, ceiling: SuccessTable | None) -> tuple[Figure, ...]:
    whole, real = table.total, None if ceiling is None else ceiling.total
    by_prompt = [(one.success, one.n) for one in table.prompts.values()]
    worst, least = table.worst_value
    figures = [
        _share("success", whole, real),
        Figure(
            "success, interval over other prompts of this kind",
            whole.share,
            whole.n,
            "%",
            cluster_interval(by_prompt),
            better="high",
        ),
        _share(f"weakest: {worst}", least, ceiling.values.get(worst) if ceiling else None),
        Figure(
            "rejected by the judge",
            whole.rejected / whole.n,
            whole.n,
            "%",
            wilson(whole.rejected, whole.n),
            real.rejected / real.n if real else None,
            "low",
        ),
        Figure(
            "read as requested, rejected or not",
            whole.read / whole.n,
            whole.n,
            "%",
            wilson(whole.read, whole.n),
            real.read / real.n if real else None,
            "high",
        ),
    ]
    if len(table.attributes) > 1:
        figures += [
            _share(
                f"correct where requested: {name}",
                one,
                ceiling.attributes.get(name) if ceiling else None,
            )
            for name, one in table.attributes.items()
        ]
    return tuple(figures)


def _share(name: str, count: Count, real: Count | None = None) -> Figure:
    beside = None if real is None else real.share
    return Figure(name, count.share, count.n, "%", count.interval, beside, "high")


def _success_notes(data: EvaluationData, asked: int) -> tuple[str, ...]:
    notes = []
    accuracy = data.judge.about.get("accuracy") or {}
    if accuracy:
        read = ", ".join(f"{name} {share:.1%}" for name, share in accuracy.items())
        n = data.judge.about.get("accuracy_n")
        notes.append(f"the judge's accuracy on real pictures that it never saw: {read} (n = {n})")
    asked_about = {name for case in data.cases for name in case.facts}
    weak = [name for name in sorted(asked_about) if accuracy.get(name, 1.0) < WEAK]
    if weak:
        notes.append(
            f"the judge is weak at {', '.join(weak)}: these figures say more about the judge than "
            "about the model"
        )
    if asked < len(data.x):
        notes.append(
            f"{len(data.x) - asked} pictures are not counted, because their prompts state no facts"
        )
    return tuple(notes)


def retrieval_section(data: EvaluationData) -> Work:
    """Measure how often another CLIP finds each picture's own prompt among all prompts."""
    if data.scorer.net is None:
        raise DataError(data.scorer.why, fix=data.scorer.fix)
    meanings = [meaning(case) for case in data.cases]
    if len(set(meanings)) < 2:
        raise DataError(
            "there is only one prompt, which is always found",
            fix="ask for at least two different things",
        )
    yield Progress("other CLIP's reading", 0, 2)
    clip, prompts = cast(Embedder, data.scorer.net), [case.prompt for case in data.cases]
    middle = _real_pixels(data)
    asked = [data.case_of(i) for i in range(len(data.x))]
    painted = retrieve(clip, data.x, prompts, asked, real=middle, meanings=meanings)
    yield Progress("other CLIP's reading", 1, 2)
    real = None
    if middle is not None and data.match.cases:
        real = retrieve(clip, middle, prompts, data.match.cases, real=middle, meanings=meanings)
    yield Progress("other CLIP's reading", 2, 2)
    detail = {"clip": dict(data.scorer.about), "painted": painted.as_dict()}
    detail |= {} if real is None else {"real": real.as_dict()}
    low, high = (painted.margin + side * 1.96 * painted.stderr for side in (-1, 1))
    note = (
        ()
        if middle is not None
        else ("centred by the painted pictures themselves, because there are no real ones",)
    )
    return Section(
        "retrieval",
        RETRIEVAL,
        "A CLIP that did not condition the model chooses the prompt that fits each picture best. "
        "R-precision is how often that is the picture's own prompt; the margin is how much higher "
        "its cosine is than that of the other prompts (centred: 0 is unrelated). Guessing would "
        f"find {painted.chance:.1%}.",
        (
            Figure(
                "R-precision",
                painted.r_precision,
                painted.n,
                "%",
                painted.interval,
                real.r_precision if real else None,
                "high",
            ),
            Figure(
                "margin",
                painted.margin,
                painted.n,
                "",
                (low, high),
                real.margin if real else None,
                "high",
            ),
        ),
        _found_by_prompt(data, painted.found),
        note,
        detail,
    )


def _found_by_prompt(data: EvaluationData, found: torch.Tensor) -> tuple[Figure, ...]:
    """Return the R-precision of each prompt's pictures."""
    figures = []
    for number, case in enumerate(data.cases):
        hits = int(found[number * data.n : (number + 1) * data.n].sum())
        figures.append(
            Figure(case.prompt, hits / data.n, data.n, "%", wilson(hits, data.n), better="high")
        )
    return tuple(figures)


def _real_pixels(data: EvaluationData) -> torch.Tensor | None:
    """Return the compared real pictures, if there are any."""
    try:
        return data.matched_real.pixels if data.match.real else None
    except DdpmClipError:
        return None
