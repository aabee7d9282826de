"""Run several analyses of one target; each gives a verdict, or a reason why it was skipped."""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.explain import EXPLANATIONS
from ddpm_clip.explain.target.analysis_target import AnalysisTarget
from ddpm_clip.explain.target.cache import Memory
from ddpm_clip.explain.target.few_call import check_few_call
from ddpm_clip.explain.target.recorder import Recording, record
from ddpm_clip.explain.verdict.result import Explanation
from ddpm_clip.registry import unknown_name
from ddpm_clip.reports.figures import Skipped
from ddpm_clip.types import Progress


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All analyses of one target.

    Attributes:
        target: the analysed target.
        found: analyses that were made, in the order of `EXPLANATIONS`.
        skipped: analyses that could not be made, with reasons.
        recording: one trajectory of the first seed, for the animation.
        quick: whether the small sizes were used.
        seconds: duration of all analyses.
    """

    target: AnalysisTarget
    found: tuple[Explanation, ...]
    skipped: tuple[Skipped, ...]
    recording: Recording
    quick: bool
    seconds: float


def chosen(names: Sequence[str] | None) -> list[str]:
    """Return the named analyses, each once, in the order of `EXPLANATIONS`; None means all.

    Raises:
        UsageError: an unknown name.
    """
    for name in names or ():
        if name not in EXPLANATIONS:
            raise unknown_name(EXPLANATIONS.family, name, EXPLANATIONS)
    return [name for name in EXPLANATIONS if names is None or name in names]


def explain_each(
    target: AnalysisTarget,
    names: Sequence[str] | None = None,
    *,
    quick: bool = False,
    options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Generator[Progress | Explanation | Skipped, None, None]:
    """Run the named analyses, and yield each as soon as it is made, or why it cannot be made.

    Trajectories that several analyses need are computed once. The arguments are those of
    `explain_all`.

    Raises:
        UsageError: an unknown name.
    """
    remembering = target.replace(memory=Memory())
    for name in chosen(names):
        began = time.perf_counter()
        try:
            check_few_call(target.name, len(target.ddpm.calls), name)
            explanation = yield from EXPLANATIONS[name](
                remembering, quick=quick, **options.get(name, {})
            )
        except DdpmClipError as error:
            yield Skipped.of(name, name, error)
        else:
            yield explanation.timed(time.perf_counter() - began)


def explain_all(
    target: AnalysisTarget,
    names: Sequence[str] | None = None,
    *,
    quick: bool = False,
    options: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Generator[Progress, None, Findings]:
    """Run the named analyses; one that cannot be made does not stop the others.

    Args:
        target: a model with a prompt.
        names: names of the analyses; None runs all.
        quick: use small sizes, for a first look.
        options: options of single analyses, by the name of the analysis.

    Raises:
        UsageError: an unknown name.
    """
    start, found, skipped = time.perf_counter(), list[Explanation](), list[Skipped]()
    for one in explain_each(target, names, quick=quick, options=options):
        if isinstance(one, Progress):
            yield one
        elif isinstance(one, Explanation):
            found.append(one)
        else:
            skipped.append(one)
    first = target.seeds[:1]
    recording = record(target.replace(seeds=first), seeds=first)
    return Findings(
        target, tuple(found), tuple(skipped), recording, quick, time.perf_counter() - start
    )
