"""Prompt success: is what was asked for in the picture, by the word of a judge?

A picture succeeds where the judge reads every asked fact and does not reject it. All shares come
with their Wilson interval. Knows nothing of how judges are trained, nor of printing.
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
    """A judge that also reads attributes beside its classes."""

    attributes: dict[str, tuple[str, ...]]

    def read(self, x: Tensor) -> dict[str, JudgeReading]:
        """What stands in each picture of x (b, c, h, w) in [-1, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class PromptCase:
    """A prompt and the facts that its pictures must show."""

    prompt: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """Pictures, those that were read as asked, those among them not rejected, and all rejected."""

    n: int = 0
    read: int = 0
    success: int = 0
    rejected: int = 0

    @property
    def share(self) -> float:
        """Of successes."""
        return self.success / max(1, self.n)

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of the share."""
        return wilson(self.success, self.n)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, rounded to a hundredth of a percent."""
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
    """The same pictures counted four ways."""

    total: Count
    prompts: dict[str, Count]
    values: dict[str, Count]  # "petals: red": of the pictures asked for it, how many show it
    attributes: dict[str, Count]  # "petals": of all pictures asked for one, how many show it
    first_seed: int

    @property
    def worst_value(self) -> tuple[str, Count]:
        """The asked value that succeeds least."""
        return min(self.values.items(), key=lambda item: item[1].share)

    def as_dict(self, prompts: bool = False) -> dict[str, Any]:
        """The JSON form; the count of every prompt only where asked."""
        parts = {"attributes": self.attributes, "values": self.values}
        parts |= {"prompts": self.prompts} if prompts else {}
        counts = {
            key: {name: count.as_dict() for name, count in part.items()}
            for key, part in parts.items()
        }
        return {"total": self.total.as_dict(), "first_seed": self.first_seed, **counts}


@dataclass(frozen=True, slots=True)
class JudgedPicture:
    """What the judge said of one picture."""

    case: PromptCase
    agrees: dict[str, bool]  # each asked attribute: read as asked?
    rejected: bool

    @property
    def success(self) -> bool:
        """Every asked fact is read, and the picture is not rejected."""
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
    """`paint_cases`, then `count_success`; arguments and errors are theirs."""
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

    Every picture has a seed of its own, `seed + n * case + j`: with noise in common the pictures
    would not be independent and the intervals too narrow. The same call with other settings or
    conditions sees the same noise.

    Args:
        tti: the model.
        cases: prompts and what they ask for.
        n: pictures a case.
        seed: of the first picture.
        conditions: where the conditions come from, instead of the prompts.
        settings: as the fields of `Settings`; one guidance scale.

    Returns:
        (len(cases) * n, c, h, w) in [-1, 1], case by case, rounded to 8 bits as files are.

    Raises:
        UsageError: several guidance scales, or a setting out of range.
    """
    asked = tti.settings(n=n, seed=seed, **settings)
    if len(asked.guidance) != 1:
        raise UsageError(
            f"{len(asked.guidance)} guidance scales", "a table is of one", param="guidance"
        )
    requests = [
        GenerationRequest(cases[i // n].prompt, i, (seed + i) % (MAX_SEED + 1), asked.guidance[0])
        for i in range(n * len(cases))
    ]
    overrides = SamplingOverrides(conditions=conditions)
    painted = yield from tti.paint_requests(requests, asked, overrides=overrides)
    channels, side, _ = tti.model.image_shape
    return stack_pictures([one.image for one in painted], side, channels)


def count_success(
    judge: Reader, x: Tensor, cases: Sequence[PromptCase], seed: int = 0
) -> SuccessTable:
    """Let a judge read pictures x (len(cases) * n, c, h, w) of `paint_cases`.

    Raises:
        UsageError: a fact that the judge cannot read.
    """
    check_readable(judge, cases)
    n, verdicts = len(x) // max(1, len(cases)), list[JudgedPicture]()
    for start in range(0, len(x), 256):
        part = x[start : start + 256]
        verdicts += judged(judge, part, [cases[(start + i) // n] for i in range(len(part))])
    return tabulated(verdicts, seed)


def judged(judge: Reader, x: Tensor, asked: Sequence[PromptCase]) -> list[JudgedPicture]:
    """A verdict on each picture of x (b, c, h, w) in [-1, 1]."""
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
    """Of each picture of x (n, c, h, w) in [-1, 1], whether the judge does not reject it."""
    return [not bad for part in x.split(chunk) for bad in judge(part)[1].tolist()]


def tabulated(verdicts: Sequence[JudgedPicture], first_seed: int = 0) -> SuccessTable:
    """Count verdicts as a whole, by prompt, by asked value, and by attribute."""
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
    """Refuse a case before anything is painted, where the judge could never agree to it."""
    for case in cases:
        for name, value in case.facts.items():
            if value not in judge.attributes.get(name, ()):
                raise UsageError(
                    f"the judge cannot read {name} = {value!r}, asked by {case.prompt!r}",
                    f"it reads {', '.join(judge.attributes)}",
                )


def _whole(verdict: JudgedPicture) -> tuple[bool, bool]:
    return all(verdict.agrees.values()), verdict.rejected


def _count(outcomes: Iterable[tuple[bool, bool]]) -> Count:
    """Count (read as asked, rejected)."""
    pairs = list(outcomes)
    return Count(
        len(pairs),
        sum(read for read, _ in pairs),
        sum(read and not rejected for read, rejected in pairs),
        sum(rejected for _, rejected in pairs),
    )
