"""The bridges from words to pictures beside each other, and the ceiling above them.

Knows nothing of what is painted, nor of printing.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from torch import Tensor

from ddpm_clip.evaluation.prompts.ceiling import from_pictures
from ddpm_clip.evaluation.prompts.success import PromptCase, Reader, SuccessTable, prompt_success
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.types import Progress

CEILING = "image embeddings (ceiling)"


def compare_bridges(
    tti: TextToImage,
    judge: Reader,
    cases: Sequence[PromptCase],
    n: int,
    seed: int = 0,
    *,
    pixels: Tensor,
    facts: Sequence[Mapping[str, str]],
    **settings: Any,
) -> Generator[Progress, None, dict[str, SuccessTable]]:
    """Prompt success of the model's bridges and of real pictures' embeddings, on the same seeds.

    Args:
        tti: the model; `knn` takes part where it kept its bank, `prior` where it has one.
        judge: trained apart from it.
        cases: prompts and what they ask for.
        n: pictures a case.
        seed: of the first picture.
        pixels: (m, c, h, w) uint8, for the ceiling.
        facts: of each of these pictures.
        settings: as the fields of `Settings`, but `bridge`.
    """
    conditions = from_pictures(tti, pixels, facts, cases)
    tables = {}
    for bridge in tti.model.conditioner.bridges:
        tables[bridge] = yield from prompt_success(
            tti, judge, cases, n, seed, bridge=bridge, **settings
        )
    tables[CEILING] = yield from prompt_success(
        tti, judge, cases, n, seed, conditions=conditions, **settings
    )
    return tables
