"""Names of classes asked of a model, read back by a judge that reads real test pictures as well.

Knows nothing of which data set it is, nor of files.
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
"""Pixels (n, c, h, w) uint8, and what is true of each."""


def measure_parts(
    parts: Parts,
    works: Mapping[str, tuple[Callable[[], dict[str, Any]], dict[str, Any]]],
    only: Sequence[str] | None = None,
) -> None:
    """Measure what is not there, or what is named.

    Args:
        parts: of the JSON file.
        works: of each part the work, and how many pictures it takes.
        only: these parts, whether or not they are there.
    """
    for name, (work, asks) in works.items():
        if name not in (only or works):
            continue
        if not only and parts.has(name, **asks):
            print(f"{name}: is there")
            continue
        parts.measure(name, work, **asks)


def real_pictures(data: DataConfig, split: str = "test") -> Pictures:
    """A split of the source, cut as the training pictures are."""
    source = open_data(data, split)
    pixels = finish(decode(source, data))
    return torch.from_numpy(pixels.array), [facts_of(source, i) for i in pixels.indices]


def real_part(judge: JudgeNet, real: Pictures) -> dict[str, Any]:
    """What the judge says of real pictures: the share that no model can be expected to pass."""
    pixels, facts = real
    cases = [PromptCase("a real picture", {"label": one["label"]}) for one in facts]
    table = count_success(judge, to_float(pixels), cases)
    print_counts("Real test pictures", {"all": table.total} | table.values)
    return table.as_dict()


def asked(labels: Mapping[str, str], phrasings: Sequence[str]) -> list[PromptCase]:
    """Every label in every phrasing.

    Args:
        labels: of each value that a judge reads, the words to ask with.
        phrasings: with `{x}` where these stand.
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
    """Paint `n` pictures a prompt and let the judge read them; the counts, and the pictures."""
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
    """The bridges beside each other, and real pictures' embeddings as the ceiling."""
    pixels, facts = real
    work = compare_bridges(tti, judge, cases, n, seed, pixels=pixels, facts=facts, **how)
    tables = finished(work, "bridges")
    print_counts("Bridges beside each other", {name: one.total for name, one in tables.items()})
    return {name: one.as_dict() for name, one in tables.items()}


def beside_real_part(judge: JudgeNet, x: Tensor, real: Pictures) -> dict[str, Any]:
    """How far painted pictures x (n, c, h, w) are from real ones, beside real ones from each other.

    A colour may be all that a judge needs to name a flower: what it reads rightly need not look
    right. In its features, which see more than its verdict says.
    """
    rows = judge_features(judge, x), judge_features(judge, real[0])
    found: dict[str, Beside] = {}
    for metric in ("kid", "manifold"):
        found |= finished(beside_real(metric, *rows), metric)
    for name, one in found.items():
        print(f"{name}: {one.painted:.3f}; of real pictures {one.real:.3f} (n = {one.n})")
    return {name: one.as_dict() for name, one in found.items()}


def copies_part(x: Tensor, train: Tensor, unseen: Tensor, mirrored: bool) -> dict[str, Any]:
    """Does the model repeat its training pictures? In pixels, mirror images included.

    Args:
        x: (n, c, h, w) painted.
        train: (t, c, h, w) uint8, what was trained on.
        unseen: (u, c, h, w) uint8 of the same kind, never trained on.
        mirrored: whether training mirrored its pictures.
    """
    found = audit(
        pixel_features(x),
        *(
            pixel_features(torch.cat([one, one.flip(3)]) if mirrored else one)
            for one in (train, unseen)
        ),
    )
    told = found.as_dict()
    print(
        f"copies: {told['duplicates']['n']} of {len(x)}; closer to the training set: "
        f"{told['closer_to_train']['share']:.1%}"
    )
    return told
