"""What the assessment is about: ten digits in words, for a model that never read a caption.

The pictures are the painted digits of the course, or MNIST where it is found. Everything here is
made again when a submission is judged, so a student can change none of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ddpm_clip.conditioning.conditioner import Conditioner
from ddpm_clip.course.pictures import Pictures, digits
from ddpm_clip.data.sources import DIGITS
from ddpm_clip.runs.pretrained import load
from ddpm_clip.types import Embedder
from ddpm_clip.utils.tensors import to_float

PAINTED, MNIST = "painted", "MNIST"
TRAINED_ON, HELD_OUT = 1200, 300
"""Pictures that a submission is trained on, and others that it has not seen."""

PHRASINGS = ("{}", "the digit {}", "a picture of a {}", "the number {}")
"""The prompts of one digit, in turn."""

EACH = 6
"""Pictures of one digit."""


@dataclass(frozen=True, slots=True, eq=False)
class DigitTask:
    """The pictures of the assessment, and the way from words to conditions.

    Attributes:
        data: "painted" or "MNIST".
        pictures: those to train on.
        heldout: others from the same source.
        embedder: the shipped mini-CLIP of digits.
        embeddings: (n, e) unit embeddings of `pictures`.
        conditioner: turns embeddings of pictures, and of texts, into conditions.
    """

    data: str
    pictures: Pictures
    heldout: Pictures
    embedder: Embedder
    embeddings: Tensor
    conditioner: Conditioner

    @classmethod
    @torch.no_grad()
    def open(cls, data: str = "", n: int = TRAINED_ON, heldout: int = HELD_OUT) -> "DigitTask":
        """Open the task.

        Args:
            data: "painted", "MNIST", or "" for MNIST where it is found.
            n: number of pictures to train on.
            heldout: number of pictures to hold out.

        Raises:
            MissingInput: MNIST is asked for, and it is not on this disk.
        """
        real = None if not data else data == MNIST
        pictures, unseen = digits(n + heldout, real=real).split(heldout)
        embedder = load("digits").embedder
        parts = [embedder.embed_pixels(to_float(one)) for one in pictures.pixels.split(256)]
        embeddings = F.normalize(torch.cat(parts).float(), dim=1)
        bank = embedder.prompt_bank()
        conditioner = Conditioner.fit(embeddings, embedder.embed_texts(bank), prompts=bank)
        found = MNIST if pictures.origin == MNIST else PAINTED
        return cls(found, pictures, unseen, embedder, embeddings, conditioner)

    @property
    def conditions(self) -> Tensor:
        """The conditions (n, width) of the pictures, for training."""
        return self.conditioner.images(self.embeddings)

    @torch.no_grad()
    def asked(self, prompts: Sequence[str], bridge: str, seeds: Sequence[int]) -> Tensor:
        """Return the conditions (n, width) of prompts, carried over by a bridge."""
        texts = F.normalize(self.embedder.embed_texts(list(prompts)).float(), dim=1)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return self.conditioner.texts(texts, bridge, generators=generators)


def prompts_and_digits(each: int = EACH) -> tuple[list[str], list[str]]:
    """Return the prompts, `each` for every digit in four phrasings, and the digits they ask for.

    >>> prompts_and_digits(2)[0][:3]
    ['zero', 'the digit zero', 'one']
    """
    pairs = [
        (PHRASINGS[i % len(PHRASINGS)].format(digit), digit)
        for digit in DIGITS
        for i in range(each)
    ]
    return [prompt for prompt, _ in pairs], [digit for _, digit in pairs]
