"""Figures of a mini-CLIP on held-out pictures: retrieval, zero-shot accuracy, modality gap."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddpm_clip.data.captions.grammars import Facts, grammar_of
from ddpm_clip.embedders.mini_clip import MiniClip
from ddpm_clip.embedders.texts import TextEmbeddings
from ddpm_clip.evaluation.gap.measures import measure_gap
from ddpm_clip.evaluation.prompts.cases import LABELS, label_cases
from ddpm_clip.training.clip.contrastive import FactTable
from ddpm_clip.types import Caption
from ddpm_clip.utils.tensors import to_float

POOL = 100
"""Number of captions among which a true one is searched."""

NAMED = (*LABELS, "name")
"""Facts that can serve as the class of a picture; the first known one is used."""


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """Figures measured after training; None for what could not be measured.

    Attributes:
        n: number of pictures with known facts.
        heldout: whether the pictures were held out of the training.
        retrieval: share of pictures whose most similar of 100 captions is true of them.
        zero_shot: share of pictures whose own class is the most similar of all class names.
        classes: number of class names to choose from.
        gap: distance between the mean picture and the mean caption, 0 to 2.
        paired_cosine: mean cosine of a picture and its own caption.
        unpaired_cosine: mean cosine of a picture and the caption of another.
        image_dimensions, text_dimensions: participation ratio of each cloud.
        seconds: duration of the training.
    """

    n: int
    heldout: bool = True
    retrieval: float | None = None
    zero_shot: float | None = None
    classes: int = 0
    gap: float | None = None
    paired_cosine: float | None = None
    unpaired_cosine: float | None = None
    image_dimensions: float | None = None
    text_dimensions: float | None = None
    seconds: float = 0.0


@torch.no_grad()
def measure_clip(
    clip: MiniClip,
    pixels: Tensor,
    facts: Sequence[Facts],
    *,
    heldout: bool = True,
    seconds: float = 0.0,
) -> ClipFigures:
    """Measure a mini-CLIP on pictures with known facts; see `ClipFigures`.

    Each picture gets one random caption from its grammar; the zero-shot prompts are the bare class
    names.

    Args:
        clip: the mini-CLIP.
        pixels: (n, c, h, w) uint8 pictures.
        facts: facts of each picture; pictures without any are left out.
        heldout: whether the pictures were held out of the training.
        seconds: duration of the training.
    """
    known = [i for i, one in enumerate(facts) if one]
    if not known:
        return ClipFigures(0, heldout, seconds=seconds)
    facts, rng = [facts[i] for i in known], random.Random(0)
    captions = [grammar_of(one)(one, rng) for one in facts]
    image = torch.cat([clip.embed_pixels(to_float(part)) for part in pixels[known].split(256)])
    texts = TextEmbeddings(clip.embed_texts)
    text = texts([caption.text for caption in captions])
    zero_shot, classes = _zero_shot(image, facts, texts)
    found = ClipFigures(
        len(known),
        heldout,
        _retrieval(image, text, facts, captions),
        zero_shot,
        classes,
        seconds=seconds,
    )
    if len(known) < 2:
        return found
    clouds = measure_gap(image, text, paired=True)
    return replace(
        found,
        gap=clouds.distance,
        paired_cosine=clouds.paired_cosine,
        unpaired_cosine=clouds.unpaired_cosine,
        image_dimensions=clouds.image_dimensions,
        text_dimensions=clouds.text_dimensions,
    )


def _retrieval(
    image: Tensor, text: Tensor, facts: Sequence[Facts], captions: Sequence[Caption]
) -> float:
    """Return the share of pictures that find a true caption, of those that have one in the pool."""
    pool = torch.arange(min(POOL, len(facts)))
    fits = FactTable(facts).fits(torch.arange(len(facts)), [captions[i] for i in pool.tolist()])
    answerable = fits.any(1)
    best = (image @ text[pool].T).argmax(1)
    found = fits[torch.arange(len(facts)), best][answerable]
    return found.float().mean().item()


def _zero_shot(
    image: Tensor, facts: Sequence[Facts], texts: TextEmbeddings
) -> tuple[float | None, int]:
    """Return (zero-shot accuracy, number of classes); None if there are fewer than two classes."""
    name = next((name for name in NAMED if any(name in one for one in facts)), None)
    rows = [i for i, one in enumerate(facts) if name in one]
    classes = sorted({facts[i][name] for i in rows}) if name else []
    if name is None or len(classes) < 2:
        return None, len(classes)
    asked = texts([case.prompt for case in label_cases(name, classes, plain=True)])
    best = (image[rows] @ asked.T).argmax(1).tolist()
    right = [classes[k] == facts[i][name] for i, k in zip(rows, best, strict=True)]
    return sum(right) / len(right), len(classes)
