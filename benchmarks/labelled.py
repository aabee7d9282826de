"""Prompt a model with class names, and compare what a judge reads with real test pictures.

Used by the benchmarks of labelled data sets.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from compare_bridges import compare_bridges
from parts import Parts
from reporting import finished, print_counts
from torch import Tensor

from ddpm_clip import TextToImage
from ddpm_clip.config.schema import DataConfig
from ddpm_clip.data.captions.grammars import facts_of
from ddpm_clip.evaluation.judge.network import JudgeNet
from ddpm_clip.evaluation.metrics.against_real import Beside, beside_real
from ddpm_clip.evaluation.metrics.features import judge_features, pixel_features
from ddpm_clip.evaluation.metrics.memorisation import audit
from ddpm_clip.evaluation.prompts.success import PromptCase, count_success, paint_cases
from ddpm_clip.training.prepare.pictures import decode, open_data
from ddpm_clip.utils.generators import finish
from ddpm_clip.utils.tensors import to_float

Facts = dict[str, str]
Pictures = tuple[Tensor, list[Facts]]
"""Pixels (n, c, h, w) uint8, and the facts of each picture."""


def measure_parts(
    parts: Parts,
    works: Mapping[str, tuple[Callable[[], dict[str, Any]], dict[str, Any]]],
    only: Sequence[str] | None = None,
) -> None:
    """Measure all unfinished parts, or the parts named by `only`.

    Args:
        parts: parts of the JSON file.
        works: the work of each part, and its settings.
        only: parts to measure, even if they are finished.
    """
    for name, (work, asks) in works.items():
        if name not in (only or works):
            continue
        if not only and parts.has(name, **asks):
            print(f"{name}: already measured")
            continue
        parts.measure(name, work, **asks)


def real_pictures(data: DataConfig, split: str = "test") -> Pictures:
    """A split of the source, cropped like the training pictures."""
    source = open_data(data, split)
    pixels = finish(decode(source, data))
    return torch.from_numpy(pixels.array), [facts_of(source, i) for i in pixels.indices]


def real_part(judge: JudgeNet, real: Pictures) -> dict[str, Any]:
    """The judge's accuracy on real pictures, which no model can be expected to exceed."""
    pixels, facts = real
    cases = [PromptCase("a real picture", {"label": one["label"]}) for one in facts]
    table = count_success(judge, to_float(pixels), cases)
    print_counts("Real test pictures", {"all": table.total} | table.values)
    return table.as_dict()


def asked(labels: Mapping[str, str], phrasings: Sequence[str]) -> list[PromptCase]:
    """Prompts for every label in every phrasing.

    Args:
        labels: label that the judge reads -> words in the prompt.
        phrasings: prompt templates with `{x}` for the words.
    """
    return [
        PromptCase(phrasing.format(x=words), {"label": label})
        for label, words in labels.items()
        for phrasing in phrasings
    ]


def words_part(
    tti: TextToImage,
    judge: JudgeNet,
    cases: Sequence[PromptCase],
    n: int,
    *,
    seed: int,
    title: str,
    **how: Any,
) -> tuple[dict[str, Any], Tensor]:
    """Paint `n` pictures per prompt and let the judge read them; returns counts and pictures."""
    x = finished(paint_cases(tti, cases, n, seed, **how), title)
    table = count_success(judge, x, cases, seed)
    print_counts(title, {"all": table.total} | table.values)
    return table.as_dict(prompts=True), x


def bridges_part(
    tti: TextToImage,
    judge: JudgeNet,
    cases: Sequence[PromptCase],
    n: int,
    seed: int,
    real: Pictures,
    **how: Any,
) -> dict[str, Any]:
    """Compare the bridges, with embeddings of real pictures as the ceiling."""
    pixels, facts = real
    work = compare_bridges(tti, judge, cases, n, seed, pixels=pixels, facts=facts, **how)
    tables = finished(work, "bridges")
    print_counts("Bridges compared", {name: one.total for name, one in tables.items()})
    return {name: one.as_dict() for name, one in tables.items()}


def beside_real_part(judge: JudgeNet, x: Tensor, real: Pictures) -> dict[str, Any]:
    """Distance of painted pictures x (n, c, h, w) from real ones, and of real ones from each other.

    Measured in the judge's features. They show more than its verdict: a judge may need no more than
    a colour to name a flower, so a picture that it reads correctly need not look right.
    """
    rows = judge_features(judge, x), judge_features(judge, real[0])
    found: dict[str, Beside] = {}
    for metric in ("kid", "manifold"):
        found |= finished(beside_real(metric, *rows), metric)
    for name, one in found.items():
        print(f"{name}: {one.painted:.3f}; real pictures {one.real:.3f} (n = {one.n})")
    return {name: one.as_dict() for name, one in found.items()}


def copies_part(x: Tensor, train: Tensor, unseen: Tensor, mirrored: bool) -> dict[str, Any]:
    """Look for copies of training pictures, in pixels, mirror images included.

    Args:
        x: painted pictures (n, c, h, w).
        train: training pictures (t, c, h, w) uint8.
        unseen: pictures (u, c, h, w) uint8 of the same kind that were not used in training.
        mirrored: whether training mirrored its pictures.
    """
    found = audit(
        pixel_features(x),
        *(
            pixel_features(torch.cat([one, one.flip(3)]) if mirrored else one)
            for one in (train, unseen)
        ),
    )
    facts = found.as_dict()
    print(
        f"copies: {facts['duplicates']['n']} of {len(x)}; closer to the training set: "
        f"{facts['closer_to_train']['share']:.1%}"
    )
    return facts
