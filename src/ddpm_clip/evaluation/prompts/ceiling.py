"""What a model could do if words were pictures: conditions from *image* embeddings.

The same seeds painted from real pictures of what is asked give the ceiling of prompt success: what
is missed there is not the words' fault. Knows nothing of judges.
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
    """Conditions of real pictures that show what is asked: the ceiling of every bridge.

    Each request takes a picture by lot of its seed.

    Args:
        tti: its embedder and conditioner are asked.
        pixels: (n, c, h, w) uint8, of pictures that the model was not trained on.
        facts: of each picture.
        cases: what may be asked.

    Raises:
        DataError: no picture shows what one of the cases asks.
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
            f"{len(facts)} were looked at",
            "give more pictures, or ask for less",
        )
    return rows


def agrees(shown: Facts, asked: Facts) -> bool:
    """Whether all that is asked is shown; what is not asked may be anything."""
    return all(shown.get(name) == value for name, value in asked.items())
