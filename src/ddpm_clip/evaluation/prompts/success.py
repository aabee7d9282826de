"""Prompt success: how often a judge reads in a picture what the prompt asks for.

A picture is a success if the judge reads every requested fact and does not reject the picture. All
shares come with their Wilson interval.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from ddpm_clip.config.limits import MAX_SEED
from ddpm_clip.errors import UsageError
from ddpm_clip.evaluation.judge.network import JudgeReading
from ddpm_clip.generation.request import Conditions, GenerationRequest, SamplingOverrides
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Judge, Progress
from ddpm_clip.utils.tensors import stack_pictures


class Reader(Judge, Protocol):
    """A judge that also reads other attributes than its classes."""

    attributes: dict[str, tuple[str, ...]]

    def read(self, x: Tensor) -> dict[str, JudgeReading]:
        """Read each picture of x (b, c, h, w) in [-1, 1], attribute by attribute."""
        ...


@dataclass(frozen=True, slots=True)
class PromptCase:
    """A prompt and the facts that its pictures must show."""

    prompt: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """Counts: pictures, read as requested, those of them not rejected, and all rejected."""

    n: int = 0
    read: int = 0
    success: int = 0
    rejected: int = 0

    @property
    def share(self) -> float:
        """Share of successes."""
        return self.success / max(1, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the share."""
        return wilson(self.success, self.n)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form, rounded to a hundredth of a percent."""
        low, high = self.interval
        return {
            "n": self.n,
            "success": self.success,
            "share": round(self.share, 4),
            "interval_95": [round(low, 4), round(high, 4)],
            "read": self.read,
            "rejected": self.rejected,
        }


@dataclass(frozen=True, slots=True)
class SuccessTable:
    """The same pictures counted in four ways."""

    total: Count
    prompts: dict[str, Count]
    values: dict[str, Count]  # "petals: red": counts of the pictures whose prompt asks for it
    attributes: dict[str, Count]  # "petals": counts of the pictures whose prompt asks for any
    first_seed: int

    @property
    def worst_value(self) -> tuple[str, Count]:
        """The requested value with the smallest share of successes."""
        return min(self.values.items(), key=lambda item: item[1].share)

    def as_dict(self, prompts: bool = False) -> dict[str, Any]:
        """Return the JSON form, optionally with the count of every prompt."""
        parts = {"attributes": self.attributes, "values": self.values}
        parts |= {"prompts": self.prompts} if prompts else {}
        counts = {
            key: {name: count.as_dict() for name, count in part.items()}
            for key, part in parts.items()
        }
        return {"total": self.total.as_dict(), "first_seed": self.first_seed, **counts}


@dataclass(frozen=True, slots=True)
class JudgedPicture:
    """What the judge reads in one picture."""

    case: PromptCase
    agrees: dict[str, bool]  # for each requested attribute: is it read as requested?
    rejected: bool

    @property
    def success(self) -> bool:
        """Whether every requested fact is read and the picture is not rejected."""
        return all(self.agrees.values()) and not self.rejected


def prompt_success(
    tti: TextToImage,
    judge: Reader,
    cases: Sequence[PromptCase],
    n: int,
    seed: int = 0,
    *,
    conditions: Conditions | None = None,
    **settings: Any,
) -> Generator[Progress, None, SuccessTable]:
    """Paint and count: `paint_cases`, then `count_success`, with their arguments and errors."""
    check_readable(judge, cases)
    x = yield from paint_cases(tti, cases, n, seed, conditions=conditions, **settings)
    return count_success(judge, x, cases, seed)


def paint_cases(
    tti: TextToImage,
    cases: Sequence[PromptCase],
    n: int,
    seed: int = 0,
    *,
    conditions: Conditions | None = None,
    **settings: Any,
) -> Generator[Progress, None, Tensor]:
    """Paint `n` pictures of every case.

    Every picture has its own random seed, `seed + n * case + j`: if pictures shared their noise,
    they would not be independent and the intervals too narrow. The same call with other settings
    or conditions uses the same noise.

    Args:
        tti: the model.
        cases: the prompts and the facts that they ask for.
        n: number of pictures per case.
        seed: random seed of the first picture.
        conditions: makes the conditions, instead of the prompts.
        settings: fields of `Settings`, with a single guidance scale.

    Returns:
        (len(cases) * n, c, h, w) in [-1, 1], case by case, rounded to 8 bits like saved files.

    Raises:
        UsageError: there are several guidance scales, or a setting is out of range.
    """
    asked = tti.settings(n=n, seed=seed, **settings)
    if len(asked.guidance) != 1:
        raise UsageError(
            f"{len(asked.guidance)} guidance scales",
            "prompt success is measured at a single scale",
            param="guidance",
        )
    requests = [
        GenerationRequest(cases[i // n].prompt, i, (seed + i) % (MAX_SEED + 1), asked.guidance[0])
        for i in range(n * len(cases))
    ]
    overrides = SamplingOverrides(conditions=conditions)
    painted = yield from tti.paint_requests(requests, asked, overrides=overrides)
    channels, *size = tti.model.image_shape
    return stack_pictures([one.image for one in painted], size, channels)


def count_success(
    judge: Reader, x: Tensor, cases: Sequence[PromptCase], seed: int = 0
) -> SuccessTable:
    """Let a judge read the pictures x (len(cases) * n, c, h, w) of `paint_cases`, and count.

    Raises:
        UsageError: a case has a fact that the judge cannot read.
    """
    check_readable(judge, cases)
    n, verdicts = len(x) // max(1, len(cases)), list[JudgedPicture]()
    for start in range(0, len(x), 256):
        part = x[start : start + 256]
        verdicts += judged(judge, part, [cases[(start + i) // n] for i in range(len(part))])
    return tabulated(verdicts, seed)


def judged(judge: Reader, x: Tensor, asked: Sequence[PromptCase]) -> list[JudgedPicture]:
    """Judge each picture of x (b, c, h, w) in [-1, 1]."""
    readings, (_, rejected) = judge.read(x), judge(x)
    return [
        JudgedPicture(
            case,
            {name: readings[name].labels[i] == value for name, value in case.facts.items()},
            bool(rejected[i]),
        )
        for i, case in enumerate(asked)
    ]


def accepted(judge: Reader, x: Tensor, chunk: int = 256) -> list[bool]:
    """Return for each picture of x (n, c, h, w) in [-1, 1] whether the judge accepts it."""
    return [not bad for part in x.split(chunk) for bad in judge(part)[1].tolist()]


def tabulated(verdicts: Sequence[JudgedPicture], first_seed: int = 0) -> SuccessTable:
    """Count verdicts in total, by prompt, by requested value, and by attribute."""
    prompts: dict[str, list[JudgedPicture]] = {}
    values: dict[str, list[tuple[bool, bool]]] = {}
    attributes: dict[str, list[tuple[bool, bool]]] = {}
    for one in verdicts:
        prompts.setdefault(one.case.prompt, []).append(one)
        for name, value in one.case.facts.items():
            values.setdefault(f"{name}: {value}", []).append((one.agrees[name], one.rejected))
            attributes.setdefault(name, []).append((one.agrees[name], one.rejected))
    return SuccessTable(
        _count(map(_whole, verdicts)),
        {prompt: _count(map(_whole, group)) for prompt, group in prompts.items()},
        {name: _count(group) for name, group in values.items()},
        {name: _count(group) for name, group in attributes.items()},
        first_seed,
    )


def check_readable(judge: Reader, cases: Sequence[PromptCase]) -> None:
    """Raise, before anything is painted, if a case has a fact that the judge cannot read."""
    for case in cases:
        for name, value in case.facts.items():
            if value not in judge.attributes.get(name, ()):
                raise UsageError(
                    f"the judge cannot read {name} = {value!r}, which {case.prompt!r} asks for",
                    f"it reads {', '.join(judge.attributes)}",
                )


def _whole(verdict: JudgedPicture) -> tuple[bool, bool]:
    return all(verdict.agrees.values()), verdict.rejected


def _count(outcomes: Iterable[tuple[bool, bool]]) -> Count:
    """Count outcomes (read as requested, rejected)."""
    pairs = list(outcomes)
    return Count(
        len(pairs),
        sum(read for read, _ in pairs),
        sum(read and not rejected for read, rejected in pairs),
        sum(rejected for _, rejected in pairs),
    )
