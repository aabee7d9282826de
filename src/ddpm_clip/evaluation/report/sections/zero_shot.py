"""Prompt success where nothing is known of the pictures: a CLIP judges prompts suggested by it.

With neither a judge, labels nor captions, the prompts come from the pictures (`coverage/`), and a
CLIP says for each painted picture which of them fits best (zero-shot classification, Radford et
al. 2021, section 3.1.2).
"""

from collections.abc import Generator
from typing import cast

from torch import Tensor

from ddpm_clip.errors import DdpmClipError
from ddpm_clip.evaluation.metrics.retrieval import retrieve
from ddpm_clip.evaluation.report.evaluation_data import EvaluationData
from ddpm_clip.reports.figures import Figure, Section
from ddpm_clip.statistics.intervals import wilson
from ddpm_clip.types import Embedder, Progress

OWN_GRADES = (
    "the CLIP that conditions the model judges its own work: what it cannot see, it cannot miss, "
    "so the model may be worse than this; name another one by --clip FOLDER"
)


def zero_shot_section(data: EvaluationData, title: str) -> Generator[Progress, None, Section]:
    """Measure how often the CLIP finds a picture's own prompt among all suggested ones."""
    assert data.zero_shot is not None
    who = data.zero_shot.about["who"]
    yield Progress("the CLIP's reading", 0, 1)
    prompts = [case.prompt for case in data.cases]
    asked = [data.case_of(row) for row in range(len(data.x))]
    clip = cast(Embedder, data.zero_shot.net)
    found = retrieve(clip, data.x, prompts, asked, real=_some_real(data))
    yield Progress("the CLIP's reading", 1, 1)
    notes = [
        "the run has neither labels nor captions: its prompts were suggested from its pictures, "
        "and there is no judge; write your own prompts into a file: --prompts FILE"
    ]
    notes += [OWN_GRADES] if data.scorer.net is None else []
    return Section(
        "success",
        title,
        f"How many painted pictures {who} assigns to their own prompt among the "
        f"{len(prompts)} suggested ones (zero-shot). Guessing would find {found.chance:.1%}.",
        (
            Figure(
                f"own prompt found, zero-shot by {who}",
                found.r_precision,
                found.n,
                "%",
                found.interval,
                better="high",
            ),
        ),
        tuple(
            Figure(prompt, hits / data.n, data.n, "%", wilson(hits, data.n), better="high")
            for prompt, hits in _hits(data, found.found)
        ),
        tuple(notes),
        {"zero_shot": {**data.zero_shot.about, **found.as_dict()}},
    )


def _hits(data: EvaluationData, found: Tensor) -> list[tuple[str, int]]:
    rows = found.view(len(data.cases), data.n).sum(1).tolist()
    return [(case.prompt, int(hits)) for case, hits in zip(data.cases, rows, strict=True)]


def _some_real(data: EvaluationData) -> Tensor | None:
    """Return real pictures, at whose mean embedding the painted ones are centred, if any."""
    try:
        return data.pool[0].by_lot(len(data.x), data.seed).pixels
    except DdpmClipError:
        return None
