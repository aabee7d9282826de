"""One evaluation: find evaluators and real pictures, paint, and measure every section.

`evaluate` is all of `ddpm-clip evaluate` except its options and files. Every section gives either
figures or the reason why it could not be measured.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import torch

from ddpm_clip.errors import DataError, DdpmClipError, UsageError
from ddpm_clip.evaluation.prompts.cases import cases_of, read_prompts
from ddpm_clip.evaluation.prompts.success import PromptCase, check_readable, paint_cases
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.evaluation.report.evaluators import (
    Evaluator,
    find_judge,
    find_scorer,
    trained_judge,
    zero_shot,
)
from ddpm_clip.evaluation.report.plan import MINUTES, SamplingPlan, check_size, plan
from ddpm_clip.evaluation.report.real_pictures import Real, real_pictures
from ddpm_clip.evaluation.report.sections.copies import TITLE as COPIES
from ddpm_clip.evaluation.report.sections.copies import copies_section
from ddpm_clip.evaluation.report.sections.sets import (
    DISTANCES,
    DIVERSITY,
    TWO_SAMPLE,
    distances_section,
    diversity_section,
    two_sample_section,
)
from ddpm_clip.evaluation.report.sections.transfer import TITLE as TRANSFER
from ddpm_clip.evaluation.report.sections.transfer import transfer_section
from ddpm_clip.evaluation.report.sections.words import (
    RETRIEVAL,
    SUCCESS,
    retrieval_section,
    success_section,
)
from ddpm_clip.evaluation.report.shown import ShownPicture, first_seeds
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.reports.figures import Section, Skipped
from ddpm_clip.reports.provenance import provenance
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """One section: its stable name, its title, its function, and whether it is slow.

    If a section cannot be measured, its function raises an error, and the report gives the reason.
    """

    name: str
    title: str
    work: Callable[[EvaluationData], Generator[Progress, None, Section]]
    slow: bool = False


SECTIONS = (
    SectionSpec("success", SUCCESS, success_section),
    SectionSpec("retrieval", RETRIEVAL, retrieval_section),
    SectionSpec("distances", DISTANCES, distances_section),
    SectionSpec("diversity", DIVERSITY, diversity_section),
    SectionSpec("copies", COPIES, copies_section),
    SectionSpec("two_sample", TWO_SAMPLE, two_sample_section, slow=True),
    SectionSpec("transfer", TRANSFER, transfer_section, slow=True),
)
"""In the order of the report."""

WORDLESS = PromptCase("(without words)", {})
"""The only case of a model that paints unconditionally: no prompt and no facts."""

SLOW = 0.15
"""A slow section starts only if at least this share of the given minutes is left."""


@dataclass(frozen=True, slots=True)
class Request:
    """The settings of one evaluation.

    Attributes:
        n: pictures per prompt; None lets the minutes decide.
        minutes: duration of the whole evaluation; if both this and `n` are None, `plan.MINUTES`.
        prompts: a file for `cases.read_prompts`; None uses prompts from the judge or the labels,
            or else prompts that are suggested from the pictures.
        judge: folder of the judge; None uses the one beside the model, or trains one.
        clip: a mini-CLIP that did not condition the model, by folder or shipped name.
        against: a source to compare with instead of the run's own.
        settings: sampling settings, the fields of `Settings` except `n`; those left out are the
            model's own. `seed` is that of the first picture; every picture has its own.
    """

    n: int | None = None
    minutes: float | None = None
    prompts: Path | None = None
    judge: Path | None = None
    clip: str | None = None
    against: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The results of one evaluation.

    Attributes:
        made: date, commit and machine.
        model: the model and its sampling settings.
        plan: how many pictures were painted.
        first_seed: picture i of the evaluation has seed `first_seed + i`.
        sections: sections that were measured.
        skipped: sections that were not, with reasons.
        shown: the first seeds of each prompt, not selected.
        seconds: duration of the evaluation.
    """

    made: Mapping[str, Any]
    model: Mapping[str, Any]
    plan: SamplingPlan
    first_seed: int
    sections: tuple[Section, ...]
    skipped: tuple[Skipped, ...]
    shown: tuple[ShownPicture, ...]
    seconds: float


def evaluate(tti: TextToImage, request: Request) -> Generator[Progress, None, Evaluation]:
    """Measure a model; mistakes in the request are reported before anything is painted.

    Args:
        tti: the model.
        request: the settings of the evaluation.

    Raises:
        UsageError: a value out of range, a fact that the judge cannot read, the conditioning CLIP
            as `clip`, no prompt, or prompts for a model that takes none.
        MissingInput, DataError: a named file is missing or damaged.
    """
    start = time.perf_counter()
    how, chosen = _settings(tti, request)
    given = _given(request, how)
    scorer, judge = find_scorer(tti.model, request.clip), find_judge(tti.model, request.judge)
    _check(judge, given)
    real = yield from real_pictures(tti.model.config.data, tti.model.folder, request.against)
    if judge is None:
        limit = None if request.n is not None else request.minutes or MINUTES
        judge = yield from trained_judge(real, minutes=limit)
        _check(judge, given)
    asked, suggested = given or [WORDLESS], False
    if not given and not how.wordless:
        asked, suggested = _cases(tti, judge, real)
    sized = yield from plan(
        tti,
        asked,
        n=request.n,
        minutes=request.minutes,
        spent=time.perf_counter() - start,
        **chosen,
    )
    x = yield from paint_cases(tti, sized.cases, sized.n, how.seed, **chosen)
    brought_back = _brought_back(tti, sized.cases, how)
    full = sized.minutes is None
    data = EvaluationData(
        sized.cases,
        sized.n,
        x,
        judge,
        scorer,
        real,
        how.seed,
        full,
        brought_back,
        zero_shot(tti.model, scorer) if suggested and judge.net is None else None,
    )
    end = inf if sized.minutes is None else start + 60 * sized.minutes * (1 - SLOW)
    sections, skipped = yield from _measured(data, end)
    return Evaluation(
        provenance(),
        _model(tti, how, real),
        sized,
        how.seed,
        sections,
        skipped,
        first_seeds(data, how.seed),
        time.perf_counter() - start,
    )


def _brought_back(tti: TextToImage, cases: Sequence[PromptCase], how: Settings) -> int | None:
    """Return how many prompts led out of the pictures' cloud; None if nothing bounds them."""
    if how.wordless or not cases:
        return None
    limits = tti.guidance_limits([case.prompt for case in cases], how)
    if limits.isinf().all():
        return None
    inside = tti.model.conditioner.cloud.guidance_limit(torch.ones(1))
    return int((limits < inside).sum())


def _settings(tti: TextToImage, request: Request) -> tuple[Settings, dict[str, Any]]:
    """Return all sampling settings, and those that the request changes (without the seed)."""
    check_size(request.n, request.minutes)
    how = tti.settings(**{**request.settings, "n": 1})
    if len(how.guidance) != 1:
        raise UsageError(
            f"{len(how.guidance)} guidance scales",
            "an evaluation uses one",
            "--guidance 2",
            param="guidance",
        )
    own = {name: one for name, one in request.settings.items() if name not in ("n", "seed")}
    return how, own


def _given(request: Request, how: Settings) -> list[PromptCase] | None:
    """Return the prompts of the given file."""
    if request.prompts is None:
        return None
    if how.wordless:
        raise UsageError(
            "this model paints without words",
            "it would ignore the prompts",
            "leave out --prompts",
            param="prompts",
        )
    return read_prompts(request.prompts)


def _model(tti: TextToImage, how: Settings, real: Real) -> dict[str, Any]:
    """Return the model and its sampling settings for the report."""
    model = tti.model
    return {
        "name": model.name,
        "fingerprint": model.fingerprint,
        "step": model.step,
        "bridge": how.bridge or model.config.conditioning.bridge,
        "steps": how.steps,
        "sampler": how.sampler,
        "guidance": how.guidance[0],
        "embedder": model.embedder.name,
        "embedder_fingerprint": model.embedder.fingerprint,
        "source": real.name,
        "source_is_here": real.against is not None or real.train is not None,
    }


def _measured(
    data: EvaluationData, end: float
) -> Generator[Progress, None, tuple[tuple[Section, ...], tuple[Skipped, ...]]]:
    """Measure every section in order; one that fails or is too late gives a reason."""
    sections, skipped = [], []
    for measure in SECTIONS:
        try:
            if measure.slow and time.perf_counter() > end:
                fix = "increase --minutes, or set -n"
                raise DataError("too little of the given time was left", fix=fix)
            sections.append((yield from measure.work(data)))
        except DdpmClipError as error:
            skipped.append(Skipped.of(measure.name, measure.title, error))
    return tuple(sections), tuple(skipped)


def _check(judge: Evaluator | None, cases: list[PromptCase] | None) -> None:
    """Refuse facts that the judge cannot read, before anything is painted."""
    if judge is not None and judge.net is not None and cases:
        check_readable(judge.net, [case for case in cases if case.facts])


def _cases(tti: TextToImage, judge: Evaluator, real: Real) -> tuple[list[PromptCase], bool]:
    """Return the default prompts for this kind of model; and whether they are only suggested.

    Where neither a judge, labels, captions nor prompts are known, the prompts are suggested from
    the pictures themselves.
    """
    config, pictures = tti.model.config, real.unseen or real.train
    plain = config.embedder.name == "labels"
    attributes = judge.net.attributes if judge.net is not None else {}
    if plain and not attributes:
        attributes = {"label": tti.model.classes}
    facts = pictures.facts if pictures else ()
    try:
        prompts = config.generation.prompts
        return cases_of(attributes, plain=plain, facts=facts, prompts=prompts), False
    except UsageError:
        suggested = tti.prompt_coverage.suggested()
        if len(suggested) < 2:
            raise
        return [PromptCase(prompt, {}) for prompt in suggested], True
