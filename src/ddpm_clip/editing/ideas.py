"""An idea is a prompt or a picture; both become conditions of the same space."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ddpm_clip.data.pictures.formats import KNOWN
from ddpm_clip.editing.edit import Sources
from ddpm_clip.editing.pictures import Picture, open_picture
from ddpm_clip.embedders.prompts import check_recorded, checked_prompt
from ddpm_clip.errors import UsageError
from ddpm_clip.generation.request import CONDITION_KEY
from ddpm_clip.generation.settings import Settings
from ddpm_clip.generation.text_to_image import TextToImage
from ddpm_clip.runs.pretrained import LoadedModel

Idea = str | Picture


def read_idea(text: str, model: LoadedModel) -> Idea:
    """Read a text that ends in .png, .jpg, … as the path of a picture, any other as a prompt.

    Raises:
        UsageError: The prompt is invalid.
        MissingInput: There is no such picture.
        BadImage: The picture cannot be used.
    """
    if isinstance(text, str | Path) and Path(text).suffix.lower() in KNOWN:
        return open_picture(text, model)
    return checked_prompt(text)


def name_of(idea: Idea) -> str:
    """Return the prompt, or the file name of the picture."""
    return idea if isinstance(idea, str) else idea.name


def ideas_again(
    names: Sequence[str], digests: Sequence[str | None], sources: Sources
) -> list[Idea]:
    """Restore what was mixed: a picture where a hash is recorded, else a prompt."""
    return [
        name if digest is None else sources.find(name, digest)
        for name, digest in zip(names, digests, strict=True)
    ]


def check_ideas(
    names: Sequence[Any], digests: Sequence[Any], weights: Sequence[Any] | None = None
) -> None:
    """Check that recorded parts are prompts, or pictures with a hash.

    Raises:
        UsageError: One is neither, or the lists have different lengths.
    """
    if not len(names) == len(digests) == len(names if weights is None else weights):
        raise UsageError("its parts, hashes and weights differ in number")
    for name, digest in zip(names, digests, strict=True):
        if not isinstance(name, str) or not isinstance(digest, str | None):
            raise UsageError("one of its parts is neither a prompt nor a picture")
        if digest is None:
            check_recorded(name)


def conditions_of(tti: TextToImage, idea: Idea, settings: Settings, seeds: Sequence[int]) -> Tensor:
    """Return (n, width) conditions, one per seed, on the CPU."""
    if isinstance(idea, str):
        return tti.conditions([idea] * len(seeds), settings, seeds).cpu()
    return tti.model.conditioner.images(embedded(tti, idea)).expand(len(seeds), -1)


def embedded(tti: TextToImage, picture: Picture) -> Tensor:
    """Return (1, e) the embedding of a picture.

    Raises:
        UsageError: The model's embedder cannot embed pictures.
    """
    return tti.model.embedder.embed_images([picture.image]).float().cpu()


def noised_conditions(
    tti: TextToImage, picture: Picture, level: float, seeds: Sequence[int]
) -> Tensor:
    """Return (n, width) the condition of a picture, with different noise for each seed.

    Raises:
        UsageError: The model was trained without condition noise, so it knows no noise level.
    """
    own = tti.model.config.conditioning
    trained = tti.model.conditioner.mode == "centred" and min(own.noise_max, own.noise_prob) > 0
    if level > 0 and not trained:
        raise UsageError(
            f"{tti.model.name} does not support a strength above 0",
            "it was trained without noise on its conditions",
            "use --strength 0",
            param="strength",
        )
    e = embedded(tti, picture)
    return torch.cat(
        [
            tti.model.conditioner.images(
                e, level, torch.Generator().manual_seed(seed ^ CONDITION_KEY)
            )
            for seed in seeds
        ]
    )
