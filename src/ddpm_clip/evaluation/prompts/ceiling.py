"""The ceiling of prompt success: conditions from *image* embeddings instead of text.

The same seeds are painted with image embeddings of real pictures that show what the prompt asks
for. What fails even then is not due to the modality gap.
"""

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ddpm_clip.errors import DataError
from ddpm_clip.evaluation.prompts.success import PromptCase
from ddpm_clip.generation.request import Conditions, GenerationRequest
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.utils.tensors import to_float

Facts = Mapping[str, str]


def from_pictures(
    tti: TextToImage, pixels: Tensor, facts: Sequence[Facts], cases: Sequence[PromptCase]
) -> Conditions:
    """Return conditions from real pictures that show what each prompt asks for.

    Each request takes a random picture, chosen by its seed.

    Args:
        tti: the model, whose embedder and conditioner are used.
        pixels: (n, c, h, w) uint8 pictures that the model was not trained on.
        facts: facts of each picture.
        cases: the prompts of the requests.

    Raises:
        DataError: no picture shows what one of the cases asks for.
    """
    fitting = {case.prompt: _showing(case, facts) for case in cases}

    def conditions(requests: Sequence[GenerationRequest]) -> Tensor:
        rows = [random.Random(f"ceiling {w.seed}").choice(fitting[w.prompt]) for w in requests]
        x = to_float(pixels[rows]).to(tti.model.device)
        with torch.no_grad():
            e = tti.model.embedder.embed_pixels(x).cpu()
        return tti.model.conditioner.images(e).to(tti.model.device)

    return conditions


def _showing(case: PromptCase, facts: Sequence[Facts]) -> list[int]:
    rows = [i for i, one in enumerate(facts) if agrees(one, case.facts)]
    if not rows:
        raise DataError(
            f"no picture shows {case.facts}",
            f"{len(facts)} pictures were searched",
            "give more pictures, or fewer prompts",
        )
    return rows


def agrees(shown: Facts, asked: Facts) -> bool:
    """Return whether all requested facts are shown; other facts may be anything."""
    return all(shown.get(name) == value for name, value in asked.items())
